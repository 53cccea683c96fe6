"""JSON schemas of everything that a run leaves on disk, from the types that read and write it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from aiconform.model import (
    Assessment,
    Begin,
    Claim,
    Ending,
    Inventory,
    Observation,
    PortReport,
    Run,
    Verdict,
    schema,
)


@dataclass(frozen=True, kw_only=True)
class Seal:
    """`seal.json`: the sha256 of every recorded file by its name relative to `recorded/`."""

    format: str
    files: dict[str, str]


# File of the schema -> what it describes, and the type.
TYPES: dict[str, tuple[str, Any]] = {
    "run": ("recorded/run.json", Run),
    "inventory": ("recorded/inventory.json", Inventory),
    "seal": ("recorded/seal.json", Seal),
    "begin": ("recorded/<attempt>/begin.json", Begin),
    "observation": ("one line of recorded/<attempt>/observations.jsonl", Observation),
    "end": ("recorded/<attempt>/end.json", Ending),
    "claims": ("claims.yaml", tuple[Claim, ...]),
    "verdicts": ("derived/verdicts.json", tuple[Verdict, ...]),
    "assessment": ("derived/assessment-<version>.json", Assessment),
    "port": ("aiconform port -o json", PortReport),
}


def pages() -> dict[str, str]:
    """Path below `docs/` -> text, for each schema and a list of them."""
    out = {f"schemas/{name}.json": _text(schema(kind), where) for name, (where, kind) in TYPES.items()}
    rows = "".join(f"| `{where}` | [{name}.json]({name}.json) |\n" for name, (where, _) in TYPES.items())
    out["schemas/README.md"] = (
        "# Files of a run\n\nGenerated from the types in `src/aiconform/model` by `python -m aiconform.docs_gen`; "
        "JSON Schema 2020-12.\n\n| file | schema |\n| --- | --- |\n" + rows
    )
    return out


def _text(content: dict[str, Any], where: str) -> str:
    titled = {**content, "title": where}
    encoded = msgspec.json.Encoder(order="deterministic").encode(titled)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
