"""run.json and inventory.json: what is recorded of a run as a whole."""

from pathlib import Path
from typing import Any

from aiconform.evidence.errors import EvidenceError
from aiconform.evidence.redact import redact
from aiconform.model import decode, encode, encode_pretty


def write_json(path: Path, value: Any) -> None:
    """Writes a value of the model, redacted like every other evidence. Raises EvidenceError."""
    clean, _ = redact(decode(encode(value), object))
    try:
        with path.open("xb") as file:
            file.write(encode_pretty(clean))
    except FileExistsError:
        raise EvidenceError(f"{path} is there already, and evidence is never overwritten") from None
    except OSError as error:
        raise EvidenceError(f"{path} cannot be written: {error.strerror}; free some space or use --runs") from None
