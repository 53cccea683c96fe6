"""What a person sees while a run goes on: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from rich.live import Live
from rich.table import Table

from aiconform.cli.output import console, say


@dataclass
class _State:
    status: str = "waits"
    step: str = ""
    since: float = 0.0
    began: float = 0.0
    deadline: float | None = None


class Progress:
    """Listens to the engine. Use as a context manager."""

    def __init__(self, attempts: Iterable[str]) -> None:
        self._states = {a: _State() for a in attempts}
        self._live = Live(
            console=console(stderr=True), get_renderable=self._table, refresh_per_second=4, transient=True
        )
        self._tty = sys.stderr.isatty()
        self._start = time.monotonic()

    def __enter__(self) -> "Progress":
        if self._tty:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._tty:
            self._live.stop()

    def started(self, attempt: str) -> None:
        """An attempt began."""
        self._states[attempt] = _State(status="runs", since=time.monotonic(), began=time.monotonic())
        self._line(attempt, "begins")

    def step(self, attempt: str, text: str, deadline: float | None) -> None:
        """An attempt waits for something, `deadline` seconds at most."""
        state = self._states[attempt]
        if (state.step, state.deadline) == (text, deadline):
            return
        state.step, state.deadline, state.since = text, deadline, time.monotonic()
        self._line(attempt, text + (f" (up to {deadline:.0f} s)" if deadline else ""))

    def finished(self, attempt: str, how: str) -> None:
        """An attempt ended."""
        state = self._states[attempt]
        took = time.monotonic() - state.began if state.began else 0.0
        state.status, state.step, state.deadline = how, "", None
        self._line(attempt, f"{how} after {took:.0f} s")

    def note(self, text: str) -> None:
        """A line of its own."""
        if self._tty:
            self._live.console.print(text)
        else:
            say(text)

    def _line(self, attempt: str, text: str) -> None:
        if not self._tty:
            say(f"{time.monotonic() - self._start:7.1f} s  {attempt}: {text}")

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("attempt", "", "step", "elapsed"):
            table.add_column(name, justify="right" if name == "elapsed" else "left")
        now = time.monotonic()
        for name, state in self._states.items():
            elapsed = f"{now - state.since:.0f}" if state.status == "runs" else ""
            limit = f" / {state.deadline:.0f} s" if state.deadline and elapsed else " s" if elapsed else ""
            table.add_row(name, state.status, state.step, elapsed + limit)
        return table
