"""claims.yaml: what a human states where nothing could be proved."""

from pathlib import Path

import msgspec
import yaml

from aiconform.model import Claim


class ClaimsError(Exception):
    """claims.yaml cannot be used. The message says where and what to do."""


def load_claims(directory: Path) -> tuple[Claim, ...]:
    """The claims beside a run; none if there is no file. A list of {requirement, says, who, when, why, layer?}."""
    path = directory / "claims.yaml"
    if not path.exists():
        return ()
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(_as_text(data or []), tuple[Claim, ...])
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClaimsError(f"{path} is no YAML: {str(error).splitlines()[0]}; mend or remove it") from None
    except msgspec.ValidationError as error:
        raise ClaimsError(f"{path}: {error}; a claim needs requirement, says, who, when and why, each a text") from None


def _as_text(data: object) -> object:
    """YAML reads 2026-01-31 as a date; a claim's `when` is text."""
    if isinstance(data, list):
        return [_as_text(x) for x in data]
    if isinstance(data, dict):
        return {str(k): _as_text(v) for k, v in data.items()}
    return data if isinstance(data, str) or data is None else str(data)
