"""Server-side apply: rules that hold for every history. Single steps are judged in ``tests/conformance/patch``."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boatyard.machinery.meta.errors import BadRequest, Conflict
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.patch.apply import BEFORE_FIRST_APPLY, Door, merge_apply, updated
from boatyard.machinery.patch.managers import ANCIENT, MAX_UPDATERS, managers_of, written
from boatyard.machinery.patch.merge_patch import merge_patch
from boatyard.machinery.patch.typed import compare, field_set
from boatyard.machinery.schema.structural import Structural

TEXT = {"type": "string"}
SCHEMA = Structural(
    {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"labels": {"type": "object", "additionalProperties": {"type": "string"}}},
            },
            "spec": {
                "type": "object",
                "properties": {
                    "a": {"type": "string"},
                    "b": {"type": "string"},
                    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                    "atom": {"type": "array", "items": {"type": "string"}},
                    "list": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["n"],
                        "items": {
                            "type": "object",
                            "properties": {"n": TEXT, "v": TEXT, "w": TEXT},
                        },
                    },
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            },
        },
    }
)


def doc(labels=None, **spec):
    obj = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x"}}
    if labels is not None:
        obj["metadata"]["labels"] = labels
    if spec:
        obj["spec"] = spec
    return obj


def bare(obj):
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def owned(obj, managers):
    return {**obj, "metadata": {**obj["metadata"], "managedFields": written(managers)}} if managers else obj


def applied(live, manager, body, force=False, now=0.0, subresource="", reset=()):
    door = Door(manager, "v1", subresource, tuple(reset))
    before = (None, []) if live is None else (bare(live), managers_of(live))
    return owned(*merge_apply(*before, body, door, SCHEMA, force, now))


def edited(before, after, manager, now, subresource=""):
    door = Door(manager, "v1", subresource)
    known = [] if before is None else managers_of(before)
    return owned(bare(after), updated(None if before is None else bare(before), bare(after), known, door, SCHEMA, now))


texts = st.sampled_from(["1", "2"])
names = st.lists(st.sampled_from("pqr"), unique=True, min_size=1, max_size=3)
plank = st.fixed_dictionaries({"n": st.just("")}, optional={"v": texts, "w": texts})
specs = st.fixed_dictionaries(
    {},
    optional={
        "a": texts,
        "b": texts,
        "set": names,
        "atom": names,
        "list": names.flatmap(lambda keys: st.tuples(*(plank.map(lambda p, k=k: {**p, "n": k}) for k in keys)).map(list)),
        "free": st.dictionaries(
            st.sampled_from("xy"), texts | st.dictionaries(st.just("z"), texts, min_size=1), min_size=1, max_size=2
        ),
    },
)
documents = specs.map(lambda spec: doc(**spec))
managers = st.sampled_from(["one", "two", "three"])
histories = st.lists(st.tuples(managers, documents), min_size=1, max_size=5)


def played(history):
    live = None
    for manager, body in history:
        live = applied(live, manager, body, force=True)
    return live


@settings(max_examples=60)
@given(histories, documents)
def test_what_is_applied_is_there_afterwards(history, body):
    result = applied(played(history), "me", body, force=True)
    missing = compare(SCHEMA, {key: result.get(key) for key in body}, merge_over(result, body))
    assert not missing.added and not missing.modified


def merge_over(result, body):
    from boatyard.machinery.patch.typed import merge

    return merge(SCHEMA, {key: copied(result.get(key)) for key in body}, body)


@settings(max_examples=60)
@given(histories, documents)
def test_applying_again_changes_nothing_at_all(history, body):
    once = applied(played(history), "me", body, force=True, now=1.0)
    assert applied(once, "me", body, now=2.0) == once


@settings(max_examples=60)
@given(histories)
def test_nobody_owns_what_is_not_there(history):
    live = played(history)
    bare = {key: value for key, value in live.items()}
    there = field_set(SCHEMA, bare)
    for manager in managers_of(live):
        for path in manager.fields.paths():
            assert there.has_below(path), f"{manager.name} owns {path}, which isn't there"


@settings(max_examples=60)
@given(histories)
def test_whoever_gives_everything_up_leaves_nothing_behind(history):
    live = played(history)
    for manager in ("one", "two", "three"):
        live = applied(live, manager, doc(), force=True)
    assert not live.get("spec") and "managedFields" not in live["metadata"] and managers_of(live) == []


@settings(max_examples=60)
@given(histories, documents)
def test_without_force_it_is_a_conflict_or_nobody_lost_a_field(history, body):
    live = played(history)
    before = {m.name: m.fields for m in managers_of(live) if m.name != "me"}
    try:
        result = applied(live, "me", body)
    except Conflict as conflict:
        assert conflict.details["causes"] and all(c["reason"] == "FieldManagerConflict" for c in conflict.details["causes"])
        return
    after = {m.name: m.fields for m in managers_of(result) if m.name != "me"}
    assert after == before


@settings(max_examples=60)
@given(histories, documents)
def test_inputs_are_never_changed(history, body):
    live = played(history)
    kept_live, kept_body = copied(live), copied(body)
    result = applied(live, "me", body, force=True)
    assert result and (live, body) == (kept_live, kept_body)


@settings(max_examples=60)
@given(histories, st.dictionaries(st.sampled_from(["a", "b", "set", "atom"]), st.none() | st.just("new"), max_size=2))
def test_a_change_by_another_verb_belongs_to_who_made_it(history, changes):
    live = played(history)
    changes = {key: ["new"] if value and key in ("set", "atom") else value for key, value in changes.items()}
    after = merge_patch(live, {"spec": changes})
    result = edited(live, after, "editor", 5.0)
    for manager in managers_of(result):
        for key, value in changes.items():
            if value is None or (live.get("spec", {}).get(key) != value and manager.name != "editor" and key != "set"):
                assert not manager.fields.has_below(("f:spec", f"f:{key}"))


def test_who_makes_an_object_owns_what_it_says():
    made = edited(None, doc(labels={"l": "x"}, a="1", atom=["x"], list=[{"n": "p", "v": "1"}]), "maker", 5.0)
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["time"]) == ("maker", "Update", "1970-01-01T00:00:05Z")
    items = {".": {}, 'k:{"n":"p"}': {".": {}, "f:n": {}, "f:v": {}}}
    assert entry["fieldsV1"] == {
        "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
        "f:spec": {".": {}, "f:a": {}, "f:atom": {}, "f:list": items},
    }


def test_an_edit_moves_what_it_changes_and_the_time_of_who_made_it():
    made = edited(None, doc(a="1", b="1"), "maker", 0.0)
    changed = edited(made, doc(a="2", b="1"), "editor", 60.0)
    fields = {m.name: (list(m.fields.paths()), m.time) for m in managers_of(changed)}
    assert fields["editor"] == ([("f:spec", "f:a")], "1970-01-01T00:01:00Z")
    assert fields["maker"] == ([("f:spec",), ("f:spec", "f:b")], "1970-01-01T00:00:00Z")
    again = edited(changed, doc(a="3", b="1"), "editor", 120.0)
    assert {m.name: m.time for m in managers_of(again)} == {
        "editor": "1970-01-01T00:02:00Z", "maker": "1970-01-01T00:00:00Z",
    }  # fmt: skip


def test_what_nobody_changed_changes_no_owner():
    made = edited(None, doc(a="1"), "maker", 0.0)
    assert edited(made, doc(a="1"), "editor", 60.0) == made


def test_what_was_there_before_the_first_apply_has_an_owner():
    live = doc(a="1", b="1")
    with pytest.raises(Conflict, match=BEFORE_FIRST_APPLY):
        applied(live, "me", doc(a="2"))
    result = applied(live, "me", doc(a="1"))
    assert [m.name for m in managers_of(result)] == ["me", BEFORE_FIRST_APPLY]
    assert result["spec"] == {"a": "1", "b": "1"}


def test_conflicts_name_the_manager_and_every_field():
    live = applied(None, "one", doc(a="1", list=[{"n": "p", "v": "1"}]))
    with pytest.raises(Conflict) as one:
        applied(live, "two", doc(a="2"))
    assert one.value.message == 'Apply failed with 1 conflict: conflict with "one": .spec.a'
    with pytest.raises(Conflict) as two:
        applied(live, "two", doc(a="2", list=[{"n": "p", "v": "2"}]))
    assert two.value.message == 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.a\n- .spec.list[n="p"].v'
    assert two.value.details["causes"][1] == {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "one"',
        "field": '.spec.list[n="p"].v',
    }


@pytest.mark.parametrize("items", [[{"v": "1"}], [{"n": "p"}, {"n": "p"}], ["p"]])
def test_keyed_lists_need_their_keys_once(items):
    with pytest.raises(BadRequest):
        applied(None, "one", doc(list=items))


def test_times_move_only_for_those_who_changed_something():
    live = applied(None, "one", doc(a="1"), now=0.0)
    live = applied(live, "two", doc(b="1"), now=60.0)
    assert [(m.name, m.time) for m in managers_of(live)] == [("one", "1970-01-01T00:00:00Z"), ("two", "1970-01-01T00:01:00Z")]
    live = applied(live, "one", doc(a="2"), now=120.0)
    assert dict((m.name, m.time) for m in managers_of(live))["one"] == "1970-01-01T00:02:00Z"


def test_fields_that_the_kind_takes_back_are_nobodys_and_no_reason_for_conflicts():
    result = applied(None, "one", doc(a="1", b="2"), reset=[("f:spec", "f:b")])
    assert "f:b" not in str(result["metadata"]["managedFields"])
    live = applied(None, "one", doc(a="1", b="2"))
    again = applied(live, "two", doc(b="3"), reset=[("f:spec", "f:b")])
    assert managers_of(again) == managers_of(live)


def test_subresources_have_entries_of_their_own():
    live = applied(None, "one", doc(a="1"))
    live = applied(live, "one", doc(b="1"), subresource="status")
    assert [(m.name, m.subresource) for m in managers_of(live)] == [("one", ""), ("one", "status")]


def test_old_editors_are_joined():
    live = applied(None, "one", doc(labels={}, a="1"))
    for number in range(MAX_UPDATERS + 3):
        after = merge_patch(live, {"metadata": {"labels": {f"l{number}": "x"}}})
        live = edited(live, after, f"editor-{number:02}", 60.0 * number)
    found = managers_of(live)
    assert len([m for m in found if m.operation == "Update"]) == MAX_UPDATERS
    (ancient,) = [m for m in found if m.name == ANCIENT]
    assert {"f:l0", "f:l1", "f:l2", "f:l3"} == set(ancient.fields.tree["f:metadata"]["f:labels"])


def test_items_that_are_there_twice_stay_until_one_is_applied():
    live = doc(list=[{"n": "p", "v": "1"}, {"n": "p", "v": "2"}, {"n": "q"}], set=["x", "x"])
    assert applied(live, "one", doc(list=[{"n": "q"}], set=[]))["spec"] == live["spec"]
    assert applied(live, "one", doc(list=[{"n": "p", "w": "1"}]), force=True)["spec"]["list"] == [{"n": "p", "w": "1"}, {"n": "q"}]
