"""What ``kubectl explain`` says of Kubernetes' own kinds: a line of ours for each kind and its most used fields."""

from __future__ import annotations

from boatyard.machinery.registry.core.named import named_type, with_names
from boatyard.machinery.registry.core.types import raw_type
from boatyard.machinery.schema.structural import Schema

KINDS = {
    "v1.ConfigMap": "Configuration as keys and texts, for containers to read as files or environment.",
    "v1.Event": "Something that happened to an object; kept for a while.",
    "v1.Namespace": "A room for names: objects in different namespaces don't meet.",
    "v1.Node": "A machine that runs pods.",
    "v1.PersistentVolume": "Storage of the cluster, with a life of its own.",
    "v1.PersistentVolumeClaim": "A request for storage, and where it was found.",
    "v1.Pod": "Containers that run together on one node, share its address and volumes, and end together.",
    "v1.PodTemplate": "A pod as others may copy it.",
    "v1.Secret": "Bytes that not everybody may read, for containers to read as files or environment.",
    "v1.Service": "One lasting address for the pods that its selector finds.",
    "v1.ServiceAccount": "Who a pod is when it calls the API.",
    "apiextensions.v1.CustomResourceDefinition": "A kind of resources that the server serves beside its own.",
    "certificates.v1.CertificateSigningRequest": "A request for a certificate, its approval, and the certificate.",
    "coordination.v1.Lease": "A sign of life: who holds it, since when, for how long.",
    "discovery.v1.EndpointSlice": "Addresses behind a service.",
    "networking.v1.Ingress": "Routes from hosts and paths to services.",
    "rbac.v1.ClusterRole": "What may be done, in the whole cluster.",
    "rbac.v1.ClusterRoleBinding": "Who has a role in the whole cluster.",
    "rbac.v1.Role": "What may be done in a namespace.",
    "rbac.v1.RoleBinding": "Who has a role in a namespace.",
    "v1.ObjectMeta": "Name, labels, owners, and what the server notes of every object.",
    "v1.PodSpec": "What a pod should be.",
    "v1.PodStatus": "How a pod is, as its node last told.",
    "v1.Container": "One program of a pod, with its image, environment, volumes and limits.",
    "v1.Volume": "A directory or file that a pod's containers may mount.",
    "v1.Probe": "How to find out whether a container is well.",
}
FIELDS = {
    "apiVersion": "Group and version of the kind.",
    "kind": "The kind of the object.",
    "metadata": "Name, labels, owners, and what the server notes of every object.",
    "spec": "What is wanted.",
    "status": "What was last seen.",
}
"""Of every kind."""
OF_TYPE = {
    "v1.ObjectMeta": {
        "annotations": "Texts for programs and people; nothing is selected by them.",
        "creationTimestamp": "When the server stored it first.",
        "deletionTimestamp": "When its deletion was asked for; it goes when its finalizers are gone.",
        "finalizers": "What must be done before a deleted object goes.",
        "generateName": "A prefix: the server completes it to a name that is free.",
        "generation": "Counts changes of what is wanted.",
        "labels": "Short texts that objects are selected by.",
        "managedFields": "Which manager owns which fields.",
        "name": "Unique among its kind in its namespace; it never changes.",
        "namespace": "The room that the name is unique in.",
        "ownerReferences": "Objects that it belongs to; without them it is collected.",
        "resourceVersion": "The state of the object, opaque; for watches, and to notice that others wrote.",
        "uid": "Unique in time and space.",
    },
    "v1.PodSpec": {
        "activeDeadlineSeconds": "How long the pod may run before it is ended as failed.",
        "containers": "The programs that run side by side.",
        "initContainers": "Programs that run first, one after the other; with restartPolicy Always they stay.",
        "hostNetwork": "Whether the containers use the node's own network.",
        "nodeName": "The node it is bound to.",
        "nodeSelector": "Labels that the node must have.",
        "restartPolicy": "When containers that ended are started again: Always, OnFailure or Never.",
        "serviceAccountName": "Who the pod is when it calls the API.",
        "terminationGracePeriodSeconds": "How long containers may take to end when the pod is deleted.",
        "tolerations": "Taints of nodes that it puts up with.",
        "volumes": "Directories and files that containers may mount.",
    },
    "v1.Container": {
        "args": "Arguments of the program.",
        "command": "The program, in place of the image's own.",
        "env": "Environment variables.",
        "image": "The image with the program and its files.",
        "name": "Unique in the pod.",
        "ports": "Ports that the program listens on.",
        "resources": "What it needs and what it may take at most.",
        "volumeMounts": "Where the pod's volumes appear.",
        "workingDir": "Where the program starts.",
    },
    "v1.PodStatus": {
        "conditions": "What is true of the pod.",
        "containerStatuses": "How each container is.",
        "phase": "Pending, Running, Succeeded, Failed or Unknown.",
        "podIP": "Its address.",
        "reason": "A word for why it is as it is.",
    },
    "v1.ConfigMap": {
        "data": "Texts by key.",
        "binaryData": "Bytes by key, in base64.",
        "immutable": "Whether it may never change again.",
    },
    "v1.Secret": {
        "data": "Bytes by key, in base64.",
        "stringData": "Texts by key, for writing only.",
        "type": "What its keys mean.",
    },
}


def described_type(name: str) -> Schema:
    """A type's definition (``types.raw_type``) with what there is to say of it, as it is published. Raises KeyError."""
    if (small := named_type(name)) is not None:
        return small
    schema = with_names(name, raw_type(name))
    if told := KINDS.get(name):
        schema["description"] = told
    texts = {**(FIELDS if "x-kubernetes-group-version-kind" in schema else {}), **OF_TYPE.get(name, {})}
    for field, child in schema.get("properties", {}).items():
        if field in texts:
            child["description"] = texts[field]
    return schema
