"""The merge patch in place is the merge patch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.patch.merge_patch import merge_patch
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.patch import patched

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
documents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(documents, documents)
def test_in_place_or_not_makes_no_difference(live: dict, difference: dict) -> None:
    wanted = merge_patch(live, difference)
    told = copied(difference)
    assert patched(Kind(CONFIG_MAPS), copied(live), difference, "merge") == wanted
    assert difference == told, "the patch itself stays as it is: it may be applied again"
