# What labels and fields select, in get, label and delete.

for n in a b c d; do kubectl create configmap $n; done

kubectl label configmap a team=x tier=1

kubectl label configmap b c team=y

kubectl label configmap --all seen=yes

kubectl label configmap a team=z

kubectl label configmap a team=z --overwrite

kubectl label configmap a tier- missing-

kubectl label configmap a 'bad key=1'

kubectl label configmap a good='bad value'

kubectl label configmap -l team=y mark=2 -o name

kubectl label configmap a --list | sort

kubectl label configmap a step=1 --resource-version=1

kubectl annotate configmap a note='a text with blanks' url=https://x.example/?a=b

kubectl annotate configmap a note-

kubectl annotate configmap a --list | sort

kubectl annotate configmap d by=me --dry-run=server -o jsonpath='{.metadata.annotations}'

kubectl get configmaps -l 'team in (y,z)' -o name

kubectl get configmaps -l 'team notin (y)' -o name

kubectl get configmaps -l team -o name

kubectl get configmaps -l '!team' -o name

kubectl get configmaps -l 'team=y,mark==2' --show-labels

kubectl get configmaps -l team!=y -o name

kubectl get configmaps -l 'a b'

kubectl get configmaps -l 'team in (x'

kubectl get configmaps -l 'team=bad value'

kubectl get configmaps --field-selector=metadata.name!=a -o name

kubectl get configmaps --field-selector=data.x=1

kubectl get secrets --field-selector=type=Opaque

kubectl get services --field-selector=spec.type=ClusterIP

kubectl get ciconfigs --field-selector=spec.paused=true

kubectl delete configmaps -l team=y

kubectl delete configmaps --field-selector=metadata.name=a

kubectl delete configmaps --all --dry-run=server

kubectl delete configmaps --all --dry-run=client -o name

kubectl delete configmaps --all

kubectl delete configmaps

kubectl get configmaps
