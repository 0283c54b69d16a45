# run, expose, raw calls, and wrong things.

kubectl run web --image=boatyard.dev/host --port=80 --labels=app=web --env=A=1 --dry-run=client -o yaml

kubectl run web --image=boatyard.dev/host --port=80 --labels=app=web --env=A=1 --expose

kubectl run once --image=boatyard.dev/host --restart=Never --overrides='{"spec": {"hostname": "h"}}' --dry-run=server -o jsonpath='{.spec.hostname} {.spec.restartPolicy}' --command -- sleep 1

kubectl run web --image=boatyard.dev/host

kubectl run Web --image=boatyard.dev/host

kubectl run bad --image='a b'

kubectl expose pod web --port=80 --name=again --target-port=http --type=ClusterIP

kubectl expose pod web --name=Bad_Name --port=80

kubectl expose service again --port=81 --name=third --dry-run=server -o jsonpath='{.spec.selector}'

kubectl expose configmap none --port=80

kubectl get services -o wide

# differs until 1.30: no Endpoints
kubectl describe service again

# differs: ours names the field
kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: wrong, labels: {"a b": "c"}, annotations: {"x y": z}}
spec:
  restartPolicy: Sometimes
  nodeName: A_b
  containers:
  - {name: Main, image: ""}
  - {name: a, image: x, ports: [{containerPort: 99999}], env: [{name: "1=", value: "2"}], volumeMounts: [{name: none, mountPath: /x}]}
  - {name: a, image: x, resources: {limits: {cpu: lots}}}
END

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: wrong, labels: {"a b": "c"}, annotations: {"x y": z}}
spec:
  restartPolicy: Sometimes
  nodeName: A_b
  containers:
  - {name: Main, image: ""}
  - {name: a, image: x, ports: [{containerPort: 99999}], env: [{name: "1=", value: "2"}], volumeMounts: [{name: none, mountPath: /x}]}
  - {name: a, image: x, resources: {limits: {cpu: "1"}, requests: {cpu: "2"}}}
END

kubectl create -f - <<END
apiVersion: v1
kind: Service
metadata: {name: wrong}
spec: {type: Odd, ports: [{port: 0}, {port: 80, protocol: ICMP}], clusterIP: nowhere, sessionAffinity: x}
END

# differs: ours names the key
kubectl create -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: wrong}
data: {"a/b": x}
binaryData: {c: "not base64!"}
END

# differs: an unknown field is told before a wrong type
kubectl create -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: wrong}
data: {a: 1}
cake: 1
END

kubectl create -f - <<END
apiVersion: v1
kind: Secret
metadata: {name: wrong}
type: kubernetes.io/tls
data: {tls.crt: eA==}
END

kubectl create -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: wrong, namespace: elsewhere}
END

kubectl create -n elsewhere configmap wrong

kubectl create -f - <<END
kind: ConfigMap
metadata: {name: wrong}
END

kubectl create -f - <<END
apiVersion: v1
kind: Cake
metadata: {name: wrong}
END

kubectl create -f - <<END
apiVersion: v1
kind: ConfigMap
metadata: {}
END

kubectl create -f - <<END
a: [b
END

printf '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "raw"}}' > raw.json; kubectl create --raw /api/v1/namespaces/$NS/configmaps -f raw.json | python3 -c 'import json, sys; told = json.load(sys.stdin); told["metadata"].pop("managedFields", None); print(json.dumps(told, sort_keys=True))'

kubectl replace --raw /api/v1/namespaces/$NS/configmaps/raw -f raw.json > said; echo $?

kubectl delete --raw /api/v1/namespaces/$NS/configmaps/raw

kubectl delete --raw /api/v1/namespaces/$NS/configmaps/raw

kubectl create --raw /api/v1/namespaces/$NS/cakes -f raw.json

kubectl get pods/web/cake

kubectl get --raw /api/v1/namespaces/$NS/pods/web/cake

kubectl logs web

kubectl logs none

kubectl logs -l app=none

kubectl exec web -- true

kubectl attach web --pod-running-timeout=1s

kubectl port-forward pod/none 80

kubectl cp none:/a b

kubectl get pods --request-timeout=fast

kubectl --context=none get pods

kubectl --server=https://127.0.0.1:1 get pods 2>&1 | tail -1

# differs: ours says why
kubectl --token=wrong --kubeconfig=/dev/null --server=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}') --insecure-skip-tls-verify get pods
