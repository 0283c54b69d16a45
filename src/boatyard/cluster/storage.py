"""Claims and volumes: which volume serves which claim, and what a volume of this installation's own class looks like. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.meta.objects import Object, annotations, deleting, labels, name, namespace, uid
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.meta.selectors import LabelSelector

LOCAL_CLASS = "local"
"""The class whose volumes are directories on a node, made when a claim's first pod is placed. Claims without a class get it."""
SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""Annotation of a claim that waits for its first consumer: the node its volume is to be on."""
VOLUMES_DIRECTORY = "boatyard.dev/volumes-directory"
"""Annotation of a Node: the directory below which its agent keeps the directories of local volumes."""
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "boatyard.dev/local"
DATA_FINALIZER = "boatyard.dev/volume-data"
"""Finalizer of a volume made here: the node's agent takes it away when it has removed the volume's directory."""
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"


def storage_class(claim: Object) -> str:
    """The claim's class; an empty one asks for a volume that somebody has made, of no class."""
    chosen = claim["spec"].get("storageClassName")
    return LOCAL_CLASS if chosen is None else chosen


def is_provisioned(claim: Object) -> bool:
    """Whether a volume is made for this claim once its pod is placed."""
    return storage_class(claim) == LOCAL_CLASS and not claim["spec"].get("selector")


def belongs_to(volume: Object, claim: Object) -> bool:
    """Whether the volume's ``claimRef`` means this very claim."""
    reference = volume["spec"].get("claimRef") or {}
    same_name = (reference.get("namespace"), reference.get("name")) == (namespace(claim), name(claim))
    return same_name and reference.get("uid", uid(claim)) == uid(claim)


def best_volume(claim: Object, volumes: Iterable[Object]) -> Object | None:
    """The volume for a claim: one that was reserved for it, else the smallest free one that is large enough, has the modes and the
    class asked for, and matches the selector; of equals, the first by name. As Kubernetes' ``FindMatchingVolume``."""
    wanted = parse_quantity(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))
    modes = claim["spec"].get("accessModes") or ()
    selector = LabelSelector.from_object(claim["spec"].get("selector") or {})
    fitting: list[tuple[bool, object, str, Object]] = []
    for volume in volumes:
        spec = volume["spec"]
        if deleting(volume) or (spec.get("claimRef") and not belongs_to(volume, claim)):
            continue
        if (volume.get("status") or {}).get("phase") in ("Released", "Failed"):
            continue
        capacity = parse_quantity((spec.get("capacity") or {}).get("storage", "0"))
        reserved = bool(spec.get("claimRef"))
        fits = capacity >= wanted and all(mode in (spec.get("accessModes") or ()) for mode in modes)
        if not fits or (not reserved and (spec.get("storageClassName") or "") != storage_class(claim)):
            continue
        if reserved or selector.matches(labels(volume)):
            fitting.append((not reserved, capacity, name(volume), volume))
    return min(fitting, key=lambda row: row[:3])[3] if fitting else None


def local_volume(claim: Object, node: Object) -> Object | None:
    """A volume for a claim on its selected node; None when that node offers no directory for volumes.

    Its name follows from the claim's uid, so that a second try finds it made.
    """
    directory = annotations(node).get(VOLUMES_DIRECTORY)
    if not directory:
        return None
    volume_name = f"pvc-{uid(claim)}"
    hostname = labels(node).get("kubernetes.io/hostname", name(node))
    on_node = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [hostname]}]}
    return {
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name, "annotations": {PROVISIONED_BY: PROVISIONER, "boatyard.dev/node": name(node)},
            "finalizers": [DATA_FINALIZER],
        },
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"].get("accessModes") or ["ReadWriteOnce"], "volumeMode": "Filesystem",
            "storageClassName": LOCAL_CLASS, "persistentVolumeReclaimPolicy": "Delete",
            "local": {"path": f"{directory.rstrip('/')}/{volume_name}"}, "claimRef": claim_reference(claim),
            "nodeAffinity": {"required": {"nodeSelectorTerms": [on_node]}},
        },
    }  # fmt: skip


def claim_reference(claim: Object) -> Object:
    """The ``claimRef`` that reserves a volume for exactly this claim."""
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace(claim), "name": name(claim), "uid": uid(claim),
    }  # fmt: skip
