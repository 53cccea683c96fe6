"""Writes one recording: the only code that creates evidence files."""

import contextlib
import errno
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.redact import QUIET, redact
from aiconform.model import Begin, Ending, Observation, encode, encode_line, encode_pretty

BLOB_OVER = 64 * 1024
"""Bodies whose JSON is longer than this many bytes go into a file of their own."""


def utc_now(precision: str = "milliseconds") -> str:
    """The time in UTC: "2026-01-31T12:00:00.000Z"; with precision "seconds" without the fraction."""
    return datetime.now(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


class Recorder:
    """Appends observations to `observations.jsonl`, one line each, handed to the kernel at once.

    Not for several threads: it belongs to one event loop, where every method runs without an await.
    """

    def __init__(self, directory: Path, begin: Begin) -> None:
        self.directory = directory
        self.begin = begin
        self.step = ""
        self.own_namespaces: set[str] = set()
        self.finished = False
        self.failure: EvidenceError | None = None
        # Called once, when a write has failed: whoever waits for the cluster need not wait any longer.
        self.on_failure: Callable[[], object] | None = None
        self._seq = 0
        self._size = 0
        self._t0 = time.monotonic()
        self._quiet: Counter[str] = Counter()
        with self._writing("begin.json"):
            directory.mkdir(parents=True, exist_ok=False)
            (directory / "begin.json").write_bytes(encode_pretty(begin))
            self._file = (directory / "observations.jsonl").open("ab", buffering=0)

    @classmethod
    def create(cls, root: Path, begin: Begin, name: str = "") -> Self:
        """Opens `root/<name>/` (by default `<check>.<via>`, the attempt's id) and writes begin.json.

        `root` is the run's `recorded` folder. EvidenceError if the folder exists or cannot be written.
        """
        return cls(root / (name or f"{begin.check}.{begin.via}"), begin)

    def elapsed(self) -> float:
        """Monotonic seconds since the attempt began."""
        return round(time.monotonic() - self._t0, 4)

    def observe(self, kind: str, subject: str, body: Any = None, step: str | None = None) -> Observation:
        """Writes one observation, after redaction, and returns it as written.

        The first write that fails raises EvidenceError. Later ones are dropped, so that cleanup can go on; the
        recording has no end then, and reads as interrupted.
        """
        clean, counts = redact(body, own_namespaces=self.own_namespaces, run=self.begin.run)
        where = self.step if step is None else step
        for rule, count in sorted((+counts).items()):
            if rule in QUIET:
                self._quiet[rule] += count
            else:
                self._write("redaction", rule, {"count": count}, where)
        return self._write(kind, subject, clean, where)

    @contextlib.contextmanager
    def in_step(self, step: str) -> Iterator[None]:
        """Everything observed inside belongs to this step."""
        before, self.step = self.step, step
        try:
            yield
        finally:
            self.step = before

    def finish(self, ending: Ending) -> None:
        """Writes end.json. Nothing can be observed afterwards. Calling it twice changes nothing."""
        if self.finished or self.failure is not None:
            return
        for rule, count in sorted(self._quiet.items()):
            self._write("redaction", rule, {"count": count, "total": True}, "")
        with self._writing("end.json"):
            os.fsync(self._file.fileno())
            self._file.close()
            target = self.directory / "end.json"
            # An error's text may quote what was sent.
            clean = replace(ending, error=redact(ending.error)[0])
            target.with_suffix(".tmp").write_bytes(encode_pretty(clean))
            target.with_suffix(".tmp").replace(target)
        self.finished = True

    def _write(self, kind: str, subject: str, body: Any, step: str) -> Observation:
        if self.finished:
            raise EvidenceError(f"the recording {self.directory} is finished; nothing can be added to it")
        blob = None
        encoded = encode(body)
        if len(encoded) > BLOB_OVER and self.failure is None:
            blob, body = self._blob(encoded), None
        observation = Observation(
            seq=self._seq + 1, t=self.elapsed(), at=utc_now(), step=step, kind=kind, subject=subject,
            body=body, blob=blob,
        )  # fmt: skip
        if self.failure is not None:
            return observation
        with self._writing("observations.jsonl"):
            self._append(encode_line(observation))
        self._seq += 1
        return observation

    def _append(self, line: bytes) -> None:
        start, view = self._size, memoryview(line)
        try:
            while view:
                view = view[self._file.write(view) or 0 :]
        except OSError:
            # Half a line must not be glued to the next one, should there be room again.
            os.ftruncate(self._file.fileno(), start)
            raise
        self._size += len(line)

    def _blob(self, encoded: bytes) -> str:
        digest = hashlib.sha256(encoded).hexdigest()
        path = self.directory / "blobs" / digest
        with self._writing(f"blobs/{digest}"):
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                path.with_suffix(".tmp").write_bytes(encoded)
                path.with_suffix(".tmp").replace(path)
        return digest

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            self.failure = EvidenceError(self._sentence(name, e))
            if self.on_failure is not None:
                self.on_failure()
            raise self.failure from e

    def _sentence(self, name: str, e: OSError) -> str:
        where = self.directory
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk is full: {name} in {where} could not be written; free some space and run again"
        if isinstance(e, FileExistsError):
            return f"there is already a recording in {where}; choose another output folder"
        reason = e.strerror or str(e)
        return f"{name} in {where} could not be written: {reason}; check the folder and run again"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file; a recording that was not finished stays one that was interrupted."""
        self._file.close()
