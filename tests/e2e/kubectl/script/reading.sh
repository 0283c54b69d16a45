# get in every form of answer.

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web, tier: front}}
spec:
  nodeName: $NS
  containers:
  - {name: main, image: boatyard.dev/host, command: [sleep, "1000"], ports: [{containerPort: 80, name: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2, labels: {app: web, tier: back}}
spec:
  nodeName: $NS
  readinessGates: [{conditionType: example.com/up}]
  initContainers: [{name: first, image: boatyard.dev/host}]
  containers: [{name: main, image: boatyard.dev/host}, {name: side, image: boatyard.dev/host, resources: {limits: {memory: 1Gi}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: db-1, labels: {app: db}}
spec:
  nodeName: $NS
  containers: [{name: main, image: boatyard.dev/host}]
  tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 5}]
END

kubectl get pods

kubectl get pods -o wide

kubectl get pod web-1 web-2 --no-headers

kubectl get pods --show-labels --show-kind

kubectl get pods -L app,tier

kubectl get pods -l app=web --label-columns=tier --sort-by=.metadata.labels.tier

kubectl get pods -o name

kubectl get pod web-1 -o json

kubectl get pods -o yaml

kubectl get pods -o jsonpath='{range .items[*]}{.metadata.name}{"\t"}{.spec.containers[*].name}{"\n"}{end}'

kubectl get pods -o jsonpath='{.items[?(@.metadata.labels.app=="db")].spec.containers[0].image} {.items[-1:].metadata.name}'

printf '{.items[*].kind}' > path; kubectl get pods -o jsonpath-file=path

kubectl get pod web-1 -o jsonpath-as-json='{.metadata.labels}'

kubectl get pods -o custom-columns=NAME:.metadata.name,IMAGES:.spec.containers[*].image,NONE:.spec.nothing

printf 'POD APP\n.metadata.name .metadata.labels.app\n' > columns; kubectl get pods -o custom-columns-file=columns

kubectl get pods -o go-template='{{range .items}}{{.metadata.name}} {{.status.phase}} {{.status.qosClass}}{{"\n"}}{{end}}'

printf '{{len .items}}' > template; kubectl get pods -o go-template-file=template

kubectl get pods -o jsonpath='{.items[*].nothing}' --allow-missing-template-keys=false 2>&1 | head -1

kubectl get pods --chunk-size=1 -o name

kubectl get pods --sort-by='{.metadata.name}' -o name

kubectl get all

kubectl get pods,services,configmaps -o name

kubectl get po/web-1 pod/db-1 -o name

kubectl get pod web-1 --output-watch-events --watch=false

kubectl get pods --field-selector=spec.nodeName=$NS,status.phase!=Running -o name

kubectl get pods --field-selector=metadata.name=db-1

kubectl get pods -A --field-selector=metadata.namespace=$NS -o name

kubectl get namespace $NS

kubectl get namespace $NS -o yaml

kubectl get node $NS

kubectl get node $NS -o wide

kubectl get pods --ignore-not-found missing

kubectl get pods missing web-1

kubectl get pods -o wide --server-print=false

kubectl get pod web-1 --subresource=status -o jsonpath='{.status.phase}'

kubectl get pods --raw /api

kubectl get --raw "/api/v1/namespaces/$NS/pods?labelSelector=app%3Ddb&limit=1" | cut -c1-60

kubectl describe pods

kubectl describe pod web-

# differs: no taint on a node that hasn't told yet that it is ready
kubectl describe node $NS

# differs: no quotas and limit ranges to describe
kubectl describe namespace $NS

kubectl get pods -o cake

kubectl get pods -o jsonpath='{.items[}'
