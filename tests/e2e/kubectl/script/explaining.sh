# What there is, and what its fields are. Descriptions are left out: ours are our own words.

kubectl explain pods --recursive | sed '/^DESCRIPTION/,/^FIELDS/d'

# differs: ours knows Kubernetes' types inside our kinds
kubectl explain ciconfigs --recursive

kubectl explain ciconfig.spec.strategy.master.engine

# differs: ours knows Kubernetes' types inside our kinds
kubectl explain builds.spec --api-version=ci.boatyard.dev/v1alpha1

kubectl explain pod.spec.containers.ports | grep '^  [a-z]'

kubectl explain pod.spec.restartPolicy | sed '/^DESCRIPTION/,$d'

kubectl explain svc.spec.type --api-version=v1 | head -4

kubectl explain pod.nothing

kubectl explain cakes

kubectl explain pods --api-version=v2

for group in '' rbac.authorization.k8s.io coordination.k8s.io discovery.k8s.io certificates.k8s.io apiextensions.k8s.io ci.boatyard.dev; do kubectl api-resources --api-group="$group" -o wide --no-headers; done | grep -v '^\(componentstatuses\|endpoints\|limitranges\|replicationcontrollers\|resourcequotas\|bindings\) '

kubectl api-resources --api-group=ci.boatyard.dev --sort-by=kind -o name

kubectl api-resources --namespaced=false --verbs=list,get --api-group=rbac.authorization.k8s.io

kubectl api-resources --categories=boatyard

kubectl api-versions | grep '^v1$\|rbac\|ci.boatyard\|coordination\|apiext\|discovery\|certif'

kubectl api-resources --api-group=none

kubectl get boatyard

kubectl cluster-info

kubectl version -o json | grep -c gitVersion

kubectl get --raw /healthz

kubectl get --raw /readyz

kubectl get --raw /livez

kubectl get --raw /nothing

kubectl get --raw /apis/ci.boatyard.dev

kubectl get --raw /apis/ci.boatyard.dev/v1alpha1 | python3 -c 'import json, sys; print(*sorted(json.dumps(r, sort_keys=True) for r in json.load(sys.stdin)["resources"] if r.pop("storageVersionHash", 0) is not r), sep="\n")'

kubectl config view --minify -o jsonpath='{.contexts[0].context.namespace}' | sed s/$NS/own/

kubectl top pods

kubectl get componentcakes.v1.example.com
