"""Asking the store: through the API server's proxy, or at the URL that the user named. Records every answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiconform.checks.ai_service_metrics.samples import answered
from aiconform.checks.ai_service_metrics.via import Place
from aiconform.cluster.outside import Outside
from aiconform.cluster.sandbox import Sandbox
from aiconform.cluster.talking import Http
from aiconform.judging.metrics import Sample

QUERY, STATUS = "api/v1/query", "api/v1/status"
_PATIENCE = 5.0
_FIRST, _LONGEST = 1.0, 10.0


@dataclass
class Store:
    """Everything that answers the Prometheus API here. `places` are asked one after the other."""

    box: Sandbox
    places: tuple[Place, ...] = ()
    outside: Outside | None = None
    said: list[str] = field(default_factory=list)

    async def ask(self, query: str, step: str) -> list[Sample] | None:
        """The newest samples, of all places together; None if none of them answered with success."""
        found: list[Sample] | None = None
        for got in [await self._get(place, query, step) for place in self.places or (None,)]:
            samples = answered(got.body) if got.status == 200 else None
            if samples is not None:
                found = [*(found or []), *samples]
            else:
                self.said.append(f"HTTP {got.status}: {got.body[:200]}")
        return found

    async def _get(self, place: Place | None, query: str, step: str) -> Http:
        if place is None:
            assert self.outside is not None
            return await self.outside.get(self.box.rec, QUERY, {"query": query}, step)
        target = f"{place.target}{place.prefix}/{QUERY}"
        return await self.box.http(
            "GET", target, step=step, params={"query": query}, namespace=place.namespace, patience=_PATIENCE
        )

    async def that_answer(self, step: str) -> bool:
        """Keeps the places that answer the simplest query; whether there is one."""
        if self.outside is not None:
            self.places = ()
            return await self.ask("vector(1)", step) is not None
        kept = [
            p for p in self.places if await Store(self.box, (p,), None, self.said).ask("vector(1)", step) is not None
        ]
        self.places = tuple(kept)
        return bool(kept)

    async def until(self, query: str, test: Callable[[list[Sample]], bool], step: str, deadline: str) -> bool:
        """Asks again and again until `test` holds for an answer; False at the deadline.

        A store tells nobody when it has something new. The pause grows with the time that has gone.
        """
        seconds = self.box.seconds(deadline)
        began = time.monotonic()
        while True:
            found = await self.ask(query, step)
            if found is not None and test(found):
                return True
            gone = time.monotonic() - began
            if gone >= seconds:
                return False
            pause = min(max(_FIRST, gone / 10), _LONGEST, max(seconds - gone, 0.1))
            await self.box.until(lambda: False, pause, f"{step}: asking the store")
