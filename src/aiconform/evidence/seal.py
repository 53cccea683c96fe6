"""The seal: a list of every recorded file's sha256, so that a changed byte is noticed.

It proves that nothing changed since it was written; it is not a signature, and does not say who wrote it.
"""

import errno
import json
from pathlib import Path
from typing import Any

from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.store import files
from aiconform.model import encode_pretty

FORMAT = "aiconform.dev/seal/v1"
NAME = "seal.json"


def write(recorded: Path) -> Path:
    """Writes `seal.json` over everything under `recorded` but itself, and returns its path."""
    found = {name: sha for name, sha in files(recorded).items() if name != NAME}
    path = recorded / NAME
    try:
        path.with_suffix(".tmp").write_bytes(encode_pretty({"format": FORMAT, "files": found}))
        path.with_suffix(".tmp").replace(path)
    except OSError as e:
        full = "the disk is full: " if e.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise EvidenceError(f"{full}{path} could not be written ({e.strerror}); free space or check the folder") from e
    return path


def verify(recorded: Path) -> list[str]:
    """What differs from the seal, one sentence each; empty if nothing does."""
    sealed = _read(recorded / NAME)
    if isinstance(sealed, str):
        return [sealed]
    try:
        found = {name: sha for name, sha in files(recorded).items() if name != NAME}
    except OSError as e:
        return [f"{e.filename} cannot be read: {e.strerror}"]
    problems = [f"{n} is missing" for n in sealed if n not in found]
    problems += [f"{n} was added after the seal" for n in found if n not in sealed]
    problems += [f"{n} was changed after the seal" for n in found if n in sealed and found[n] != sealed[n]]
    return sorted(problems)


def _read(path: Path) -> dict[str, str] | str:
    try:
        content: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        return f"there is no {NAME} in {path.parent}: the run was interrupted, or the seal was removed"
    except (ValueError, OSError) as e:
        return f"{path} cannot be read: {e}"
    listed = content.get("files") if isinstance(content, dict) else None
    if not isinstance(listed, dict) or content.get("format") != FORMAT:
        return f"{path} is not a seal of a format that this release reads ({FORMAT})"
    return {str(k): str(v) for k, v in listed.items()}
