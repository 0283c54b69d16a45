# patch of every type, subresources, replace, and what an editor sends.

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: web}}
spec:
  nodeName: $NS
  containers:
  - {name: main, image: boatyard.dev/host, env: [{name: A, value: "1"}]}
  - {name: side, image: boatyard.dev/host}
END

kubectl patch pod p -p '{"spec": {"containers": [{"name": "side", "image": "boatyard.dev/other"}]}}'

kubectl patch pod p -p '{"metadata": {"labels": {"app": null, "tier": "1"}}}' -o jsonpath='{.metadata.labels}'

kubectl patch pod p --type=merge -p '{"metadata": {"annotations": {"a": "b"}}}'

kubectl patch pod p --type=merge -p '{"metadata": {"annotations": {"a": "b"}}}'

kubectl patch pod p --type=json -p '[{"op": "replace", "path": "/spec/containers/0/image", "value": "boatyard.dev/third"}]'

# differs: ours says which operation failed, and why
kubectl patch pod p --type=json -p '[{"op": "test", "path": "/metadata/name", "value": "q"}]'

# differs: ours says which operation failed, and why
kubectl patch pod p --type=json -p '[{"op": "remove", "path": "/metadata/nothing"}]'

# differs: no Go types in ours
kubectl patch pod p --type=json -p '{"a": 1}'

# differs: no difference of Go's structs in ours
kubectl patch pod p -p 'spec: {containers: [{name: main, command: [x]}]}'

# differs: no difference of Go's structs in ours
kubectl patch pod p -p '{"spec": {"nodeName": "other"}}'

kubectl patch pod p -p '{"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}'

# differs: a bad request, there an internal error
kubectl patch pod p -p '{"spec": {"containers": [{"image": "x"}]}}'

# differs: ours names the field
kubectl patch pod p -p '{"spec": {"activeDeadlineSeconds": "soon"}}'

kubectl patch pod p -p '{"spec": {"cake": 1}}'

kubectl patch pod p -p '{"metadata": {"name": "q"}}'

# differs: another parser's words
kubectl patch pod p -p '{not json'

kubectl patch pod p --subresource=status -p '{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"name": "main", "ready": true, "restartCount": 2, "image": "i", "imageID": "", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}}'

kubectl get pod p

kubectl patch pod p --subresource=status --type=merge -p '{"status": {"containerStatuses": [{"name": "main", "ready": false, "restartCount": 3, "image": "i", "imageID": "", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}, {"name": "side", "ready": false, "restartCount": 0, "image": "i", "imageID": "", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}}'

kubectl get pods -o wide

kubectl describe pod p

kubectl patch pod p --subresource=nothing -p '{}'

kubectl patch pod none -p '{}'

kubectl patch -f - -p '{"data": {"a": "b"}}' <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}}
END

kubectl create configmap c --from-literal=a=1

kubectl patch configmap c --dry-run=server -p '{"data": {"a": "2"}}' -o jsonpath='{.data.a}'

kubectl get configmap c -o yaml | sed 's/a: "1"/a: "3"/' | kubectl replace -f -

kubectl get configmap c -o yaml | sed 's/resourceVersion: .*/resourceVersion: "1"/' | kubectl replace -f -

kubectl replace -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}}
END

kubectl replace --force -f - <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "4"}}
END

printf '#!/bin/sh\nsed -i "s/4/5/" "$1"\n' > editor; chmod +x editor; EDITOR=./editor kubectl edit configmap c

kubectl get configmap c -o jsonpath='{.data}'

EDITOR=true kubectl edit configmap c

printf '#!/bin/sh\ncp "$1" seen; sed -i "s/kind: ConfigMap/kind: ConfigMap\\ncake: 1/" "$1"\n' > editor; EDITOR=./editor kubectl edit configmap c; grep -v '^ *uid' seen

printf '#!/bin/sh\nsed -i "s/^data:/date:/" "$1"\n' > editor; EDITOR=./editor kubectl edit configmap c --validate=false -o yaml

printf '#!/bin/sh\nsed -i "s/phase: Running/phase: Failed/" "$1"\n' > editor; EDITOR=./editor kubectl edit pod p --subresource=status

printf '#!/bin/sh\nsed -i "s/name: p$/name: z/" "$1"\n' > editor; EDITOR=./editor kubectl edit pod p

kubectl create -f - --edit -o name <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "edited"}}
END

kubectl set image pod/p main=boatyard.dev/fourth

kubectl set image pod/p none=x

kubectl set env pod/p --list

# differs: no difference of Go's structs in ours
kubectl set env pod/p A=2

kubectl set selector service none a=b

kubectl set subject rolebinding none --user=x

# differs: no difference of Go's structs in ours
kubectl set serviceaccount pod p robot
