"""The checklist's versions as data files, and their loader."""

from aiconform.checklists.load import UnknownChecklist, for_server, load, versions

__all__ = ["UnknownChecklist", "for_server", "load", "versions"]
