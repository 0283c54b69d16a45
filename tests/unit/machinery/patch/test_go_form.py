"""What is applied is compared with what is live as Go writes it."""

import pytest

from boatyard.machinery.meta.core import CONFIG_MAPS, ENDPOINT_SLICES, PODS
from boatyard.machinery.meta.errors import Conflict
from boatyard.machinery.patch.apply import Door, merge_apply
from boatyard.machinery.patch.go_form import as_written
from boatyard.machinery.registry.core.types import core_schema

SLICES, PODS_TYPE = core_schema(ENDPOINT_SLICES), core_schema(PODS)
ENDPOINT = {"addresses": ["1.0.0.1"]}


def test_a_list_without_entries_isnt_the_null_that_is_kept_of_it():
    assert as_written(SLICES, {"endpoints": []}, {"endpoints": []}) == {"endpoints": None}
    owner = merge_apply(None, [], {"endpoints": []}, Door("one", "v1"), SLICES, False, 0.0)[1]
    with pytest.raises(Conflict):
        merge_apply({"endpoints": []}, owner, {"endpoints": []}, Door("two", "v1"), SLICES, False, 0.0)
    assert merge_apply({"endpoints": []}, owner, {"endpoints": []}, Door("one", "v1"), SLICES, False, 0.0)[1] == owner


def test_a_list_that_is_compared_whole_has_the_members_that_are_always_written():
    live = {"endpoints": [ENDPOINT]}
    assert as_written(SLICES, live, {"endpoints": [ENDPOINT]}) == {"endpoints": [{**ENDPOINT, "conditions": {}}]}
    said = {"endpoints": [{**ENDPOINT, "conditions": {}}]}
    assert merge_apply(live, [], said, Door("one", "v1"), SLICES, False, 0.0)[0] is live
    status = {"status": {"containerStatuses": [{"name": "a", "image": "i", "imageID": "j", "ready": True, "restartCount": 0}]}}
    assert as_written(PODS_TYPE, status, status)["status"]["containerStatuses"][0].keys() >= {"state", "lastState"}


def test_what_is_merged_field_by_field_is_left_as_it_is():
    pod = {"spec": {"containers": [{"name": "a", "image": "i"}]}}
    assert as_written(PODS_TYPE, pod, pod) is pod
    assert as_written(SLICES, {"endpoints": [ENDPOINT]}, {"metadata": {"labels": {}}}) == {"endpoints": [ENDPOINT]}
    data = {"data": {"a": "1"}}
    assert as_written(core_schema(CONFIG_MAPS), data, data) is data
