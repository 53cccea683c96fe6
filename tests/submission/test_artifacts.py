"""Files of test results are read as the gate reads them, and none of them can do harm."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.submission.artifacts import READERS, BadArtifact, kind, read


def test_only_three_names_are_parsed_in_any_case() -> None:
    assert [kind(p) for p in ("a/JUnit.xml", "results.json", "E2E.LOG")] == ["junit.xml", "results.json", "e2e.log"]
    assert [kind(p) for p in ("junit_01.xml", "e2e.log.txt", "x.json", "e2e.log/x")] == [""] * 4


def test_junit_suites_nest_and_a_failure_stays() -> None:
    found = read(
        "junit.xml",
        b"""<?xml version="1.0" encoding="UTF-8"?>
        <testsuites xmlns="urn:x">
          <testsuite><testcase name="A"/><testcase name="B"><failure/></testcase>
            <testsuite><testcase name="C"><skipped message="x"/></testcase><testcase name="D"><error/></testcase>
              <testcase name="B"/></testsuite>
          </testsuite>
          <other><testcase name="hidden"><failure/></testcase></other>
        </testsuites> behind the end <""",
    )
    assert found.tests == {"A": "pass", "B": "fail", "C": "skip", "D": "fail"}
    assert found.failures == ["B", "D"]
    bare = read("junit.xml", b'<testsuite><testcase name="A"><skipped/></testcase><testcase name="A"/></testsuite>')
    assert bare.tests == {"A": "pass"}


def test_cases_of_a_suite_come_before_those_of_the_suites_in_it() -> None:
    found = read(
        "junit.xml",
        b'<testsuite><testsuite><testcase name="A"><skipped/></testcase></testsuite><testcase name="A"/></testsuite>',
    )
    assert found.tests == {"A": "skip"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is no XML"),
        (b"<a>", "is no XML"),
        (b"<testsuites></testsuites>", "holds no testcase"),
        (b"<testsuites><suite><testcase name='A'/></suite></testsuites>", "holds no testcase"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><testsuite><testcase name="&x;"/></testsuite>', "XML entity x"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite>&x;</testsuite>', "XML entity x"),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://localhost:9/x"> %x;]><testsuite/>', "XML entity x"),
        (b'<testsuite><testcase name="A">&unknown;</testcase></testsuite>', "is no XML"),
        (b"\xff\xfe<", "is no XML"),
    ],
)
def test_what_is_no_junit_is_said(data: bytes, says: str) -> None:
    with pytest.raises(BadArtifact, match=says):
        read("junit.xml", data)


def test_a_billion_laughs_end_at_once() -> None:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<!DOCTYPE a [<!ENTITY a0 "ha">{entities}]><testsuite><testcase name="&a11;"/></testsuite>'
    begun = time.monotonic()
    with pytest.raises(BadArtifact, match="XML entity"):
        read("junit.xml", bomb.encode())
    assert time.monotonic() - begun < 2


def test_deep_xml_is_no_trouble() -> None:
    deep = b"<testsuite>" * 50_000 + b'<testcase name="A"/>' + b"</testsuite>" * 50_000
    assert read("junit.xml", deep).tests == {"A": "pass"}


def test_results_are_lines_of_go_test() -> None:
    lines = b"""{"Action":"start","Package":"p"}

{"action":"PASS"}
{"Action":"pass","Test":"A","Package":"p","Elapsed":12345678901234567890123}
{"Action":"skip","Test":"A/b"}
{"Action":"fail","Package":"p"}
null
{"Action":"fail","Test":"C"}
"""
    found = read("results.json", lines)
    assert found.tests == {"A": "pass", "A/b": "skip", "C": "fail"}
    # A failed package is told only where no test explains it.
    assert found.failures == ["C"]
    assert read("results.json", b'{"Action":"fail","Package":"p"}').failures == ["package p"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"ok  p 0.1s", "line 1 is no JSON"),
        (b'{"Action":"pass","Test":"A"}\n[]', "line 2 is no JSON object"),
        (b'{"Action":1}', "no text"),
        (b'{"Action":"pass","Test":false}', "no text"),
        (b'{"Action":NaN}', "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"Action":"start"}', "holds no event"),
        (b"", "holds no event"),
    ],
)
def test_what_is_no_go_test_is_said(data: bytes, says: str) -> None:
    with pytest.raises(BadArtifact, match=says):
        read("results.json", data)


def test_logs_have_result_lines_at_any_indent() -> None:
    found = read(
        "e2e.log",
        b"=== RUN A\r\n--- FAIL: A (1.0s)\r\n    --- PASS: A/b (0s)\n--- PASS: A (0s)\nx --- FAIL: no\n"
        b"--- SKIP: C\xff d\n",
    )
    assert found.tests == {"A": "fail", "A/b": "pass", "C\ufffd": "skip"}
    assert found.failures == ["A"]
    with pytest.raises(BadArtifact, match="--- PASS"):
        read("e2e.log", b"[PASSED] something by Ginkgo\n")


def test_subtests_stand_for_their_parent() -> None:
    log = b"--- PASS: A/x\n--- SKIP: A/y\n--- SKIP: B/x\n--- FAIL: C/x\n--- PASS: C/y\n--- PASS: D\n--- FAIL: D/x\n"
    found = read("e2e.log", log)
    assert [found.result(n) for n in ("A", "B", "C", "D", "E", "A/x")] == ["pass", "skip", "fail", "pass", "", "pass"]


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(READERS)), st.binary(max_size=200))
def test_no_bytes_raise_anything_else(name: str, data: bytes) -> None:
    try:
        found = read(name, data)
    except BadArtifact as error:
        assert str(error)
    else:
        assert found.tests or found.failures


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([
    b"<testsuite>", b"</testsuite>", b'<testcase name="A">', b"</testcase>", b"<failure/>", b"<skipped/>", b"&lt;",
    b"<!DOCTYPE a>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b'<testcase name="A"/>', b"<?x?>", b"\0", b"&x;",
]), max_size=12))  # fmt: skip
def test_no_pieces_of_xml_raise_anything_else(pieces: list[bytes]) -> None:
    try:
        found = read("junit.xml", b"<testsuites>" + b"".join(pieces) + b"</testsuites>")
    except BadArtifact:
        return
    assert found.tests == {"A": found.result("A")}


def test_a_case_that_failed_and_was_skipped_failed_in_any_order() -> None:
    case = b'<testcase name="%s">%s</testcase>'
    cases = (case % (b"a", b"<failure/><skipped/>"), case % (b"b", b"<skipped/><error/>"), case % (b"c", b"<skipped/>"))
    found = read("junit.xml", b"<testsuite>" + b"".join(cases) + b"</testsuite>")
    assert found.tests == {"a": "fail", "b": "fail", "c": "skip"}
