"""What every stage of the observation needs: the scaled Deployment, its loads, what the metrics API says of them."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiconform.checks.pod_autoscaling import decisions
from aiconform.checks.pod_autoscaling.objects import APP, DIAL, PORT
from aiconform.checks.pod_autoscaling.via import LoadMechanism, Manifest, Question, Wish, loads
from aiconform.cluster.api import Answer
from aiconform.cluster.errors import ApiLost, Refused
from aiconform.cluster.sandbox import Sandbox
from aiconform.cluster.transport import PATIENCE
from aiconform.model import Accelerator

LEAST, MOST, TARGET = 1, 5, 50
# How often the metrics API is asked, and how often an answer that has not changed is recorded.
_PACE, _REPEAT = 1.0, 10.0
# For how long after a first call that nobody answered it is asked again; one connection may take 10 s to fail.
_INSIST = 15.0

Loads = list[int | None]


class NotPossible(Exception):
    """A step cannot be tried, so that none of the later ones can: the step, a code, and a sentence."""

    def __init__(self, step: str, code: str, because: str) -> None:
        super().__init__(because)
        self.step, self.code, self.because = step, code, because


@dataclass
class Site:
    """One attempt. `own` and `other` are its namespaces, `units` those of the accelerator that were free before it.

    `values` is what the metrics API said last of our load; `blank` counts its answers without a value since it had one.
    `collectors`: kind of monitor -> what selects such monitors here, once it has been listed.
    `scaler` is the autoscaler's object, `brought` the registration of the suite's own metrics API; {} if there is none.
    `expected` is what it has to say: pod -> value, or one value for the whole load; {} if nobody exports any.
    """

    box: Sandbox
    mechanism: LoadMechanism
    accelerator: Accelerator
    own: str = ""
    other: str = ""
    units: int = 0
    blank: int = 0
    prometheus: str = ""
    label: str = field(default_factory=lambda: secrets.token_hex(4))
    values: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    collectors: dict[str, list[Manifest]] = field(default_factory=dict)
    scaler: Manifest = field(default_factory=dict)
    brought: Manifest = field(default_factory=dict)
    _told_at: str = ""
    _said: dict[str, tuple[Any, float]] = field(default_factory=dict)

    # -- the autoscaler and what it scales -------------------------------------------------------------------

    def wish(self, namespace: str = "") -> Wish:
        """What is to be scaled; in the other namespace, one replica for good."""
        facts, away = self.box.attempt.facts, namespace == self.other
        return Wish(
            name=APP,
            namespace=namespace or self.own,
            least=LEAST,
            most=LEAST if away else MOST,
            target=TARGET,
            label=f"{self.label}-other" if away else self.label,
            served=tuple(facts["served"]),
            prometheus=facts["prometheus"] or self.prometheus,
        )

    def replicas(self) -> int:
        """The number that the Deployment is asked to have now; 0 if it is not there."""
        found = [d for d in self.box.view("apps/v1", "deployments", self.own) if d["metadata"]["name"] == APP]
        return int(found[0]["spec"].get("replicas", 0)) if found else 0

    def running(self) -> list[Manifest]:
        """The replicas that are ready, oldest first."""
        mine = [p for p in self.box.pods(role="replica") if p["metadata"]["namespace"] == self.own]
        return [p for p in mine if ready(p) and not p["metadata"].get("deletionTimestamp")]

    def autoscaler(self) -> Manifest | None:
        """The HorizontalPodAutoscaler of our Deployment, whoever made it."""
        for hpa in self.box.view("autoscaling/v2", "horizontalpodautoscalers", self.own):
            if hpa["spec"]["scaleTargetRef"]["name"] == APP:
                return hpa
        return None

    def decided(self, load: int) -> bool:
        """Whether the autoscaler has computed with this load since it was set, and keeps its least number."""
        return self._version() != self._told_at and decisions.keeps(self.autoscaler(), LEAST, load)

    def _version(self) -> str:
        found = self.autoscaler()
        return str(found["metadata"].get("resourceVersion", "")) if found else ""

    def stays(self, count: int) -> bool:
        """Whether the autoscaler has looked again at this many replicas, and wants as many."""
        return decisions.stays(self.autoscaler(), count)

    def failures(self) -> dict[str, int]:
        """How often the autoscaler said that it could not read its metric, by event."""
        found = self.autoscaler()
        events = self.box.view("v1", "events", self.own)
        return decisions.failures(events, found["metadata"]["name"]) if found else {}

    # -- loads -----------------------------------------------------------------------------------------------

    async def command(self, values: Loads, step: str) -> None:
        """Sets the loads of the replicas, oldest first; or their sum, where one pod exports the whole load.

        None takes the metric away. Records what was set as the fact `commanded`. Raises NotPossible.
        """
        if self.mechanism.total:
            known = [v for v in values if v is not None]
            asked: dict[str, int | None] = {DIAL: sum(known) if known else None}
        else:
            names = [p["metadata"]["name"] for p in self.running()]
            asked = dict(zip(names, values, strict=False))
        for pod, value in asked.items():
            await self.set(pod, value, self.own, step)
        self.expected = {pod: str(v) for pod, v in asked.items() if v is not None}
        self.box.fact("commanded", {"values": self.expected, "total": self.mechanism.total}, step=step)
        self._told_at = self._version()
        # What is said from now on is about these loads, even if it is the same as before.
        self._said.pop("own", None)
        self.blank = 0

    async def set(self, pod: str, value: int | None, namespace: str, step: str) -> None:
        """Sets one pod's load. Raises NotPossible if the pod cannot be reached through the API server."""
        answer = await self.box.http(
            "POST", f"pods/{pod}:{PORT}/load", step=step, body={"value": value}, namespace=namespace, patience=15.0
        )
        if answer.status != 200:
            code = "rbac-denied" if answer.status == 403 else "no-reachable-address"
            because = f"the probe {pod} could not be told its load through the API server (HTTP {answer.status})"
            raise NotPossible(step, code, because)

    async def exported(self, pod: str, step: str) -> None:
        """Records the pod's own page of metrics: what the pipeline has to find."""
        await self.box.http("GET", f"pods/{pod}:{PORT}/metrics", step=step, namespace=self.own, patience=5.0)

    # -- the metrics API -------------------------------------------------------------------------------------

    async def read(self, namespace: str = "") -> dict[str, str]:
        """The loads that the metrics API shows, by object; {} if it has none. Recorded as the fact `metric`.

        The fact has `tries`, if there was no answer at once. Raises Refused if reading it is not allowed, ApiLost.
        """
        question = self.mechanism.question(self.wish(namespace))
        answer, tries = await self._asked(question)
        if answer.status == 403:
            raise Refused("get", question.path, answer.message)
        found = loads(answer.body) if answer.ok else {}
        where = "other" if namespace == self.other else "own"
        said = {"where": where, "status": answer.status, "values": found, "message": answer.message}
        said |= {"tries": tries} if tries > 1 else {}
        before, when = self._said.get(where, (None, 0.0))
        if said != before or time.monotonic() - when > _REPEAT:
            asked = question.path + "".join(f"?{k}={v}" for k, v in question.query.items())
            items = answer.body.get("items") if isinstance(answer.body, dict) else None
            self.box.fact("metric", {**said, "asked": asked, "items": items or []})
            self._said[where] = (said, time.monotonic())
        if where == "own":
            self.values, self.blank = found, 0 if found else self.blank + 1
        return found

    async def _asked(self, question: Question) -> tuple[Answer, int]:
        """The metrics API's answer, and after how many attempts it came. Raises ApiLost.

        Only calls that nobody answered are tried again: what an answer says, an error too, is what is to be seen.
        """
        tries, over = 1, 0.0
        while True:
            try:
                answer = await self.box.cluster.request(
                    "GET", question.path, params=question.query, quiet=True, extensions={PATIENCE: 0.0}
                )
            except ApiLost:
                over = over or time.monotonic() + _INSIST
                if time.monotonic() > over:
                    raise
                await asyncio.sleep(_PACE)
                tries += 1
            else:
                return answer, tries

    def shown(self) -> bool:
        """Whether the metrics API shows exactly what was set last."""
        return shows(self.values, self.expected, total=self.mechanism.total)

    async def look(self, test: Callable[[], bool], seconds: str | float, what: str) -> bool:
        """Asks the metrics API again and again, and follows everything else, until `test()` is true."""
        left = self.box.seconds(seconds)
        over = time.monotonic() + left
        self.box.say(what, left)
        while True:
            await self.read()
            if test():
                return True
            left = over - time.monotonic()
            if left <= 0:
                return False
            if await self.box.until(test, min(_PACE, left), what):
                return True

    async def shown_elsewhere(self, value: int, seconds: str) -> bool:
        """Whether the metrics API comes to show this value in the other namespace."""
        over = time.monotonic() + self.box.seconds(seconds)
        self.box.say("the other namespace's load is to be seen", self.box.seconds(seconds))
        while time.monotonic() < over:
            found = await self.read(self.other)
            if Decimal(value) in [Decimal(v) for v in found.values()]:
                return True
            # The metrics API has no watch: it can only be asked again.
            await self.box.until(lambda: False, _PACE, "the other namespace's load")
        return False

    # -- probes ----------------------------------------------------------------------------------------------

    async def look_at_device(self, pod: Manifest, step: str) -> None:
        """Records which device nodes a replica could open."""
        await self.box.probe(pod["metadata"]["name"], step=step, namespace=self.own)

    async def free(self, step: str) -> int:
        """Units that nobody holds on the chosen nodes; each count is recorded."""
        with self.box.rec.in_step(step):
            return sum(
                [await self.box.free_units(self.accelerator, n["name"]) for n in self.box.attempt.facts["nodes"]]
            )

    def arguments(self, *, away: bool = False, holder: bool = False) -> list[str]:
        """The probe's own arguments."""
        hints = self.accelerator.hints
        paths = list(hints.device_paths) if hints and holder else []
        config = {"paths": paths, "target": self.wish(self.other if away else self.own).label}
        return [str(PORT), json.dumps(config, sort_keys=True)]


def shows(values: dict[str, str], expected: dict[str, str], *, total: bool) -> bool:
    """Whether the metrics API says exactly this. One value for the whole load may stand under any name."""
    if total:
        return sorted(map(Decimal, values.values())) == sorted(map(Decimal, expected.values()))
    return {k: Decimal(v) for k, v in values.items()} == {k: Decimal(v) for k, v in expected.items()}


def ready(pod: Manifest) -> bool:
    """Whether the pod's condition Ready is True."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
