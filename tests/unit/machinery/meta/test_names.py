"""Names: what is refused, and in whose words."""

import pytest

from boatyard.machinery.meta import names


@pytest.mark.parametrize("good", ["a", "my-name", "1a", "a" * 63])
def test_labels_of_dns(good):
    assert names.dns1123_label(good) == []


@pytest.mark.parametrize("bad", ["", "A", "-a", "a-", "a_b", "ä"])
def test_a_bad_label_is_told_with_the_rule(bad):
    (told,) = names.dns1123_label(bad)
    assert told.startswith("a lowercase RFC 1123 label must consist of") and "'[a-z0-9]([-a-z0-9]*[a-z0-9])?'" in told


def test_a_label_has_no_dots():
    assert names.dns1123_label("a.b") == ["must not contain dots"]


def test_all_that_is_wrong_is_told_at_once():
    assert len(names.dns1123_label("A" * 64)) == 2


def test_a_newline_at_the_end_is_no_label():
    assert names.dns1123_label("a\n")


def test_subdomains_may_be_dotted():
    assert names.dns1123_subdomain("a.b-c.1") == []
    assert names.dns1123_subdomain("a..b") != []


def test_a_dns1035_label_begins_with_a_letter():
    assert names.dns1035_label("a1") == []
    assert names.dns1035_label("1a")[0].startswith("a DNS-1035 label must consist of")


@pytest.mark.parametrize("good", ["a", "example.com/My.Name_1", "A"])
def test_qualified_names(good):
    assert names.qualified_name(good) == []


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("/a", "prefix part must be non-empty"),
        ("", "name part must be non-empty"),
        ("X/a", "prefix part a lowercase RFC 1123 subdomain"),
        ("a/b/c", "a qualified name must consist of"),
        ("a" * 64, "name part must be no more than 63 characters"),
    ],
)
def test_bad_qualified_names(bad, told):
    assert names.qualified_name(bad)[0].startswith(told)


def test_label_values_may_be_empty():
    assert names.label_value("") == []
    assert names.label_value("a b") != []


def test_config_keys_can_be_file_names_but_not_climb():
    assert names.config_key("app.conf") == []
    assert names.config_key("..") == ["must not be '..'"]
    assert names.config_key("..data") == ["must not start with '..'"]
    assert names.config_key("a/b") != []


def test_environment_names_are_printable_without_equals_sign():
    assert names.environment_name("my.var-1") == []
    assert names.environment_name("a=b") != [] and names.environment_name("") != []


def test_port_names():
    assert names.port_name("http") == []
    assert names.port_name("1-2") == ["must contain at least one letter (a-z)"]
    assert names.port_name("a--b") == ["must not contain consecutive hyphens"]


def test_path_segments():
    assert names.path_segment("system:node") == []
    assert names.path_segment("a/b") == ["may not contain '/'"]
    assert names.path_segment("..") == ["may not be '..'"]
