# Who may do what, and how they are told.

kubectl create serviceaccount robot

kubectl auth can-i list pods

kubectl auth can-i list pods --as=jane

kubectl auth can-i list pods --as=jane -q; echo $?

kubectl auth can-i create builds.ci.boatyard.dev --as=jane -n other

kubectl auth can-i get pods/log --as=jane

kubectl auth can-i get /metrics --as=jane

kubectl auth can-i fly cakes

kubectl create role reader --verb=get,list,watch --resource=configmaps

kubectl create role keeper --verb=update --resource=configmaps --resource-name=c

kubectl create rolebinding jane-reads --role=reader --user=jane

kubectl create rolebinding jane-keeps --role=keeper --user=jane

kubectl auth can-i list configmaps --as=jane

kubectl auth can-i update configmaps/c --as=jane

kubectl auth can-i update configmaps/d --as=jane

kubectl auth can-i --list --as=jane | sort

kubectl auth can-i --list --as=jane -n other | sort

kubectl get configmaps --as=jane

kubectl get configmaps --as=jane -A

kubectl get configmap none --as=jane

kubectl create configmap c --as=jane

kubectl delete configmap c --as=jane

kubectl get secrets --as=jane --as-group=ops

kubectl get secrets --as=jane --as-group=system:masters

kubectl get nodes --as=system:serviceaccount:$NS:robot

kubectl create role edits --verb=create,get --resource=configmaps,roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io; kubectl create rolebinding robot-edits --role=edits --serviceaccount=$NS:robot

kubectl create configmap d --as=system:serviceaccount:$NS:robot

kubectl create role more --verb='*' --resource=secrets --as=system:serviceaccount:$NS:robot

kubectl create rolebinding admins --clusterrole=cluster-admin --user=jane --as=system:serviceaccount:$NS:robot

# only from 1.28: before, it isn't a command of its own
kubectl auth whoami --as=jane --as-group=ops --as-uid=1

kubectl get configmaps --as=jane --as-user-extra=a=b

kubectl auth reconcile -f - <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps, secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: jane-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: joe}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: $NS-new}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
END

kubectl auth reconcile --remove-extra-permissions --remove-extra-subjects --dry-run=server -f - <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
END

kubectl get role,rolebinding -o wide

kubectl describe role reader

kubectl describe rolebinding jane-reads

kubectl describe clusterrole $NS-new

kubectl describe serviceaccount robot

kubectl set subject rolebinding jane-reads --user=jim

# differs: the fields as the API has them, there as Go has them
kubectl patch rolebinding jane-reads --type=merge -p '{"roleRef": {"name": "keeper"}}'

kubectl get clusterrole view edit admin cluster-admin -o custom-columns=NAME:.metadata.name,AGGREGATED:.aggregationRule

kubectl delete clusterrole $NS-new

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout jim.key -out jim.csr -subj /O=ops/CN=jim 2> made; for n in yes no; do kubectl create --as=jim --as-group=system:masters -f - <<END; done
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: $NS-$n}
spec: {request: "$(base64 -w0 jim.csr)", signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], expirationSeconds: 7200}
END

kubectl get csr $NS-yes

kubectl certificate approve $NS-yes

kubectl certificate deny $NS-no

kubectl certificate deny $NS-yes

kubectl certificate approve none

kubectl get csr $NS-yes $NS-no -o wide

kubectl describe csr $NS-no

kubectl delete csr $NS-yes $NS-no
