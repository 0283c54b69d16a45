"""Content negotiation."""

from __future__ import annotations

import pytest

from boatyard.machinery.meta.errors import NotAcceptable
from boatyard.server.media import Form, negotiate

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form()), ("*/*", Form()), ("application/json", Form()), ("application/json, */*", Form()),
        ("application/yaml", Form("application/yaml")),
        ("application/vnd.kubernetes.protobuf,application/json", Form()),
        (f"{TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", Form(transform="Table")),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", Form(transform="Table", version="v1beta1")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Form()),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Form(transform="PartialObjectMetadataList")),
        ("application/yaml;q=0.5, application/json;q=0.9", Form()), ("text/html, application/*;q=0.1", Form()),
        ("application/json;q=0, application/yaml", Form("application/yaml")),
        ("application/json;stream=watch", Form()),
    ],
)  # fmt: skip
def test_the_best_form_is_chosen(accept: str, form: Form) -> None:
    assert negotiate(accept) == form


@pytest.mark.parametrize(
    "accept", ["text/html", "application/vnd.kubernetes.protobuf", "application/json;as=Cake;v=v1;g=meta.k8s.io"]
)
def test_nothing_we_have_is_told(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(accept)
