"""The files beside a PRODUCT.yaml. Nothing outside the product's folder is opened, whatever a link says."""

import errno
import os
import stat
from pathlib import Path
from typing import Literal

from aiconform.submission import artifacts
from aiconform.submission.files import Unreadable, read_bytes

# unnoticed: not there, by an error that the gate takes for being there; outside: a symbolic link out of the folder;
# special: a device, a pipe or a socket.
State = Literal["file", "folder", "absent", "unnoticed", "outside", "special"]
LARGEST_ARTIFACT = 64 << 20


class Unusable(Exception):
    """A file of test results that cannot be used: half a sentence. `opened` is False if it was not looked into."""

    def __init__(self, message: str, *, opened: bool) -> None:
        super().__init__(message)
        self.opened = opened


class Beside:
    """One product's folder. Files of test results are read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._real = Path(os.path.realpath(folder))
        self._read: dict[str, artifacts.Artifact | Unusable] = {}

    def state(self, path: str) -> State:
        """What lies at a path that is relative to the folder and does not leave it."""
        try:
            full = self._folder / path
            if not full.resolve().is_relative_to(self._real):
                return "outside"
            mode = full.stat().st_mode
        except OSError as error:
            return "absent" if error.errno == errno.ENOENT else "unnoticed"
        except (ValueError, RuntimeError):
            # A NUL in the name; a link that points at itself.
            return "unnoticed"
        if stat.S_ISREG(mode):
            return "file"
        return "folder" if stat.S_ISDIR(mode) else "special"

    def artifact(self, path: str) -> artifacts.Artifact:
        """The test results in a file that `artifacts.kind` knows. Raises Unusable."""
        if path not in self._read:
            self._read[path] = self._load(path)
        found = self._read[path]
        if isinstance(found, Unusable):
            raise found
        return found

    def bytes(self, path: str) -> bytes | None:
        """A file's bytes; None if it is none, or too large to compare."""
        try:
            return read_bytes(self._folder / path) if self.state(path) == "file" else None
        except Unreadable:
            return None

    def _load(self, path: str) -> "artifacts.Artifact | Unusable":
        state = self.state(path)
        if state == "special":
            return Unusable("is no regular file", opened=False)
        if state != "file":
            return Unusable("is a folder" if state == "folder" else "cannot be opened", opened=True)
        try:
            data = read_bytes(self._folder / path, LARGEST_ARTIFACT)
            return artifacts.read(artifacts.kind(path), data)
        except Unreadable:
            return Unusable(f"cannot be read, or has over {LARGEST_ARTIFACT} bytes", opened=False)
        except artifacts.BadArtifact as error:
            return Unusable(str(error), opened=True)
