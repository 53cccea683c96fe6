"""The clause about what the container sees. Pure."""

from fnmatch import fnmatchcase

from aiconform.checks.dra_support.history import Device, devices
from aiconform.checks.dra_support.judge_devices import given, no_devices
from aiconform.judging import failed, passed, probes, unable, unknown
from aiconform.model import Finding, Observation, Recording

# Texts of this length name one device; shorter ones may name a kind, or a number in some container.
_SHORTEST_IDENTITY = 8


def looks(rec: Recording, role: str) -> Observation | None:
    """The report of a pod's probe."""
    found = [o for o in probes(rec, pod=f"/{role}/") if isinstance(o.body, dict) and "devices" in o.body]
    return found[-1] if found else None


def gives_the_container_its_device(rec: Recording) -> Finding:
    """A device node that the plain pod does not have; of the device that was allocated."""
    none = no_devices(rec) or unable(rec, "holder")
    if none:
        return none
    mine, plains = looks(rec, "holder"), looks(rec, "canary")
    if mine is None:
        return unknown("the pod with the claim did not report", code="not-tried")
    if plains is None:
        return unknown("the plain pod did not report, so there is nothing to compare with", code="control-did-not-run")
    cites = (mine.seq, plains.seq)
    for role in ("holder", "other"):
        seen = looks(rec, role)
        wrong = _another(rec, role, seen) if seen else ""
        if seen and wrong:
            return failed(wrong, cites=(seen.seq,))
    new = new_devices(mine, plains)
    if new:
        return passed(f"the container has {', '.join(new)}, and the plain pod has not", cites=cites)
    return _nothing_new(rec, mine, plains)


def _nothing_new(rec: Recording, mine: Observation, plains: Observation) -> Finding:
    """The container sees the same device nodes as a plain pod."""
    cites = (mine.seq, plains.seq)
    hints = rec.facts["accelerator"].get("hints") or {}
    visible = wanted_paths(rec, [d["path"] for d in mine.body["devices"]])
    if visible:
        opened = [d["path"] for d in mine.body["devices"] if d["path"] in visible and d.get("opens")]
        if opened:
            return passed(f"the container can open {', '.join(opened)}", cites=cites)
        because = f"every pod sees {', '.join(visible)}, and the holder could not open any of them"
        return unknown(because, code="grant-not-usable", cites=cites)
    if hints.get("device_paths"):
        paths = " or ".join(hints["device_paths"])
        because = f"the container has no device node that the plain pod has not; its driver should give it {paths}"
        return failed(because, cites=cites)
    more = sorted({*mine.body["env"], *mine.body["mounts"]} - {*plains.body["env"], *plains.body["mounts"]})
    if more:
        return passed(f"no device node, but the plain pod lacks {', '.join(more[:5])}", cites=cites)
    because = "nothing differs from a plain pod, and what this driver should give is not known"
    return unknown(because, code="unrecognised-accelerator", cites=cites)


def new_devices(mine: Observation, plains: Observation) -> list[str]:
    """Device nodes of the one container that the other has not, by path."""
    usual = {d["path"] for d in plains.body["devices"]}
    return [d["path"] for d in mine.body["devices"] if d["path"] not in usual]


def wanted_paths(rec: Recording, paths: list[str]) -> list[str]:
    """Those that give access to an accelerator, by the vendor's patterns."""
    hints = rec.facts["accelerator"].get("hints") or {}
    return [p for p in paths if any(fnmatchcase(p, pattern) for pattern in hints.get("device_paths") or ())]


def _another(rec: Recording, role: str, mine: Observation) -> str:
    """In words, if the driver itself names only other advertised devices than the allocated one."""
    claim = given(rec, role)
    told = set(mine.body["identities"] or ())
    if claim is None or not told:
        return ""
    names = {(d["pool"], d["name"]): _identities(d) for d in devices(rec)}
    got = [(p, d) for _, p, d in claim.devices()]
    own = set().union(*(names.get(key, set()) for key in got))
    others = {key: told & ids for key, ids in names.items() if key not in got and told & ids - own}
    if told & own or not others:
        return ""
    which = ", ".join("/".join(key) for key in others)
    return f"{'/'.join(got[0])} was allocated, but the container was told that it has {which}"


def _identities(d: Device) -> set[str]:
    """What may name one device: long texts. Short ones and numbers may be counted anew in each container."""
    texts = {v["string"] for v in d["attributes"].values() if "string" in v}
    return {t for t in texts if len(t) >= _SHORTEST_IDENTITY}
