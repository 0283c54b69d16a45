# -w shows what changes as it changes.

kubectl create configmap a

kubectl get configmaps -w > table & w=$!; lines table 2; kubectl create configmap b; kubectl patch configmap a -p '{"data": {"k": "v"}}'; kubectl delete configmap b; lines table 5; kill $w; cat table

kubectl get configmaps --watch-only -o name > names -v=6 2> trace & w=$!; watching trace; kubectl patch configmap a -p '{"data": {"k": "w"}}'; lines names 1; kill $w; cat names

kubectl get configmap a -w --output-watch-events > one & w=$!; lines one 2; kubectl patch configmap a -p '{"data": {"l": "w"}}'; kubectl delete configmap a; lines one 4; kill $w; cat one

kubectl get configmaps -w -l team=x --output-watch-events > chosen -v=6 2> trace & w=$!; watching trace; kubectl create configmap c; kubectl label configmap c team=x; kubectl label configmap c team=y --overwrite; lines chosen 3; kill $w; cat chosen

kubectl get ciconfigs -w -o jsonpath='{.metadata.name} {.spec.paused}{"\n"}' > paths -v=6 2> trace & w=$!; watching trace; kubectl create -f - <<END; kubectl patch ciconfig team --type=merge -p '{"spec": {"paused": true}}'; lines paths 2; kill $w; cat paths
apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata: {name: team}
spec: {source: {git: {url: "https://git.example/team.git"}}, strategy: {master: {engine: boatyard}}}
END

kubectl wait configmap/c --for=jsonpath='{.data.ready}'=yes --timeout=60s -v=6 2> trace & w=$!; watching trace; kubectl patch configmap c -p '{"data": {"ready": "yes"}}' > said; wait $w

# only from 1.31: without a value, a path must merely be there
kubectl wait configmap/c --for=jsonpath='{.data.ready}' --timeout=60s

kubectl wait configmap/c --for=delete --timeout=60s -v=6 2> trace & w=$!; watching trace; kubectl delete configmap c > said; wait $w

kubectl wait configmap/c --for=delete

# only from 1.31: waiting for what isn't there yet: it is asked for again and again
kubectl wait configmap/late --for=create --timeout=60s -v=6 2> trace & w=$!; watching trace configmaps/late; kubectl create configmap late > said; wait $w

kubectl wait configmap/late --for=jsonpath='{.data.ready}'=yes --timeout=3s

kubectl wait configmap/none --for=jsonpath='{.data.ready}'=yes --timeout=3s

kubectl wait ciconfigs --all --for=condition=Ready --timeout=60s -v=6 2> trace & w=$!; watching trace; kubectl patch ciconfig team --subresource=status --type=merge -p '{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Up", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}' > said; wait $w

kubectl get ciconfigs --watch --request-timeout=3s > said; echo $?
