"""report.html: what a reader must find, what must not be in it, and that equal input gives equal bytes."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_sample as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checklists.load import load
from aiconform.model import Finding, Observation, Outcome
from aiconform.report import html, markdown

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Collects ids, links and text, and fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[k] or "" for k in ("href", "src") if k in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", ["failing", "passing", "interrupted"])
def test_every_link_leads_to_something_on_the_page(name: str, request: pytest.FixtureRequest) -> None:
    page = Page(html.render(*request.getfixturevalue(name).all))
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    for link in page.links:
        assert link.startswith("#"), f"{link} leaves the page"
        assert link[1:] in page.ids


def test_it_needs_nothing_but_itself(failing: object) -> None:
    text = html.render(*failing.all)
    tags = set(Page(text).tags)
    assert tags.isdisjoint({"link", "img", "iframe", "object", "embed", "form", "video"})
    assert "@import" not in text
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{i}" for i in Page(text).ids}
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text


def test_the_failing_sentence_stands_before_everything_else(failing: object) -> None:
    text = Page(html.render(*failing.all)).text
    sentence = "The pod without a request opened /dev/sim0"
    assert text.index(sentence) < text.index("Requirements")
    # A mechanism that fails beside one that works is no failure of the platform.
    assert "were bound while there was room" not in text[: text.index("Requirements")]
    assert "2 of 4 members were bound while there was room for 3" in text


def test_it_shows_remedies_limits_claims_facts_and_what_has_no_check(failing: object) -> None:
    page = Page(html.render(*failing.all))
    for shown in (
        sample.GANG.clause("starts_none_when_short").remedy,
        sample.GANG.clause("starts_none_when_short").control,
        "atomicity: placement",
        "simulated accelerators",
        "A claim by a person, not proved by this run",
        sample.CLAIM.why,
        "No check in this version of the suite",
        "containerd 2.3",
        failing.assessment.official_sha256,
        failing.recordings[0].sha256,
    ):
        assert shown in page.text, shown
    for row in failing.assessment.rows:
        assert row.requirement in page.text


def test_a_passing_report_has_no_failure_box_and_no_remedy_for_the_winner(passing: object) -> None:
    text = Page(html.render(*passing.all)).text
    assert "What failed" not in text
    assert sample.ACCESS.clauses[0].remedy not in text


def test_an_interrupted_attempt_is_named_with_its_code(interrupted: object) -> None:
    text = Page(html.render(*interrupted.all)).text
    assert "What could not be proved" in text[: text.index("Requirements")]
    assert "interrupted" in text


def test_outcomes_are_words_and_not_only_colours(failing: object) -> None:
    for badge, word in re.findall(r'class="badge (\w+)">.*?</span>([A-Z ]+)</span>', html.render(*failing.all)):
        assert word in ("PASS", "FAIL", "UNKNOWN", "NOT APPLICABLE")
        assert badge in (word.replace(" ", "_"), "NONE")


def test_what_the_cluster_says_cannot_become_markup(failing: object) -> None:
    evil = "<script>alert(1)</script><img src=http://x onerror=1>&'\""
    first = failing.verdicts[0]
    finding = replace(first.findings[0], because=evil, remedy=evil)
    rec = failing.recordings[0]
    renamed = [
        replace(o, subject=evil, step=evil, body={**(o.body or {}), "why": evil, "type": evil})
        for o in rec.observations
    ]
    verdict = replace(first, via=evil, findings=(finding, *first.findings[1:]), limits=(evil,), facts={evil: evil})
    text = html.render(
        replace(failing.assessment, platform=evil),
        (verdict, *failing.verdicts[1:]),
        (replace(rec, observations=tuple(renamed)), *failing.recordings[1:]),
        sample.CHECKS,
    )
    page = Page(text)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert evil in page.text


@pytest.mark.slow
def test_a_great_recording_gives_a_file_of_bounded_size_that_says_what_it_left_out(failing: object) -> None:
    rec = failing.recordings[0]
    more = tuple(
        Observation(
            seq=len(rec.observations) + i + 1,
            t=181 + i / 1e4,
            at="2026-01-02T10:03:01Z",
            step="many",
            kind="fact",
            subject="x",
            body={"text": "y" * 40_000},
        )
        for i in range(3000)
    )
    great = replace(rec, observations=rec.observations + more)
    cites = Finding(
        clause="starts_the_whole_gang", outcome=Outcome.PASS, because="", cites=tuple(o.seq for o in more[:500])
    )
    verdict = replace(failing.verdicts[0], findings=(cites, *failing.verdicts[0].findings[1:]))
    text = html.render(
        failing.assessment, (verdict, *failing.verdicts[1:]), (great, *failing.recordings[1:]), sample.CHECKS
    )
    assert len(text.encode()) < 2_000_000
    page = Page(text)
    assert f"gang_scheduling.native-{more[499].seq}" in page.ids
    assert re.search(r"The other \d+ are in recorded/gang_scheduling.native/observations.jsonl", page.text)
    assert "more characters are in recorded/" in page.text


def test_verdicts_without_recordings_and_unknown_checks_are_shown_all_the_same(failing: object) -> None:
    text = Page(html.render(failing.assessment, failing.verdicts, (), {})).text
    assert "The recording of this attempt was not given to the report." in text
    assert "2 of 4 members were bound" in text


def test_equal_input_gives_equal_bytes_whatever_the_hash_seed_and_time_zone() -> None:
    program = (
        "import hashlib, conftest\n"
        "from aiconform.model import Outcome\n"
        "from aiconform.report import gotest, html, junit, markdown, table\n"
        "run = conftest._run(Outcome.FAIL)\n"
        "for f in (html.render, markdown.render, junit.render, gotest.e2e_log, gotest.results_json):\n"
        "    print(hashlib.sha256(f(*run.all).encode()).hexdigest())\n"
        "print(table.plain(run.assessment))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(outputs) == 1


def test_words_between_backticks_are_code_and_nothing_else_is_markup() -> None:
    assert html.ticks("use `a<b` & see") == "use <code>a&lt;b</code> &amp; see"
    assert html.ticks("a lone ` <") == "a lone ` &lt;"


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "paper"])
def test_contrast_is_aa(theme: int) -> None:
    style = (Path(html.__file__).parent / "templates" / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colour = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[theme]))
    for name in ("pass", "fail", "unknown", "none"):
        assert contrast(colour[name], colour[f"{name}-soft"]) >= 4.5, name
    for name in ("fail-soft", "unknown-soft", "page", "panel", "shade"):
        for ink in ("ink", "muted", "link"):
            assert contrast(colour[ink], colour[name]) >= 4.5, (ink, name)
    for i in range(6):  # graphics need 3:1
        assert contrast(colour[f"role-{i}"], colour["page"]) >= 3, i
        assert contrast(colour[f"role-{i}"], colour["shade"]) >= 3, i


JUNK = st.sampled_from([None, True, 1, "x", [], ["x"], [None], {}, {"x": 1}])


def maybe(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Something of this shape with fields that may be missing, or no such thing at all."""
    return JUNK | st.fixed_dictionaries({}, optional=fields)


POD = maybe(
    metadata=maybe(name=JUNK, uid=JUNK, labels=maybe(**{"aiconform.dev/step": JUNK})),
    spec=maybe(nodeName=JUNK),
    status=maybe(phase=JUNK, containerStatuses=JUNK | st.lists(maybe(state=JUNK), max_size=2)),
)
JSON = maybe(type=JUNK, object=POD, why=JUNK, status=JUNK, because=JUNK, text=JUNK)
KINDS = ("call", "watch", "watch.start", "watch.gap", "window.open", "window.close", "probe", "fact", "note", "new")


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["pods/a/b", "pods/a/b/c", "x", ""]), JSON), max_size=8)
)
def test_no_recorded_body_can_keep_the_report_from_being_written(seen: list[tuple[str, str, object]]) -> None:
    rec, verdict = sample.access()
    observations = tuple(
        Observation(seq=i, t=float(i), at="", step="s", kind=kind, subject=subject, body=body)
        for i, (kind, subject, body) in enumerate(seen, 1)
    )
    finding = replace(verdict.findings[0], cites=tuple(range(1, 12)))
    run = (
        sample.assessment(load("1.37"), {}),
        (replace(verdict, findings=(finding,)),),
        (replace(rec, observations=observations),),
        sample.CHECKS,
    )
    page = Page(html.render(*run))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert markdown.render(*run)
