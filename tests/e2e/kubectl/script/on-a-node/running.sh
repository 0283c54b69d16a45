# Pods that really run: their logs, what is run in them, what is copied, and how they end.

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: boatyard.dev/host
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "echo one; echo two; echo three; trap 'echo bye; exit 0' TERM; while :; do sleep 0.2; done"]
    workingDir: /data
    env: [{name: COLOR, value: blue}]
    volumeMounts: [{name: data, mountPath: /data}]
    readinessProbe: {exec: {command: [test, -d, /data]}, periodSeconds: 1}
  - name: side
    image: boatyard.dev/host
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "echo from the side; sleep 1000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
END

kubectl wait --for=condition=Ready pod/web --timeout=60s

kubectl get pod web

kubectl get pod web -o jsonpath='{.status.phase} {.status.containerStatuses[*].name} {.status.containerStatuses[*].ready} {.status.containerStatuses[*].restartCount}'

kubectl logs web -c main

kubectl logs web

kubectl logs web --tail=1

kubectl logs web -c main --limit-bytes=6

kubectl logs web --all-containers --prefix

kubectl logs -l app=web --all-containers --tail=1 | sort

kubectl logs web -c main --since=1h

kubectl logs web -c main --since-time=2100-01-01T00:00:00Z

kubectl logs web -c main --timestamps | sed 's/^[^ ]*Z/TIME/'

kubectl logs web -c none

kubectl logs web -c main --previous

kubectl logs web -c main --tail=-2

# only from 1.30: before, exec is over SPDY, which ours refuses by name
kubectl exec web -- sh -c 'pwd; echo $COLOR'

# only from 1.30: before, exec is over SPDY, which ours refuses by name
kubectl exec web -c side -- sh -c 'echo out; echo err >&2; exit 7'

# only from 1.30: before, exec is over SPDY, which ours refuses by name
printf 'typed\n' | kubectl exec -i web -c main -- cat

# only from 1.30: before, exec is over SPDY, which ours refuses by name
head -c 300000 /dev/zero | kubectl exec -i web -c main -- wc -c

# only from 1.30: before, exec is over SPDY, which ours refuses by name
# differs: another program starts it, in other words
kubectl exec web -c main -- no-such-program

# only from 1.30: before, exec is over SPDY, which ours refuses by name
kubectl exec web -c none -- true

# only from 1.30: before, exec is over SPDY, which ours refuses by name
terminal 'test -t 0 && echo a terminal' 'stty size' 'exit 4' -- kubectl exec -it web -c main -- env PS1='> ' sh | grep '^a terminal\|^33 101\|exit code'

# only from 1.30: before, exec is over SPDY, which ours refuses by name
mkdir -p there/below; echo carried > there/below/file; kubectl cp there web:/data/there -c main; kubectl exec web -c side -- cat /data/there/below/file

# only from 1.30: before, exec is over SPDY, which ours refuses by name
kubectl exec web -c main -- sh -c 'seq 20000 > big'; kubectl cp web:/data/big big -c main > said 2>&1; wc -l < big

# only from 1.30: before, exec is over SPDY, which ours refuses by name
kubectl cp web:/data/none none -c main > said 2>&1; echo $?; ls none

kubectl run once --image=boatyard.dev/host --image-pull-policy=IfNotPresent --restart=Never --command -- sh -c 'echo done; exit 3'; kubectl wait pod/once --for=jsonpath='{.status.phase}'=Failed --timeout=60s

kubectl get pod once

kubectl logs once

kubectl get pod once -o jsonpath='{.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].started}'

# only from 1.30: before, exec is over SPDY, which ours refuses by name
kubectl exec once -- true

kubectl run good --image=boatyard.dev/host --image-pull-policy=IfNotPresent --restart=Never --command -- true; kubectl wait pod/good --for=jsonpath='{.status.phase}'=Succeeded --timeout=60s; kubectl get pod good

kubectl delete pod once good

# differs: a pod of ours takes no stdin; what is run in it with exec does
kubectl run piped --image=boatyard.dev/host --image-pull-policy=IfNotPresent --restart=Never --rm -i --quiet --command -- sh -c 'read line; echo "heard: $line"' <<END
hello
END

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  containers:
  - name: main
    image: boatyard.dev/host
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "if [ -e /data/seen ]; then echo second; sleep 1000; fi; touch /data/seen; echo first; exit 9"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
END
kubectl wait pod/again --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 --timeout=60s; kubectl wait pod/again --for=condition=Ready --timeout=60s

kubectl get pod again

kubectl logs again

kubectl logs again --previous

kubectl get pod again -o jsonpath='{.status.containerStatuses[0].lastState.terminated.exitCode} {.status.containerStatuses[0].lastState.terminated.reason}'

kubectl delete pod again --now

kubectl logs -f web -c main > followed & w=$!; lines followed 3; kubectl delete pod web; wait $w; cat followed

kubectl get pod web
