"""Content negotiation: which form of an answer an ``Accept`` header asks for."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from boatyard.machinery.meta.errors import NotAcceptable

JSON, YAML = "application/json", "application/yaml"
_TYPES = {JSON: JSON, "application/*": JSON, "*/*": JSON, YAML: YAML, "application/x-yaml": YAML}
_TRANSFORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
_META_VERSIONS = ("v1", "v1beta1")


class Form(NamedTuple):
    """How to answer."""

    type: str = JSON
    """``application/json`` or ``application/yaml``."""
    transform: str = ""
    """Table, PartialObjectMetadata, PartialObjectMetadataList, or empty for the object itself."""
    version: str = "v1"
    """The version of ``meta.k8s.io`` that the transform is of."""


def acceptable(accept: str) -> None:
    """Raises NotAcceptable when no type is asked for that we have, in whatever form."""
    if accept.strip() and not any(type in _TYPES for type, _ in parse(accept)):
        raise NotAcceptable(_ACCEPTED)


@lru_cache(maxsize=256)
def negotiate(accept: str) -> Form:
    """The first form asked for that we have (protobuf we don't). Raises NotAcceptable when there is none."""
    if not accept.strip():
        return Form()
    for type, parameters in parse(accept):
        told = _TYPES.get(type)
        if told is None:
            continue
        transform = parameters.get("as", "")
        if not transform:
            return Form(told)
        group, version = parameters.get("g", ""), parameters.get("v", "")
        if transform in _TRANSFORMS and group == "meta.k8s.io" and version in _META_VERSIONS:
            return Form(told, transform, version)
    raise NotAcceptable(_ACCEPTED)


_ACCEPTED = (
    "only the following media types are accepted: application/json, application/yaml, application/json;as=Table;v=v1;g=meta.k8s.io"
)


@lru_cache(maxsize=256)
def parse(accept: str) -> tuple[tuple[str, dict[str, str]], ...]:
    """The media types of a header with their parameters, most wanted first."""
    ranges: list[tuple[float, str, dict[str, str]]] = []
    for part in accept.split(","):
        type, *pairs = (piece.strip() for piece in part.split(";"))
        parameters: dict[str, str] = {}
        for pair in pairs:
            key, _, value = pair.partition("=")
            parameters[key.strip()] = value.strip()
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        if type and quality > 0:
            ranges.append((quality, type.lower(), parameters))
    return tuple((type, parameters) for _, type, parameters in sorted(ranges, key=lambda r: -r[0]))
