"""What moved when one device was put under load. Pure."""

from dataclasses import dataclass

from aiconform.checks.accelerator_metrics.series import (
    Report,
    Rise,
    View,
    What,
    load_shots,
    reports,
    rise,
)
from aiconform.judging import facts, pods
from aiconform.model import Recording

# Points of utilisation (0 to 100): a rise that counts, and what others may move without having been used.
RISE, STILL = 30.0, 10.0
# How far the memory's rise may be from what was allocated, as a share of that.
CLOSE = 0.2
# A burner that computed for less than this share of the time has not made the load that is looked for.
BUSY = 0.5


@dataclass(frozen=True)
class Load:
    """The load as the burner reported it, and which devices moved with it in one view."""

    view: View
    said: tuple[Report, ...]
    own: tuple[str, ...]
    by_name: tuple[str, ...]

    @property
    def last(self) -> Report | None:
        """The last report under load."""
        return next((r for r in reversed(self.said) if r.phase == "load"), None)

    @property
    def held(self) -> tuple[str, ...]:
        """The devices that the holder had: by identity, else by its name in the samples."""
        return self.own or self.by_name

    def rise(self, device: str, what: What) -> Rise | None:
        return rise(self.view, device, what, self.said)

    def rises(self, what: What) -> dict[str, Rise]:
        """Device -> how it went, for all that were told of before and during the load."""
        found = {d: self.rise(d, what) for d in self.view.devices("idle", "load")}
        return {d: r for d, r in found.items() if r is not None}

    def moved(self, what: What) -> dict[str, Rise]:
        """Those that rose as the load demands: by RISE points, or by what was allocated."""
        rises = self.rises(what)
        if what == "utilisation":
            return {d: r for d, r in rises.items() if r.height >= RISE}
        return {d: r for d, r in rises.items() if self.fits(r)}

    def fits(self, r: Rise) -> bool:
        """Whether memory rose by what was allocated."""
        wanted = self.last.bytes if self.last else 0
        return wanted > 0 and abs(r.height - wanted) <= CLOSE * wanted

    @property
    def seconds(self) -> float:
        """From the first report under load to the last scrape of it."""
        begun = next((r.t for r in self.said if r.phase == "load"), None)
        shots = load_shots(self.view, self.said)
        return shots[-1].t - begun if begun is not None and shots else 0.0


def load_of(rec: Recording, view: View) -> Load:
    """The load in a view."""
    said = reports(rec)
    identities = {i.lower() for r in said for i in r.identities}
    own, by_name = [], []
    names = {(p.namespace, p.name) for p in pods(rec, role="holder")}
    for device in view.devices("idle", "load"):
        seen = [s.devices[device] for s in view.during("load") if device in s.devices]
        labels = {v.lower() for r in seen for k, v in r.labels.items() if k in view.family.identity}
        if identities & labels and not any(p in r.labels for r in seen for p in view.family.parts if r.labels.get(p)):
            own.append(device)
        if device and any(_names(r.holder(), names) for r in seen):
            by_name.append(device)
    return Load(view, said, tuple(own), tuple(by_name))


def _names(told: tuple[str, str], names: set[tuple[str, str]]) -> bool:
    namespace, pod = told
    return any(pod == p and namespace in ("", n) for n, p in names)


def foreign(rec: Recording) -> int | None:
    """The greatest number of units that others were seen to hold on the node, from before ours was held to the end of
    its load; None if not counted."""
    subject = f"free/{rec.facts.get('node', '')}"
    before, during = facts(rec, subject, step="canary"), facts(rec, subject, step="load")
    if not before or not during:
        return None
    return max(int(before[-1].body["held"]), *(int(o.body["held"]) - 1 for o in during))
