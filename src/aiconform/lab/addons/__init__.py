"""Manifests that the lab applies, and their parameters."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import yaml


def documents(name: str, **parameters: str) -> list[dict[str, Any]]:
    """The documents of a manifest beside this file. A parameter that is not given is a KeyError."""
    text = (Path(__file__).parent / name).read_text()
    return [document for document in yaml.safe_load_all(string.Template(text).substitute(parameters)) if document]
