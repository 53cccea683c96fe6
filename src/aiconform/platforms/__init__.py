"""The program's registry of certified platforms: read as published, by version, row, mechanism and evidence."""

from aiconform.platforms.read import registry
from aiconform.platforms.source import OFFICIAL, Source, SourceError, open_source
from aiconform.platforms.types import Entry, Evidence, Platform, PlatformRow, Registry, Strength

__all__ = [
    "OFFICIAL", "Entry", "Evidence", "Platform", "PlatformRow", "Registry", "Source", "SourceError", "Strength",
    "open_source", "registry",
]  # fmt: skip
