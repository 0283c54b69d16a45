"""Documents of Kubernetes' own kinds, good ones and what to spoil in them: what a real kube-apiserver is asked about."""

from __future__ import annotations

from typing import Any, NamedTuple

from boatyard.machinery.meta import core
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.yaml import load_all

GOOD: list[tuple[Resource, Object]] = [
    ({resource.kind: resource for resource in core.STORED}[document["kind"]], document)
    for document, _ in load_all(
        """
apiVersion: v1
kind: Pod
metadata: {name: small}
spec:
  containers: [{name: main, image: busybox}]
---
apiVersion: v1
kind: Pod
metadata: {name: whole, annotations: {seccomp.security.alpha.kubernetes.io/pod: localhost/a}}
spec:
  hostNetwork: true
  securityContext: {windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM'}}
  resources: {limits: {cpu: "4", memory: 4Gi, hugepages-2Mi: 4Mi}}
  initContainers:
  - {name: prepare, image: i, resources: {requests: {cpu: "3", memory: 512Mi}}}
  - {name: beside, image: i, restartPolicy: Always, resources: {requests: {cpu: 250m}}}
  containers:
  - {name: one, image: i, resources: {requests: {cpu: 500m}, limits: {memory: 1Gi}}}
  - {name: two, image: i, resources: {requests: {cpu: "2", memory: 512Mi, ephemeral-storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: large, labels: {app: x}}
spec:
  serviceAccountName: default
  initContainers:
  - {name: prepare, image: "busybox:1.36", command: [sh]}
  - name: proxy
    image: proxy@sha256:0000000000000000000000000000000000000000000000000000000000000000
    restartPolicy: Always
    startupProbe: {tcpSocket: {port: 80}}
  containers:
  - name: main
    image: registry:5000/busybox:latest
    env:
    - {name: A, value: "1"}
    - {name: B, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: C, valueFrom: {configMapKeyRef: {name: c, key: k}}}
    ports: [{containerPort: 80, name: http}, {containerPort: 53, protocol: UDP}]
    resources: {limits: {cpu: 0.5, memory: 1.5Gi}, requests: {cpu: 100m}}
    livenessProbe: {httpGet: {port: http}}
    readinessProbe: {exec: {command: [cat]}, periodSeconds: 2}
    lifecycle: {preStop: {httpGet: {port: 80, path: /bye}}}
    volumeMounts: [{name: e, mountPath: /e}, {name: s, mountPath: /s, readOnly: true, subPath: a/b}]
  volumes:
  - {name: e}
  - {name: s, secret: {secretName: s}}
  - {name: c, configMap: {name: c, items: [{key: k, path: p}]}}
  - {name: h, hostPath: {path: /tmp}}
  - {name: p, persistentVolumeClaim: {claimName: x}}
  - {name: d, downwardAPI: {items: [{path: l, fieldRef: {fieldPath: metadata.labels}}]}}
  - name: j
    projected:
      sources:
      - {serviceAccountToken: {path: t}}
      - {configMap: {name: c}}
      - {downwardAPI: {items: [{path: n, fieldRef: {fieldPath: metadata.name}}]}}
  - {name: m, emptyDir: {medium: Memory, sizeLimit: 10Mi}}
  tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 5}]
  nodeSelector: {disk: ssd}
---
apiVersion: v1
kind: Pod
metadata: {name: hosted}
spec:
  hostNetwork: true
  restartPolicy: Never
  containers: [{name: a, image: b, ports: [{containerPort: 8080}], resources: {limits: {cpu: 1, memory: 1Gi}}}]
---
apiVersion: v1
kind: PodTemplate
metadata: {name: t}
template: {spec: {containers: [{name: a, image: "b:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {selector: {app: x}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: x}}
---
apiVersion: v1
kind: Service
metadata: {name: several}
spec: {sessionAffinity: ClientIP, ports: [{name: a, port: 80, targetPort: http}, {name: b, port: 81, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: example.com}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: c}
spec: {accessModes: [ReadWriteOnce], storageClassName: local, resources: {requests: {storage: 1024Mi}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: v}
spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /tmp/x}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: l}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  local: {path: /tmp/x}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, creationTimestamp: null, labels: {}}
data: {a: b, "c.d": "", e: null}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {a: b}
data: {c: ZA==}
---
apiVersion: v1
kind: Secret
metadata: {name: t}
type: kubernetes.io/tls
data: {tls.crt: ZA==, tls.key: ZA==}
---
apiVersion: v1
kind: Namespace
metadata: {name: another}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
---
apiVersion: v1
kind: Node
metadata: {name: n}
spec: {taints: [{key: a, value: b, effect: NoSchedule}]}
---
apiVersion: v1
kind: Event
metadata: {name: e, namespace: default}
involvedObject: {kind: Pod, name: x, namespace: default}
type: Normal
reason: Started
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: e}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i}
spec:
  rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}]
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: l}
spec: {holderIdentity: x, leaseDurationSeconds: 15}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "a:b"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{nonResourceURLs: [/healthz], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b}
roleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}
subjects: [{kind: User, name: u}, {kind: ServiceAccount, name: s, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {kind: ClusterRole, name: r}
subjects: [{kind: Group, name: g, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.sea.example.com}
spec:
  group: sea.example.com
  scope: Namespaced
  names: {plural: ships, kind: Ship}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}}
"""
    )
]


class Spoiled(NamedTuple):
    """A good document with one or several things put wrong."""

    name: str
    """Of the good document: kind/name."""
    changes: dict[str, Any]
    """Dotted path (numbers are indexes) -> value; None removes."""

    def document(self) -> tuple[Resource, Object]:
        resource, good = next(pair for pair in GOOD if f"{pair[1]['kind']}/{pair[1]['metadata']['name']}" == self.name)
        document = copied(good)
        for path, value in self.changes.items():
            change(document, path, value)
        return resource, document


def change(document: Any, path: str, value: Any) -> None:
    """Set or (None) remove what is at a dotted path."""
    *way, last = [int(step) if step.isdigit() else step.replace("%", ".") for step in path.split(".")]
    for step in way:
        document = document[step]
    if value is None:
        del document[last]
    else:
        document[last] = value


C = "spec.containers.0"
BAD = [
    Spoiled("Pod/small", {"spec.containers": []}),
    Spoiled("Pod/small", {f"{C}.name": "A_b", f"{C}.image": None}),
    Spoiled("Pod/small", {f"{C}.name": None}),
    Spoiled("Pod/small", {f"{C}.image": " x"}),
    Spoiled("Pod/small", {f"{C}.imagePullPolicy": "Sometimes", "spec.restartPolicy": "Maybe", "spec.dnsPolicy": "No"}),
    Spoiled("Pod/small", {f"{C}.terminationMessagePolicy": "No"}),
    Spoiled(
        "Pod/small",
        {f"{C}.ports": [{"containerPort": 0}, {"containerPort": 70000, "name": "A"}, {"containerPort": 1, "protocol": "X"}]},
    ),
    Spoiled("Pod/small", {f"{C}.ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a", "hostPort": 99999}]}),
    Spoiled(
        "Pod/small",
        {
            f"{C}.env": [
                {"name": ""},
                {"name": "a=b"},
                {"name": "x", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ]
        },
    ),
    Spoiled(
        "Pod/small",
        {f"{C}.env": [{"name": "x", "valueFrom": {}}, {"name": "y", "valueFrom": {"secretKeyRef": {"name": "s", "key": ""}}}]},
    ),
    Spoiled("Pod/small", {f"{C}.envFrom": [{}]}),
    Spoiled(
        "Pod/small",
        {
            f"{C}.volumeMounts": [
                {"name": "nope", "mountPath": "/a"},
                {"name": "nope", "mountPath": "/a"},
                {"name": "", "mountPath": ""},
            ]
        },
    ),
    Spoiled("Pod/large", {f"{C}.volumeMounts.0.subPath": "../x", f"{C}.volumeMounts.1.subPath": "/x"}),
    Spoiled("Pod/small", {f"{C}.resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2", "memory": "-1"}}}),
    Spoiled("Pod/small", {f"{C}.resources": {"limits": {"gpu": "1"}}}),
    Spoiled("Pod/small", {f"{C}.livenessProbe": {}, f"{C}.readinessProbe": {"exec": {"command": []}, "periodSeconds": -1}}),
    Spoiled("Pod/small", {f"{C}.livenessProbe": {"httpGet": {"port": 0}, "tcpSocket": {"port": 1}, "successThreshold": 2}}),
    Spoiled("Pod/small", {f"{C}.lifecycle": {"postStart": {}}}),
    Spoiled(
        "Pod/large", {"spec.initContainers.0.readinessProbe": {"tcpSocket": {"port": 1}}, "spec.initContainers.1.name": "main"}
    ),
    Spoiled(
        "Pod/large",
        {
            "spec.initContainers.0.lifecycle": {"preStop": {"exec": {"command": ["a"]}}},
            "spec.initContainers.1.restartPolicy": "Never",
        },
    ),
    Spoiled("Pod/large", {"spec.volumes.0.name": "s", "spec.volumes.3.name": "X_"}),
    Spoiled(
        "Pod/large",
        {
            "spec.volumes.1.secret.secretName": "",
            "spec.volumes.2.configMap.items.0.path": "../x",
            "spec.volumes.4.persistentVolumeClaim.claimName": "",
        },
    ),
    Spoiled("Pod/large", {"spec.volumes.3.hostPath.path": ""}),
    Spoiled("Pod/large", {"spec.volumes.3.hostPath.type": "Thing"}),
    Spoiled("Pod/large", {"spec.volumes.1.emptyDir": {}}),
    Spoiled("Pod/large", {"spec.volumes.1.secret.defaultMode": 1000}),
    Spoiled("Pod/large", {"spec.volumes.6.projected.sources.0.serviceAccountToken.expirationSeconds": 5}),
    Spoiled("Pod/small", {"spec.activeDeadlineSeconds": 0}),
    Spoiled("Pod/small", {"spec.nodeName": "A", "spec.hostname": "a.b", "spec.subdomain": "_"}),
    Spoiled("Pod/small", {"spec.nodeSelector": {"a b": "c d"}}),
    Spoiled(
        "Pod/small",
        {
            "spec.tolerations": [
                {},
                {"key": "a", "operator": "Like"},
                {"key": "a", "effect": "X"},
                {"key": "a", "operator": "Exists", "value": "x"},
            ]
        },
    ),
    Spoiled("Pod/small", {"spec.tolerations": [{"key": "a", "tolerationSeconds": 5}, {"operator": "Equal"}]}),
    Spoiled("Pod/small", {"spec.securityContext": {"runAsUser": -1}, f"{C}.securityContext": {"runAsGroup": -1}}),
    Spoiled("Pod/hosted", {f"{C}.ports.0.hostPort": 1}),
    Spoiled("Pod/small", {"spec.initContainers": [{"name": "a"}]}),
    Spoiled("PodTemplate/t", {"template.spec.containers.0.image": None}),
    Spoiled("Service/plain", {"spec.ports": []}),
    Spoiled("Service/plain", {"spec.ports.0.port": 0, "spec.ports.0.protocol": "X", "spec.ports.0.targetPort": "_"}),
    Spoiled("Service/plain", {"spec.type": "X", "spec.sessionAffinity": "X"}),
    Spoiled("Service/plain", {"spec.selector": {"a": "b c", "d e": "f"}}),
    Spoiled("Service/plain", {"spec.clusterIP": "x"}),
    Spoiled("Service/several", {"spec.ports.0.name": None, "spec.ports.1.name": "B"}),
    Spoiled("Service/several", {"spec.ports.1": {"name": "a", "port": 80}}),
    Spoiled("Service/elsewhere", {"spec.externalName": ""}),
    Spoiled("PersistentVolumeClaim/c", {"spec.accessModes": [], "spec.resources": None}),
    Spoiled("PersistentVolumeClaim/c", {"spec.accessModes": ["X"], "spec.resources.requests.storage": "0"}),
    Spoiled("PersistentVolume/v", {"spec.accessModes": [], "spec.capacity": {}, "spec.hostPath": None}),
    Spoiled("PersistentVolume/v", {"spec.persistentVolumeReclaimPolicy": "X", "spec.hostPath.path": "/a/../b"}),
    Spoiled("PersistentVolume/v", {"spec.nfs": {"server": "a", "path": "/b"}}),
    Spoiled("PersistentVolume/l", {"spec.nodeAffinity": None}),
    Spoiled("ConfigMap/c", {"data": {"a/b": "c", "..": "d", "..x": "e"}}),
    Spoiled("ConfigMap/c", {"binaryData": {"a": "ZA=="}}),
    Spoiled("ConfigMap/c", {"data.a": "x" * (1024 * 1024 + 1)}),
    Spoiled("Secret/s", {"data": {"a b": "ZA=="}}),
    Spoiled("Secret/t", {"data.tls%key": None}),
    Spoiled("Secret/s", {"type": "kubernetes.io/service-account-token"}),
    Spoiled("Secret/s", {"type": "kubernetes.io/basic-auth"}),
    Spoiled("Node/n", {"spec.taints": [{"key": "", "effect": "X"}, {"key": "a", "effect": ""}]}),
    Spoiled("Node/n", {"spec.taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}]}),
    Spoiled("Event/e", {"involvedObject.namespace": "x"}),
    Spoiled("EndpointSlice/e", {"addressType": "X"}),
    Spoiled("EndpointSlice/e", {"endpoints.0.addresses": ["x"], "ports": [{"port": 1}, {"port": 2}]}),
    Spoiled("EndpointSlice/e", {"endpoints.0.addresses": [], "ports.0.name": "A"}),
    Spoiled("Ingress/i", {"spec": {}}),
    Spoiled("Ingress/i", {"spec.rules.0.host": "10.0.0.1", "spec.rules.0.http.paths.0.pathType": None}),
    Spoiled("Ingress/i", {"spec.rules.0.http.paths.0.path": "x", "spec.rules.0.http.paths.0.backend": {}}),
    Spoiled("Ingress/i", {"spec.rules.0.http.paths.0.path": "/a//b", "spec.rules.0.http.paths.0.backend.service.port": {}}),
    Spoiled("Ingress/i", {"spec.rules.0.http.paths": [], "spec.rules.0.host": "A"}),
    Spoiled(
        "Ingress/i",
        {
            "spec.rules.0.http.paths.0.pathType": "X",
            "spec.rules.0.http.paths.0.backend.service": {"name": "A", "port": {"number": 1, "name": "a"}},
        },
    ),
    Spoiled("Lease/l", {"spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}}),
    Spoiled("Role/a:b", {"rules": [{}, {"nonResourceURLs": ["/x"], "verbs": ["get"]}]}),
    Spoiled("RoleBinding/b", {"roleRef": {"kind": "X", "name": "", "apiGroup": "x"}}),
    Spoiled("RoleBinding/b", {"subjects": [{"kind": "X", "name": ""}, {"kind": "User", "name": "a", "apiGroup": "y"}]}),
    Spoiled("ClusterRoleBinding/b", {"roleRef.kind": "Role", "subjects": [{"kind": "ServiceAccount", "name": "A"}]}),
    Spoiled("CustomResourceDefinition/ships.sea.example.com", {"spec.names.plural": "shops"}),
    Spoiled("CustomResourceDefinition/ships.sea.example.com", {"spec.versions.0.storage": False}),
    Spoiled("CustomResourceDefinition/ships.sea.example.com", {"spec.versions.0.schema": None}),
    Spoiled(
        "CustomResourceDefinition/ships.sea.example.com",
        {"spec.versions.0.schema.openAPIV3Schema.properties.spec.properties.a.type": None},
    ),
    Spoiled(
        "CustomResourceDefinition/ships.sea.example.com",
        {"spec.versions.0.schema.openAPIV3Schema.properties.spec.properties.a": {"type": "array"}},
    ),
    Spoiled("CustomResourceDefinition/ships.sea.example.com", {"spec.scope": "World", "spec.group": "A"}),
]
