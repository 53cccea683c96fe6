"""Who may use what in a run: each attempt waits for the earlier ones that need the same, name by name."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from aiconform.cluster.turns import Turn
from aiconform.model import Attempt
from aiconform.planning import claims

Need = Callable[[Attempt, Attempt], frozenset[str]]


class Turns:
    """The attempts of a plan, in its order. Nobody waits for a later one, so that no two wait for each other."""

    def __init__(self, ordered: Sequence[Attempt]) -> None:
        self._before = {a.id: tuple(ordered[:i]) for i, a in enumerate(ordered)}
        self._free = {a.id: {name: asyncio.Event() for name in (*a.holds, *a.shares)} for a in ordered}

    def of(self, attempt: Attempt) -> "RunTurn":
        """The turn of one attempt."""
        return RunTurn(self, attempt)

    async def wait(self, attempt: Attempt, need: Need) -> None:
        """Returns when no earlier attempt holds or shares what this one needs."""
        for earlier in self._before[attempt.id]:
            for name in need(attempt, earlier):
                await self._free[earlier.id][name].wait()

    def has(self, attempt: Attempt, name: str) -> bool:
        """Whether no earlier attempt uses what this one may choose. Later ones wait until it has chosen."""
        rivals = (e for e in self._before[attempt.id] if name in claims.at_choice(attempt, e))
        return all(self._free[earlier.id][name].is_set() for earlier in rivals)

    def free(self, attempt: Attempt, names: Iterable[str] | None) -> None:
        """These names, or all, are not used by the attempt any more."""
        mine = self._free[attempt.id]
        for name in mine if names is None else names:
            mine[name].set()


class RunTurn(Turn):
    """The turn of one attempt of a run."""

    def __init__(self, turns: Turns, attempt: Attempt) -> None:
        self._turns, self._attempt = turns, attempt

    async def begin(self) -> None:
        """Returns when the attempt may begin."""
        await self._turns.wait(self._attempt, claims.at_start)

    async def come(self) -> None:
        await self._turns.wait(self._attempt, claims.at_turn)

    def has(self, name: str) -> bool:
        return self._turns.has(self._attempt, name)

    def free(self, names: Iterable[str] | None = None) -> None:
        self._turns.free(self._attempt, names)
