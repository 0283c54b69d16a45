# apply by the client, by the server, with prune; and diff.

cat > web.yaml <<END
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: tls, port: 443}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: web}}
data: {color: blue, size: "9"}
---
apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata: {name: web, labels: {app: web}}
spec:
  source: {git: {url: "https://git.example/web.git"}}
  strategy: {master: {engine: boatyard}}
END
kubectl diff -f web.yaml > difference; echo $?; grep -c '^+' difference

kubectl apply -f web.yaml

kubectl apply -f web.yaml

kubectl diff -f web.yaml; echo $?

sed -i '/name: tls/d; s/color: blue, //; s/web.git/other.git/' web.yaml; kubectl diff -f web.yaml | grep -v '^diff\|^---\|^+++'

kubectl diff -f web.yaml --server-side 2>&1 | grep -v '^diff\|^---\|^+++'

kubectl apply -f web.yaml --dry-run=server

kubectl apply -f web.yaml --dry-run=client -o name

kubectl apply -f web.yaml

kubectl get service/web configmap/web ciconfig/web -o yaml

kubectl apply view-last-applied configmap/web

kubectl apply set-last-applied -f web.yaml --create-annotation

kubectl apply edit-last-applied configmap/none

kubectl apply -f - <<END
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"clusterIP": "10.255.255.255", "ports": [{"port": 0}]}}
END

kubectl apply -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "date": {}}
END

kubectl apply --validate=ignore -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "date": {}}
END

kubectl apply -f missing.yaml

kubectl create configmap handmade --from-literal=a=1; kubectl create configmap handmade --from-literal=a=2 --dry-run=client -o yaml | kubectl apply -f -

mkdir shop; printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {shop: "1"}}\n' > shop/one.yaml; printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, labels: {shop: "1"}}\n' > shop/two.yaml; kubectl apply -f shop -l shop=1 --prune --prune-allowlist=core/v1/ConfigMap

rm shop/two.yaml; kubectl apply -f shop -l shop=1 --prune --prune-allowlist=core/v1/ConfigMap --dry-run=server

kubectl apply -f shop -l shop=1 --prune --prune-allowlist=core/v1/ConfigMap

kubectl get configmaps -l shop -o name

# only from 1.27: what was applied together is remembered in a Secret
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n' > shop/three.yaml; KUBECTL_APPLYSET=true kubectl apply -f shop --prune --applyset=set

rm shop/three.yaml; KUBECTL_APPLYSET=true kubectl apply -f shop --prune --applyset=set

KUBECTL_APPLYSET=true kubectl apply -f shop --prune --applyset=configmaps/none

kubectl get secret set -o jsonpath='{.metadata.annotations} {.metadata.labels}' | sed 's/applyset-[^"]*-v1/ID/'

printf 'resources: [one.yaml]\nnamePrefix: my-\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n' > shop/kustomization.yaml; kubectl apply -k shop

kubectl delete -k shop

kubectl apply --prune --all -f shop/one.yaml --prune-allowlist=core/v1/Cake
