"""What kind of evidence an entry is, by its form, and the text of files beside a submission.

Files are read from the submission's own folder only, up to a size, and never through a link out of it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aiconform.platforms.types import Evidence, Strength
from aiconform.submission.files import Unreadable, read_bytes
from aiconform.submission.parse import SubmittedRow

_LARGEST = 1 << 21
_BY_EXTENSION = {
    **dict.fromkeys(("log", "xml", "json", "txt", "out", "tap", "csv"), Strength.LOG),
    **dict.fromkeys(("md", "markdown", "rst", "adoc", "pdf", "png", "jpg", "jpeg", "gif", "svg"), Strength.REPORT),
    **dict.fromkeys(("sh", "py", "go", "yaml", "yml", "tf", "tpl", "ipynb"), Strength.SCRIPT),
}
_REPOSITORIES = re.compile(
    r"(^|\.)(github\.com|githubusercontent\.com|gitlab\.com|gitee\.com|bitbucket\.org|codeberg\.org)$"
)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".pdf")
_GOOGLE_DOC = "docs.google.com"
# "see ./x.md#anchor", "file://v1.35/product/x.md": a file's name with an extension, and nothing else of weight.
_FILE = re.compile(r"(?:see )?(?:file://)?/?((?:[\w.@+-]+/)*[\w.@+-]+\.\w{1,8})(?:#(.*))?", re.IGNORECASE)


def classify(text: str, folder: Path, version: str) -> Evidence | None:
    """An entry of a row's evidence; None for an empty one."""
    said = text.strip()
    if not said:
        return None
    if re.match(r"https?://", said, re.IGNORECASE):
        return _link(said)
    name = file_name(said, folder, version)
    if name is None:
        return Evidence(text=said, strength=Strength.NOTHING, place="text", problem="neither a link nor a file")
    if inside(folder, name) is None:
        return Evidence(text=said, strength=Strength.NOTHING, place="beside", problem="the file is not there")
    return Evidence(text=said, strength=_by_name(name) or Strength.DOCUMENTATION, place="beside")


def texts(row: SubmittedRow, folder: Path, version: str) -> str:
    """What the files beside the submission say for a row, without the requirement's own text.

    A link to a heading of a Markdown file (`#...`) stands for that section only.
    """
    out = []
    for item in row.evidence:
        name = file_name(item.text.strip(), folder, version)
        path = inside(folder, name) if name else None
        if path is None or path.suffix in _PICTURES:
            continue
        text = _read(path)
        anchor = item.text.partition("#")[2].strip()
        out.append(section(text, anchor) if anchor and path.suffix == ".md" else text)
    whole = "\n".join(out)
    if row.description:
        words = r"\s+".join(re.escape(w) for w in row.description.split())
        whole = re.sub(words, " ", whole, flags=re.IGNORECASE)
    return whole


def section(markdown: str, anchor: str) -> str:
    """The part of a Markdown text under the heading that a fragment names; all of it if there is no such heading."""
    lines = markdown.splitlines()
    for start, line in enumerate(lines):
        heading = re.match(r"(#{1,6})\s+(.*)", line)
        if heading and slug(heading[2]) == anchor.lower():
            level = len(heading[1])
            ends = (i for i in range(start + 1, len(lines)) if re.match(rf"#{{1,{level}}}\s", lines[i]))
            return "\n".join(lines[start : next(ends, len(lines))])
    return markdown


def slug(heading: str) -> str:
    """A heading as the fragment that leads to it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def file_name(said: str, folder: Path, version: str) -> str | None:
    """The file that an entry names, relative to the submission's folder; None if it names none.

    A name with blanks is one if there is such a file.
    """
    if re.match(r"https?:", said, re.IGNORECASE):
        return None
    own = f"{version}/{folder.name}/"
    plain = unquote(said.removeprefix("file://").partition("#")[0]).strip().lstrip("/").removeprefix("./")
    if plain and inside(folder, plain.removeprefix(own)):
        return plain.removeprefix(own)
    found = _FILE.fullmatch(said)
    return found[1].removeprefix("./").removeprefix(own) if found else None


def inside(folder: Path, name: str) -> Path | None:
    """The file of that name, if it is there and in the folder."""
    path = folder / name
    try:
        real = path.resolve()
        return real if real.is_file() and real.is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError, ValueError):
        return None


def same_files(names: Iterable[str], one: Path, other: Path) -> bool:
    """Whether every file of these names is in both folders with the same bytes."""
    for name in names:
        a, b = inside(one, name), inside(other, name)
        if a is None or b is None or _read(a) != _read(b):
            return False
    return True


def _link(url: str) -> Evidence:
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path)
    except ValueError:
        return Evidence(text=url, strength=Strength.NOTHING, place="text", problem="no link that can be read")
    strength = _by_name(path)
    if _REPOSITORIES.search(host):
        # A repository or a folder of one says nothing of what is in it.
        return Evidence(text=url, strength=strength or Strength.DOCUMENTATION, place="repository")
    if host == _GOOGLE_DOC:
        return Evidence(text=url, strength=Strength.REPORT, place="page")
    log = strength is Strength.LOG and not path.endswith((".xml", ".json"))
    return Evidence(text=url, strength=Strength.LOG if log else Strength.DOCUMENTATION, place="page")


def _by_name(name: str) -> Strength | None:
    return _BY_EXTENSION.get(name.rpartition("/")[2].rpartition(".")[2].lower()) if "." in name else None


def _read(path: Path) -> str:
    try:
        info = path.stat()
        return _content(path, info.st_mtime_ns, info.st_size)
    except (Unreadable, OSError):
        return ""


@lru_cache(maxsize=32)
def _content(path: Path, changed: int, size: int) -> str:  # noqa: ARG001  (what makes a kept text stale)
    """One log is often the evidence of every row."""
    return read_bytes(path, _LARGEST).decode("utf-8", errors="replace")
