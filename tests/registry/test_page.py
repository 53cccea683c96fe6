"""The page with filters: what is on it, what cannot be on it, and that it works in a browser."""

import base64
import hashlib
import re
import sys
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aiconform.platforms import Registry, open_source, registry
from aiconform.platforms.html import render

sys.path.insert(0, str(Path(__file__).parent))
from browser import Browser, missing
from made import merge, product, repository

ON = date(2026, 12, 1)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags, ids and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Three platforms; one twice, one of an unknown kind."""
    repo = repository(tmp_path_factory.mktemp("r") / "repo")
    link = "https://example.com/a"
    product(repo, "v1.34/gke", {"gang_scheduling": ("Implemented", link, "Kueue")}, name="Old one")
    product(repo, "v1.35/talos", {"gang_scheduling": ("N/A", "'javascript:alert(1)'", "Kueue")}, name="Metal")
    merge(repo, "2025-11-07", "one")
    rows = {
        "gang_scheduling": ("Implemented", "e2e.log", "Volcano"),
        "cluster_autoscaling": ("Implemented", link, "does not use Karpenter"),
    }
    product(repo, "v1.35/gke", rows, files={"e2e.log": "Kueue"}, name="New one")
    product(repo, "v1.35/odd", {"gang_scheduling": ("Implemented", f"{link}", EVIL)}, name=EVIL)
    merge(repo, "2026-06-01", "two")
    return registry(open_source(str(repo), print))


@pytest.fixture(scope="module")
def page(made: Registry) -> str:
    return render(made, made.entries, ON)


def test_it_needs_nothing_but_itself(page: str) -> None:
    read = Page(page)
    assert {t for t, _ in read.tags}.isdisjoint({"link", "img", "iframe", "object", "embed"})
    assert "@import" not in page and "url(" not in page
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_what_vendors_write_cannot_become_markup_or_run(page: str) -> None:
    read = Page(page)
    assert len(read.all("script")) == 1
    assert EVIL in read.text
    links = [a["href"] or "" for a in read.all("a")]
    assert all(link.startswith(("https://", "#")) for link in links)
    assert "javascript:alert(1)" in read.text, "shown, and no link"


def test_everything_is_on_it_without_any_script(page: str) -> None:
    read = Page(page)
    assert len([a for a in read.all("tbody") if a.get("class") == "line"]) == 4
    for words in (
        "valid",
        "expired",
        "since 2025-11-07, 389 days; until 2026-11-07 (24 days ago)",
        "e2e.log",
        "hosted",
    ):
        assert words in read.text
    ids = [a["id"] for _, a in read.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    labelled = re.findall(r"<label[^>]*>.*?</label>", page, re.DOTALL)
    assert sum(len(re.findall(r"<(?:input|select)", text)) for text in labelled) == len(
        read.all("input") + read.all("select")
    )


def test_equal_registries_give_equal_pages(made: Registry, page: str) -> None:
    assert render(made, made.entries, ON) == page


@pytest.fixture(scope="module")
def browser(made: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if why := missing():
        pytest.skip(why)
    file = tmp_path_factory.mktemp("page") / "registry.html"
    file.write_text(render(made, made.entries, ON))
    with Browser(file.as_uri()) as opened:
        yield opened


@pytest.mark.slow
class TestInABrowser:
    """Chromium opens the page from disk and uses its filters."""

    @pytest.fixture(autouse=True)
    def fresh(self, browser: Browser) -> None:
        self.b = browser
        self.b.open()

    def shown(self) -> list[str]:
        return self.b.run("return [...document.querySelectorAll('tbody.line')].filter(b => !b.hidden).map(b => b.id)")

    def choose(self, selector: str, value: str) -> None:
        script = (
            "const e = document.querySelector(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event('input', {bubbles: true})); return e.value"
        )
        assert self.b.run(script, selector, value) == value

    def must(self, row: int, requirement: str, mechanism: str = "", evidence: str = "") -> None:
        for n, value in enumerate((requirement, mechanism, evidence), start=1):
            self.choose(f"#wanted .wanted:nth-child({row}) label:nth-child({n}) select", value)

    def test_at_first_the_newest_of_each_platform_is_shown(self) -> None:
        assert self.shown() == ["v1.35-gke", "v1.35-odd", "v1.35-talos"]
        assert self.b.run("return document.getElementById('shown').textContent") == (
            "3 of 4 submissions shown, of 3 platforms"
        )

    def test_words_versions_kinds_and_days(self) -> None:
        self.choose("[name=text]", "METAL")
        assert self.shown() == ["v1.35-talos"]
        self.choose("[name=text]", "")
        self.choose("[name=version]", "v1.34")
        assert self.shown() == ["v1.34-gke"]
        self.choose("[name=version]", "")
        self.choose("[name=kind]", "on-prem")
        assert self.shown() == ["v1.35-talos"]
        self.choose("[name=kind]", "")
        self.choose("[name=valid]", "2026-11-06")
        assert self.shown() == ["v1.35-gke", "v1.35-odd", "v1.35-talos"]
        self.choose("[name=valid]", "2026-11-07")
        assert self.shown() == ["v1.35-gke", "v1.35-odd"]

    def test_requirements_by_mechanism_and_evidence(self) -> None:
        self.must(1, "gang_scheduling")
        assert self.shown() == ["v1.35-gke", "v1.35-odd"]
        self.must(1, "gang_scheduling", "kueue")
        assert self.shown() == ["v1.35-gke"], "named in a file beside the newest submission"
        self.must(1, "gang_scheduling", "kueue", "log")
        assert self.shown() == ["v1.35-gke"]
        self.must(1, "gang_scheduling", "", "report")
        assert self.shown() == ["v1.35-gke"]
        self.must(1, "cluster_autoscaling", "", "report")
        assert self.shown() == []
        assert self.b.run("return !document.getElementById('none').hidden")

    def test_several_requirements_and_taking_one_away(self) -> None:
        self.b.run("document.getElementById('add').click()")
        self.must(1, "gang_scheduling")
        self.must(2, "cluster_autoscaling")
        assert self.shown() == ["v1.35-gke"]
        self.b.run("document.querySelector('#wanted .wanted:nth-child(2) button').click()")
        assert self.shown() == ["v1.35-gke", "v1.35-odd"]
        self.b.run("document.querySelector('#wanted .wanted button').click()")
        assert len(self.shown()) == 3

    def test_each_shown_submission_says_how_it_meets_what_is_wanted(self) -> None:
        self.must(1, "gang_scheduling")
        said = self.b.run("return [...document.querySelectorAll('tbody:not([hidden]) .why')].map(p => p.textContent)")
        assert said == [
            "gang_scheduling: volcano, kueue; evidence: log",
            "gang_scheduling: no mechanism named; evidence: documentation",
        ]

    def test_what_is_only_denied_is_no_choice(self) -> None:
        self.must(1, "cluster_autoscaling")
        names = self.b.run(
            "return [...document.querySelectorAll('#wanted label:nth-child(2) option')].map(o => o.value)"
        )
        assert names == [""]

    def test_the_address_carries_the_filters(self) -> None:
        self.must(1, "gang_scheduling", "volcano")
        self.choose("[name=valid]", "2026-12-01")
        address = self.b.run("return location.hash")
        self.b.open()
        assert len(self.shown()) == 3
        self.b.open(address)
        assert self.shown() == ["v1.35-gke"]
        self.b.run("document.getElementById('reset').click()")
        assert len(self.shown()) == 3
        assert self.b.run("return location.hash") == ""

    def test_nonsense_in_the_address_is_ignored(self) -> None:
        self.b.open("#must=nonsense:x:y&version=v0&kind=%3Cscript%3E&valid=soon")
        assert self.shown() == ["v1.35-gke", "v1.35-odd", "v1.35-talos"]

    def test_all_submissions_where_asked(self) -> None:
        self.b.run("document.querySelector('[name=newest]').click()")
        assert len(self.shown()) == 4

    def test_nothing_failed_and_nothing_was_fetched(self) -> None:
        assert self.b.errors() == []
        assert self.b.run("return performance.getEntriesByType('resource').length") == 0

    @pytest.mark.parametrize("width", [360, 768, 1400])
    def test_no_sideways_scrolling(self, width: int) -> None:
        self.b.resize(width)
        self.b.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
        wide, there = self.b.run("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
        assert wide <= there
