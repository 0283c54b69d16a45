# Nodes, what runs there, and what happened.

kubectl cordon $NS

kubectl cordon $NS

kubectl get node $NS

kubectl uncordon $NS

kubectl uncordon none

kubectl taint node $NS dedicated=ci:NoSchedule

kubectl taint node $NS dedicated=ci:NoSchedule

kubectl taint node $NS dedicated=other:NoSchedule --overwrite

kubectl taint node $NS dedicated=x:Sometimes

kubectl taint node $NS dedicated-

kubectl label node $NS node-role.kubernetes.io/builder= kubernetes.io/role=ci

kubectl get node $NS

kubectl patch node $NS --subresource=status -p '{"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "Hostname", "address": "n"}], "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "allocatable": {"cpu": "3500m", "memory": "7Gi", "pods": "110"}, "conditions": [{"type": "Ready", "status": "True", "reason": "Up", "message": "it is"}], "nodeInfo": {"kubeletVersion": "v1.34.0", "osImage": "Linux", "kernelVersion": "6", "containerRuntimeVersion": "c://1", "architecture": "amd64", "bootID": "", "kubeProxyVersion": "", "machineID": "", "operatingSystem": "linux", "systemUUID": ""}}}'

kubectl get node $NS -o wide

kubectl create -f - <<END
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  nodeName: $NS
  containers:
  - {name: main, image: boatyard.dev/host, resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {memory: 2Gi}}}
  volumes: [{name: scratch, emptyDir: {sizeLimit: 1Gi}}, {name: conf, configMap: {name: c, items: [{key: a, path: b}]}}]
END

# differs: no taint on a node that hasn't told yet that it is ready
kubectl describe node $NS

kubectl drain $NS --dry-run=server

kubectl drain $NS --force --dry-run=server

kubectl drain $NS --force --delete-emptydir-data --dry-run=server

kubectl drain $NS --force --delete-emptydir-data --grace-period=0 --timeout=60s

kubectl create -f - <<END
apiVersion: v1
kind: Event
metadata: {name: p.1}
type: Warning
reason: BackOff
message: "it fell over\n"
count: 3
involvedObject: {apiVersion: v1, kind: Pod, name: p, namespace: $NS, fieldPath: "spec.containers{main}"}
source: {component: test, host: n1}
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-02T00:00:00Z"
---
apiVersion: v1
kind: Event
metadata: {name: p.2}
type: Normal
reason: Pulled
message: it is there
involvedObject: {apiVersion: v1, kind: Pod, name: p, namespace: $NS}
reportingComponent: test
reportingInstance: n1
eventTime: "2026-01-01T00:00:00.000000Z"
action: Pull
END

kubectl events

kubectl events --for=pod/p --types=Warning --no-headers

kubectl events -o name

kubectl events --types=Odd

kubectl get events --sort-by=.reason

kubectl get events -o wide --field-selector=type=Warning,involvedObject.name=p

# differs: fields without a value are left out
kubectl get event p.2 -o yaml

# differs: fields without a value are left out
kubectl describe event p.1

kubectl create -f - <<END
apiVersion: v1
kind: Event
metadata: {name: wrong}
involvedObject: {kind: Pod, name: p, namespace: other}
END

kubectl create -f - <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: $NS}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce, ReadOnlyMany], hostPath: {path: /x}, storageClassName: slow, claimRef: {name: data, namespace: $NS}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: slow, resources: {requests: {storage: 1Gi}}}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: leader}
spec: {holderIdentity: me, leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z"}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [192.0.2.7], conditions: {ready: true}, targetRef: {kind: Pod, name: p}}]
---
apiVersion: v1
kind: PodTemplate
metadata: {name: mold}
template: {metadata: {labels: {a: b}}, spec: {containers: [{name: main, image: boatyard.dev/host}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec:
  ingressClassName: main
  defaultBackend: {service: {name: web, port: {number: 80}}}
  tls: [{hosts: [web.example], secretName: pair}]
  rules: [{host: web.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]
END

kubectl get pv/$NS pvc/data lease/leader endpointslice/web-1 podtemplate/mold ingress/front -o wide

kubectl get lease/leader endpointslice/web-1 podtemplate/mold ingress/front -o yaml

# differs: volumes and claims aren't protected by finalizers, and the time of their phase isn't kept
kubectl get pv/$NS pvc/data -o yaml

# differs: volumes aren't protected by finalizers
kubectl describe pv/$NS

# differs: claims aren't protected by finalizers
kubectl describe pvc/data

# differs until 1.30: no Endpoints
kubectl describe lease/leader endpointslice/web-1 podtemplate/mold ingress/front

kubectl delete pv $NS --wait=false; kubectl patch pv $NS -p '{"metadata": {"finalizers": null}}' > said 2>&1; true
