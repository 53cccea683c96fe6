"""A need, what the target has of it, and what has to be changed: the shape that every matcher returns."""

from dataclasses import dataclass, field

from aiconform.model import Status
from aiconform.porting.manifests import Object
from aiconform.porting.textedit import Op


@dataclass(frozen=True, kw_only=True)
class Change:
    """An edit of an object, or (`drop`) the whole object, or (`add`) a new document behind it."""

    owner: Object
    op: Op | None = None
    drop: bool = False
    add: dict[str, object] | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The fields are those of model.PortRow; `owner` is who needs it."""

    kind: str
    name: str
    owner: Object
    status: Status
    because: str
    target: str = ""
    requirement: str = ""
    changes: tuple[Change, ...] = field(default_factory=tuple)
