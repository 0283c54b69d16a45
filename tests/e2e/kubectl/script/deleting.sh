# What goes, when, and with what.

for n in a b c d e; do kubectl create configmap $n; done

kubectl delete configmap a --cascade=orphan --wait=false

kubectl delete configmap/b secret/none

kubectl delete configmap none --ignore-not-found

kubectl delete configmap c --now

kubectl delete configmap d --wait=false --grace-period=5

kubectl delete configmap e --force --grace-period=0

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {nodeName: $NS, containers: [{name: main, image: boatyard.dev/host}]}
---
apiVersion: v1
kind: Pod
metadata: {name: q}
spec: {containers: [{name: main, image: boatyard.dev/host}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: held, finalizers: [example.com/hold]}
END

kubectl delete pod p --wait=false

kubectl get pod p

kubectl get pod p -o jsonpath='{.metadata.deletionGracePeriodSeconds}'

kubectl delete pod p --timeout=3s

kubectl delete pod p --grace-period=0 --force

kubectl delete pod q

kubectl get pods

kubectl delete configmap held --timeout=3s

kubectl delete configmap held --cascade=foreground --wait=false

kubectl get configmap held -o jsonpath='{.metadata.finalizers}'

kubectl patch configmap held --type=json -p '[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/other"}]'

kubectl patch configmap held --type=merge -p '{"metadata": {"finalizers": null}}'

kubectl get configmap held

kubectl create -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: parent}
END

kubectl delete configmap parent --cascade=foreground --wait=false

kubectl get configmap parent -o jsonpath='{.metadata.finalizers}'

kubectl patch configmap parent --type=json -p '[{"op": "remove", "path": "/metadata/finalizers"}]'

kubectl delete configmap parent

kubectl delete namespace default kube-system --dry-run=server

kubectl delete namespace default

kubectl create namespace $NS-gone

kubectl delete namespace $NS-gone --wait=false

kubectl create configmap late -n $NS-gone

kubectl delete cakes --all

kubectl delete configmap --all -l a=b

kubectl delete
