"""Requirements of the CNCF Kubernetes AI Conformance checklist, as data (`checklists/*.yaml`)."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["MUST", "SHOULD"]


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One row of a checklist.

    `summary` is this project's own wording; the official text is never copied. `kar` is the number of the
    Kubernetes AI Requirement that the row comes from ("" if it has none).
    """

    id: str
    level: Level
    section: str
    summary: str
    kar: str = ""


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """All rows of one version, in the official order.

    `official_sha256` is the digest of the official YAML file, so that a changed checklist is noticed.
    """

    version: str
    requirements: tuple[Requirement, ...]
    official_sha256: str

    def requirement(self, requirement_id: str) -> Requirement | None:
        return next((r for r in self.requirements if r.id == requirement_id), None)
