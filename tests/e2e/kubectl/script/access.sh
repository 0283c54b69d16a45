# Who may do what, and how they are told.

kubectl create serviceaccount robot

kubectl auth can-i list pods

kubectl auth can-i list pods --as=joan

kubectl auth can-i list pods --as=joan -q; echo $?

kubectl auth can-i create builds.ci.boatyard.dev --as=joan -n other

kubectl auth can-i get pods/log --as=joan

kubectl auth can-i get /metrics --as=joan

kubectl auth can-i fly cakes

kubectl create role reader --verb=get,list,watch --resource=configmaps

kubectl create role keeper --verb=update --resource=configmaps --resource-name=c

kubectl create rolebinding joan-reads --role=reader --user=joan

kubectl create rolebinding joan-keeps --role=keeper --user=joan; until kubectl auth can-i update configmaps/c --as=joan -q && kubectl auth can-i list configmaps --as=joan -q; do sleep 0.1; done

kubectl auth can-i list configmaps --as=joan

kubectl auth can-i update configmaps/c --as=joan

kubectl auth can-i update configmaps/d --as=joan

kubectl auth can-i --list --as=joan | sort

kubectl auth can-i --list --as=joan -n other | sort

kubectl get configmaps --as=joan

kubectl get configmaps --as=joan -A

kubectl get configmap none --as=joan

kubectl create configmap c --as=joan

kubectl delete configmap c --as=joan

kubectl get secrets --as=joan --as-group=ops

kubectl get secrets --as=joan --as-group=system:masters

kubectl get nodes --as=system:serviceaccount:$NS:robot

kubectl create role edits --verb=create,get --resource=configmaps,roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io; kubectl create rolebinding robot-edits --role=edits --serviceaccount=$NS:robot; until kubectl auth can-i create configmaps --as=system:serviceaccount:$NS:robot -q; do sleep 0.1; done

kubectl create configmap d --as=system:serviceaccount:$NS:robot

kubectl create role more --verb='*' --resource=secrets --as=system:serviceaccount:$NS:robot

kubectl create rolebinding admins --clusterrole=cluster-admin --user=joan --as=system:serviceaccount:$NS:robot

# only from 1.28: before, it isn't a command of its own
kubectl auth whoami --as=joan --as-group=ops --as-uid=1

kubectl get configmaps --as=joan --as-user-extra=a=b

kubectl auth reconcile -f - <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps, secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: joan-reads}
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

kubectl describe rolebinding joan-reads

kubectl describe clusterrole $NS-new

kubectl describe serviceaccount robot

kubectl set subject rolebinding joan-reads --user=jim

# differs: the fields as the API has them, there as Go has them
kubectl patch rolebinding joan-reads --type=merge -p '{"roleRef": {"name": "keeper"}}'

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
