"""The merge patch in place is the merge patch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import Invalid
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.patch.merge_patch import merge_patch
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.patch import patched

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=20
)
documents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(documents, documents)
def test_in_place_or_not_makes_no_difference(live: dict, difference: dict) -> None:
    wanted = merge_patch(live, difference)
    told = copied(difference)
    assert patched(Kind(CONFIG_MAPS), copied(live), difference, "merge") == wanted
    assert difference == told, "the patch itself stays as it is: it may be applied again"


async def test_what_a_patch_makes_unreadable_is_invalid_with_the_patch(client: EmbeddedClient) -> None:
    """By the reason Invalid ``kubectl edit`` knows that it has to open the editor again."""
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}}, "default")
    difference = {"cake": [1, None, True], "data": {"a": "b"}}
    with pytest.raises(Invalid) as refused:
        await client.registry.patch(SYSTEM, CONFIG_MAPS, "c", difference, "default", field_validation="Strict")
    told = 'Invalid value: "map[cake:[1 <nil> true] data:map[a:b]]": strict decoding error: unknown field "cake"'
    assert refused.value.details == {"causes": [{"reason": "FieldValueInvalid", "message": told, "field": "patch"}]}
    with pytest.raises(Invalid, match="must be of type string"):
        await client.patch(CONFIG_MAPS, "c", {"data": {"a": 1}}, "default")
