"""What a link in a row's evidence is: a page on the web, or a file beside PRODUCT.yaml. Pure."""

import posixpath
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

WEB = ("http://", "https://")
_OTHERS = re.compile(r"v\d+\.\d+/[^/]+/")
_SUBMISSION = re.compile(r"/k8s-ai-conformance/(?:(?:blob|tree|raw)/)?[^/]+/(v\d+\.\d+)/([^/]+)")
_RESULTS = (".log", ".xml", ".json", ".jsonl", ".txt", ".out")
_REPORTS = (".md", ".pdf", ".html", ".rst", ".adoc")
_HOSTS = ("github.com", "raw.githubusercontent.com", "gitlab.com", "gist.github.com")

# results: output of a test; report: a written text beside the submission or in a repository; code: scripts,
# manifests or a whole repository; documentation: any other page; text: words that are neither file nor link.
Sort = Literal["results", "report", "code", "documentation", "text"]


@dataclass(frozen=True, slots=True)
class Local:
    """A file: `path` from the product's folder, and the test's name behind # ("" if none)."""

    path: str
    fragment: str


class BadPath(Exception):
    """The gate refuses the path. The message is half a sentence: "names ...", "leaves ..."."""


def is_web(link: str) -> bool:
    return link.startswith(WEB)


def local(link: str, version: str, product: str) -> Local:
    """A link that is no web address, as the gate resolves it. Raises BadPath."""
    raw, _, fragment = link.strip().removeprefix("file://").partition("#")
    raw = raw.strip().removeprefix("/")
    if not raw:
        raise BadPath("names no file")
    own = f"{version}/{product}/"
    if raw.startswith(own):
        raw = raw.removeprefix(own)
    elif _OTHERS.match(raw):
        raise BadPath(f"is in another folder than {version}/{product}")
    path = posixpath.normpath("/".join(p for p in raw.split("/") if p) or ".")
    if path == "." or path == ".." or path.startswith("../"):
        raise BadPath("leaves the product's folder")
    return Local(path, fragment)


def sort(link: str) -> Sort:
    """What kind of evidence a link is, by its name alone; nothing is opened."""
    if not is_web(link):
        name = link.removeprefix("file://").partition("#")[0].strip().lower()
        if name.endswith(_RESULTS):
            return "results"
        if name.endswith(_REPORTS):
            return "report"
        return "text" if " " in name or "." not in name.rpartition("/")[2] else "code"
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return "text"
    name = unquote(parts.path).lower().rstrip("/")
    if host not in _HOSTS:
        return "results" if name.endswith(_RESULTS) else "documentation"
    if name.endswith(_RESULTS):
        return "results"
    return "report" if name.endswith(_REPORTS) else "code"


def submission_of(link: str) -> tuple[str, str] | None:
    """Version and product of the submission that a web link points into; None if it points into none."""
    match = _SUBMISSION.search(unquote(link)) if is_web(link) else None
    return (match[1], match[2]) if match else None
