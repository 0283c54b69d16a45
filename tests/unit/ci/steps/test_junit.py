"""Test reports: counted as people count, bounded whatever they are."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from boatyard.ci.steps import junit


def read(*texts: str | bytes, **options) -> junit.Report:
    report = junit.Report()
    for text in texts:
        junit.read(report, "r.xml", io.BytesIO(text if isinstance(text, bytes) else text.encode()), **options)
    return report


def test_counts_and_failures():
    report = read("""<?xml version="1.0"?>
<testsuites><testsuite name="s" tests="5">
 <testcase classname="a.B" name="good" time="1.5"/>
 <testcase classname="a.B" name="bad" time="0.5"><failure message="expected 1">trace</failure></testcase>
 <testcase classname="a.B" name="broken"><error type="E">no message</error></testcase>
 <testcase classname="a.B" name="later"><skipped/></testcase>
 <testcase name="noisy"><system-out>lots</system-out></testcase>
</testsuite></testsuites>""")
    assert (report.total, report.passed, report.failed, report.skipped, report.seconds) == (5, 2, 2, 1, 2.0)
    assert report.failures == [
        {"name": "a.B.bad", "message": "expected 1", "file": "r.xml"},
        {"name": "a.B.broken", "message": "no message", "file": "r.xml"},
    ]
    assert report.problems == []


def test_several_files_and_namespaces_add_up():
    report = read("<testsuite><testcase name='a'/></testsuite>", "<x:testsuite xmlns:x='u'><x:testcase name='b'/></x:testsuite>")
    assert (report.total, report.files) == (2, 2)


def test_only_the_first_failures_are_kept_with_a_short_message():
    case = f"<testcase name='n'><failure message='{'m' * 5000}'/></testcase>"
    report = read(f"<testsuite>{case * 50}</testsuite>")
    assert (report.failed, len(report.failures)) == (50, junit.MAX_FAILURES)
    assert len(report.failures[0]["message"]) == junit.MAX_MESSAGE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<testsuite><testcase name='a'/><testcase", "not well-formed"),
        ("", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>', "entities"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>', "entities"),
        ("<a>" * 100, "nested deeper"),
        ("<testsuite><testcase>" + "<b/>" * 20_000 + "</testcase></testsuite>", "elements"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', "r.xml"),
    ],
)
def test_what_is_wrong_is_a_problem_not_an_error(text, told):
    report = read(text)
    assert len(report.problems) == 1 and told in report.problems[0]


def test_what_was_read_before_the_fault_counts():
    assert read("<testsuite><testcase name='a'/><testcase name='b'/><oops").total >= 2


def test_a_large_report_is_cut_off_and_takes_little_memory():
    case = b"<testcase classname='c' name='n' time='1'><system-out>" + b"x" * 1000 + b"</system-out></testcase>"
    text = b"<testsuite>" + case * 4000
    tracemalloc.start()
    report = read(text, limit=2 * 1024 * 1024)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "larger than 2 MiB" in report.problems[0]
    assert 1000 < report.total < 4000
    assert peak < 8 * 1024 * 1024


def test_nonsense_in_attributes_is_harmless():
    report = read("<testsuite><testcase name='a' time='NaN'/><testcase time='1e999'/><testcase time='-3'/></testsuite>")
    assert (report.total, report.seconds) == (3, 0.0)
