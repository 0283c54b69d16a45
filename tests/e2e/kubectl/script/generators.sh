# create in all its forms: what kubectl makes of its arguments, and what the server makes of that.

kubectl create configmap plain --from-literal=a=1 --from-literal=b=

printf 'color=blue\nsize=9\n' > settings; kubectl create configmap filed --from-file=settings --from-env-file=settings

kubectl create configmap filed --from-file=settings --from-file=named=settings -o yaml

kubectl create configmap plain

kubectl create secret generic password --from-literal=word=open

kubectl create secret docker-registry pulls --docker-server=registry.example --docker-username=u --docker-password=p -o jsonpath='{.type}'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -subj /CN=web 2> made; kubectl create secret tls pair --cert=cert --key=key

kubectl create serviceaccount robot

kubectl create namespace $NS-dry --dry-run=server -o name

kubectl create namespace $NS-dry --dry-run=client -o yaml

kubectl create role reader --verb=get,list --resource=pods,builds.ci.boatyard.dev --resource-name=one

kubectl create role none --verb=fly --resource=pods

kubectl create rolebinding readers --role=reader --serviceaccount=$NS:robot --user=jane --group=ops

kubectl create clusterrole $NS-watcher --verb=get --non-resource-url=/metrics

kubectl create clusterrole $NS-sum --aggregation-rule="sum=$NS" -o yaml

kubectl create clusterrolebinding $NS-watchers --clusterrole=$NS-watcher --group=ops

kubectl create service clusterip web --tcp=80:8080 --tcp=443

kubectl create service clusterip headless --clusterip=None --tcp=80

kubectl create service externalname far --external-name=far.example

kubectl create ingress front --class=main --rule='web.example/shop*=web:80,tls=pair' --rule='web.example/=web:http' --annotation=a=b

kubectl create token robot --duration=10m | tr -dc . | wc -c

kubectl create token nobody

kubectl create -f - <<END
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: listed}
- apiVersion: v1
  kind: Secret
  metadata: {name: listed}
  stringData: {a: text}
END

kubectl create -f - <<END 2>&1 | sed 's/some-[a-z0-9]*/some-RANDOM/'
apiVersion: v1
kind: PodTemplate
metadata: {generateName: some-}
template: {spec: {containers: [{name: main, image: boatyard.dev/host}]}}
END

kubectl create -f - --save-config <<END
{"apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": "team"},
 "spec": {"source": {"git": {"url": "https://git.example/team.git"}}, "strategy": {"master": {"engine": "boatyard"}}}}
END

kubectl get configmaps,secrets,serviceaccounts,roles,rolebindings,services,ingresses,ciconfigs

kubectl get configmaps,secrets,serviceaccounts,roles,rolebindings,services,ingresses -o wide

kubectl get secret/password service/web service/headless service/far ingress/front rolebinding/readers ciconfig/team -o yaml

kubectl get secret/password -o yaml --show-managed-fields

kubectl delete clusterrole,clusterrolebinding $NS-watcher $NS-sum $NS-watchers
