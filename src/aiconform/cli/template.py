"""The official checklist file: from a path, a URL, or the programme's own repository, kept in the cache."""

import hashlib
import os
from pathlib import Path

import httpx2

from aiconform.cli import output
from aiconform.cli.errors import BROKEN, Problem

OFFICIAL = "https://raw.githubusercontent.com/cncf/k8s-ai-conformance/main/docs/AIConformance-{version}.yaml"
_LONGEST = 1 << 20


def fetch(template: str, *, version: str, sha256: str) -> str:
    """The text of the template for a checklist version such as "1.37".

    `template` is a path or URL; "" is the official file, taken from the cache if it is there with the known
    `sha256`. A file with other bytes than this release knows is used, and said so. Problem if there is none.
    """
    if template and not template.startswith(("https://", "http://")):
        data = _read(Path(template))
    else:
        data = _official(template or OFFICIAL.format(version=version), version, sha256)
    if hashlib.sha256(data).hexdigest() != sha256:
        output.say(
            f"the template is not the checklist {version} that this release knows (sha256 {sha256[:12]}...): "
            "it may be newer or filled in already; compare it with the official file"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        name = template or "of the programme"
        raise Problem(f"the template {name} is no UTF-8 text; give another --template") from None


def _official(url: str, version: str, sha256: str) -> bytes:
    kept = _cache() / f"AIConformance-{version}.yaml"
    if url == OFFICIAL.format(version=version) and kept.exists():
        data = kept.read_bytes()
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    data = _download(url)
    if hashlib.sha256(data).hexdigest() == sha256:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(data)
        fresh.replace(kept)
    return data


def _download(url: str) -> bytes:
    try:
        response = httpx2.get(url, timeout=30.0, follow_redirects=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Problem(
            f"the official checklist cannot be fetched from {url} ({str(error) or type(error).__name__}); "
            "go online once, or give the file with --template FILE", BROKEN,
        ) from None  # fmt: skip
    if response.status_code != 200 or len(response.content) > _LONGEST:
        raise Problem(f"{url} answers {response.status_code} and no checklist; give the file with --template FILE")
    return response.content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = f"{error.strerror}; name a checklist file or its URL"
        raise Problem(f"the template {path} cannot be read: {why}") from None


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "aiconform" / "checklists"
