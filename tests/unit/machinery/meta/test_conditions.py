"""Conditions: the transition time moves only when the status flips."""

from boatyard.machinery.meta.conditions import condition, is_true, remove_condition, set_condition


def test_a_new_condition_is_appended_with_its_time():
    (ready,) = set_condition(None, "Ready", True, "Up", "it runs", 0.0, 3)
    assert ready == {
        "type": "Ready",
        "status": "True",
        "reason": "Up",
        "message": "it runs",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
        "observedGeneration": 3,
    }


def test_the_time_stays_while_the_status_stays_and_the_list_is_equal():
    first = set_condition([], "Ready", True, "Up", "", 0.0)
    assert set_condition(first, "Ready", "True", "Up", "", 99.0) == first
    assert set_condition(first, "Ready", True, "Other", "", 99.0)[0]["lastTransitionTime"] == "1970-01-01T00:00:00Z"


def test_the_time_moves_when_the_status_flips():
    first = set_condition([], "Ready", True, "Up", "", 0.0)
    assert set_condition(first, "Ready", None, "Lost", "", 60.0)[0] == {
        "type": "Ready",
        "status": "Unknown",
        "reason": "Lost",
        "message": "",
        "lastTransitionTime": "1970-01-01T00:01:00Z",
    }


def test_others_and_the_order_stay_and_the_input_is_untouched():
    before = [{"type": "A", "status": "True"}, {"type": "B", "status": "False"}]
    after = set_condition(before, "A", False, "r", "m", 0.0)
    assert [c["type"] for c in after] == ["A", "B"] and before[0] == {"type": "A", "status": "True"}
    assert remove_condition(after, "A") == [{"type": "B", "status": "False"}]


def test_reading():
    obj = {"status": {"conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "Unknown"}]}}
    assert is_true(obj, "A") and not is_true(obj, "B") and not is_true(obj, "C") and not is_true({}, "A")
    assert condition(obj, "B") == {"type": "B", "status": "Unknown"}
