"""The marks that everything made by a run carries: whose it is, and whether that run is still alive."""

import copy
import hashlib
import json
import os
import platform
import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from aiconform.evidence import RUN_LABEL

RUN = RUN_LABEL
CHECK = "aiconform.dev/check"
ATTEMPT = "aiconform.dev/attempt"
STEP = "aiconform.dev/step"
ROLE = "aiconform.dev/role"
OWNER = "aiconform.dev/owner"
ALIVE_UNTIL = "aiconform.dev/alive-until"
LEASE = timedelta(minutes=2)
"""How long a run that cannot be asked (another machine) counts as alive after its last sign."""


def value(text: str) -> str:
    """A text as a label value: at most 63 of [A-Za-z0-9_.-], alphanumeric at both ends; shortened by a hash."""
    clean = re.sub(r"[^A-Za-z0-9_.-]", "-", text).strip("_.-")
    if len(clean) <= 63:
        return clean
    return f"{clean[:54]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def labelled(manifest: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """A copy with these labels on the object and on every template of pods or claims inside it."""
    out = copy.deepcopy(manifest)
    out["metadata"] = _with(out.get("metadata"), labels)
    if isinstance(out.get("spec"), dict):
        if out.get("kind") == "ResourceClaimTemplate":
            out["spec"]["metadata"] = _with(out["spec"].get("metadata"), labels)
        _templates(out["spec"], labels)
    return out


def _with(meta: dict[str, Any] | None, labels: dict[str, str]) -> dict[str, Any]:
    meta = dict(meta or {})
    return meta | {"labels": {**(meta.get("labels") or {}), **labels}}


def _templates(node: Any, labels: dict[str, str]) -> None:
    if isinstance(node, list):
        for item in node:
            _templates(item, labels)
    elif isinstance(node, dict):
        for key, value in node.items():
            # template, jobTemplate, podTemplate, leaderTemplate, workerTemplate ...
            if key.lower().endswith("template") and _is_template(value):
                value["metadata"] = _with(value.get("metadata"), labels)
            _templates(value, labels)


def _is_template(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("spec"), dict)


@cache
def _here() -> str:
    """This machine since its boot, and this view of its process ids, as a hash: it tells nobody a host name."""
    parts = [platform.node(), str(uuid.getnode())]
    for path in ("/proc/sys/kernel/random/boot_id",):
        if Path(path).exists():
            parts = [Path(path).read_text().strip()]
    if Path("/proc/self/ns/pid").exists():
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; "" where that cannot be known."""
    try:
        # The name in parentheses may hold spaces; the start time is the 20th field after it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def owner() -> str:
    """The annotation that names this process."""
    pid = os.getpid()
    return json.dumps({"host": _here(), "pid": pid, "started": _started(pid)}, sort_keys=True)


def alive_until(now: datetime | None = None) -> str:
    """The annotation that says until when a run counts as alive without being asked."""
    return ((now or datetime.now(UTC)) + LEASE).isoformat(timespec="seconds").replace("+00:00", "Z")


def is_alive(annotations: dict[str, str], now: datetime | None = None) -> bool:
    """Whether the run that wrote these annotations still runs.

    On the machine that it ran on, its process is looked for, so a run that was killed a second ago is known
    to be dead. From elsewhere its last sign of life decides.
    """
    try:
        who = json.loads(annotations.get(OWNER, ""))
        if who["host"] == _here():
            return _runs(int(who["pid"]), str(who["started"]))
    except (ValueError, KeyError, TypeError):
        pass
    try:
        until = datetime.fromisoformat(annotations.get(ALIVE_UNTIL, ""))
    except ValueError:
        return False
    return until > (now or datetime.now(UTC))


def _runs(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not started or _started(pid) == started
