"""YAML text as a tree that knows where everything stands in the text, so that an edit leaves every other byte alone.

Made from the parser's events with a stack of its own: deep nesting, repeated keys and aliases that multiply are
errors with a line number, and never a crash. Scalars are read as Kubernetes reads them (YAML 1.1 as in go-yaml, without
dates and sexagesimal numbers).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from yaml import events as ev
from yaml.reader import ReaderError

from aiconform.porting.errors import PortError

_DEPTH = 100
_NODES = 2_000_000
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)$")
_BASED = re.compile(r"[-+]?0(x[0-9a-fA-F_]+|b[01_]+|o?[0-7_]+)$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")


@dataclass(eq=False)
class Node:
    """A piece of YAML. `start` and `end` are indices into the text; `column` is where it begins in its line.

    A mapping holds `entries`, a list `items`, an alias the node that it stands for as `target`.
    """

    kind: Literal["scalar", "map", "list", "alias"]
    start: int
    end: int
    line: int
    column: int
    flow: bool = False
    style: str = ""
    value: Any = None
    entries: list[tuple["Node", "Node"]] = field(default_factory=list)
    items: list["Node"] = field(default_factory=list)
    target: "Node | None" = None

    @property
    def real(self) -> "Node":
        """The node itself, or what an alias stands for."""
        return self.target if self.target is not None else self

    def last(self) -> int:
        """Index after the last thing in it. (A block's own end lies behind the blank lines and comments after it.)"""
        node = self
        while not node.flow and (node.entries or node.items):
            node = node.entries[-1][1] if node.entries else node.items[-1]
        return node.end

    def child(self, name: str | int) -> "Node | None":
        """The value of a key (through `<<`, too) or the item of a number; an alias as it stands."""
        node = self.real
        if isinstance(name, int):
            return node.items[name] if node.kind == "list" and -1 < name < len(node.items) else None
        if node.kind != "map":
            return None
        own = next((v for k, v in node.entries if k.value == name and _is_key(k)), None)
        if own is not None:
            return own
        bases = [m for k, v in node.entries if _is_merge(k) for m in _bases(v)]
        return next((found for b in bases if (found := b.child(name)) is not None), None)


@dataclass(frozen=True)
class Tree:
    """One document: its place in the text, and its root (None if it is empty)."""

    start: int
    line: int
    root: Node | None


def parse(text: str, where: str) -> list[Tree]:
    """The documents of a text. `where` names it in errors. Raises PortError."""
    try:
        return list(_documents(_readable(text), where))
    except PortError as error:
        raise PortError(f"{error}{_hint(text)}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise PortError(f"{where}{line}: no YAML: {error.problem}{_hint(text)}") from None
    except ReaderError as error:
        line = f", line {text.count(chr(10), 0, error.position) + 1}"
        raise PortError(f"{where}{line}: no YAML: {error.reason}") from None
    except yaml.YAMLError as error:
        raise PortError(f"{where}: no YAML: {' '.join(str(error).split())[:200]}") from None


def is_json(text: str) -> bool:
    """Whether the whole text is one JSON object or list."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def plain(root: Node, where: str) -> Any:
    """Dictionaries, lists and scalars, nothing shared. Raises PortError for aliases without end."""
    return _Builder(where).build(root, 0)


def _readable(text: str) -> str:
    # JSON may be indented by tabs, YAML may not; inside JSON's strings there are none.
    return text.replace("\t", " ") if "\t" in text and is_json(text) else text


def _hint(text: str) -> str:
    if "{{" in text:
        return "; it looks like a template: render it first (helm template, kubectl kustomize)"
    return ""


def _documents(text: str, where: str) -> Iterator[Tree]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    composer, begin, line = _Composer(where), 0, 0
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        if number > _NODES:
            raise PortError(f"{where}: over {_NODES} values are too many to read at once; split it")
        if isinstance(event, ev.DocumentStartEvent):
            mark: Any = event.start_mark
            composer, begin, line = _Composer(where), mark.index, mark.line
        elif isinstance(event, ev.DocumentEndEvent):
            yield Tree(begin, line, composer.root if not _empty(composer.root) else None)
        else:
            composer.take(event)


def _empty(root: Node | None) -> bool:
    return root is None or (root.kind == "scalar" and root.value is None)


class _Composer:
    """Puts nodes together from events."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.root: Node | None = None
        self.open: list[tuple[Node, list[Node], set[Any]]] = []
        self.anchors: dict[str, Node] = {}

    def take(self, event: Any) -> None:
        mark: Any = event.start_mark
        if isinstance(event, ev.MappingStartEvent | ev.SequenceStartEvent):
            kind: Literal["map", "list"] = "map" if isinstance(event, ev.MappingStartEvent) else "list"
            node = Node(kind, mark.index, 0, mark.line, mark.column, flow=bool(event.flow_style))
            self._remember(event, node)
            self._put(node)
            if len(self.open) >= _DEPTH:
                raise self.wrong(node, f"nested more than {_DEPTH} levels deep")
            self.open.append((node, [], set()))
        elif isinstance(event, ev.MappingEndEvent | ev.SequenceEndEvent):
            node, _, _ = self.open.pop()
            end: Any = event.end_mark
            node.end = end.index
        elif isinstance(event, ev.ScalarEvent):
            value = _scalar(event)
            until: Any = event.end_mark
            node = Node("scalar", mark.index, until.index, mark.line, mark.column, style=event.style or "", value=value)
            self._remember(event, node)
            self._put(node)
        elif isinstance(event, ev.AliasEvent):
            target, after = self.anchors.get(event.anchor or ""), mark.index + 1 + len(event.anchor or "")
            node = Node("alias", mark.index, after, mark.line, mark.column, target=target)
            if target is None:
                raise self.wrong(node, f"the alias *{event.anchor} has no anchor before it")
            self._put(node)

    def _remember(self, event: Any, node: Node) -> None:
        if event.anchor:
            self.anchors[event.anchor] = node

    def _put(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent, keys, seen = self.open[-1]
        if parent.kind == "list":
            parent.items.append(node)
        elif keys:
            parent.entries.append((keys.pop(), node))
        else:
            name = node.real.value
            if node.real.kind != "scalar":
                raise self.wrong(node, "a key must be a plain word, not a list or mapping")
            if name in seen and not _is_merge(node):
                raise self.wrong(node, f"the key {name!r} is there twice in one mapping")
            seen.add(name)
            keys.append(node)

    def wrong(self, node: Node, what: str) -> PortError:
        return PortError(f"{self.where}, line {node.line + 1}: {what}")


class _Builder:
    def __init__(self, where: str) -> None:
        self.where = where
        self.left = _NODES

    def build(self, node: Node, depth: int) -> Any:
        node = node.real
        self.left -= 1
        if self.left < 0 or depth > 2 * _DEPTH:
            raise PortError(f"{self.where}, line {node.line + 1}: its aliases multiply without end, or it is too large")
        if node.kind == "list":
            return [self.build(item, depth + 1) for item in node.items]
        if node.kind == "scalar":
            return node.value
        out: dict[str, Any] = {}
        for key, value in node.entries:
            if _is_merge(key):
                for base in _bases(value):
                    merged = self.build(base, depth + 1)
                    if not isinstance(merged, dict):
                        raise PortError(f"{self.where}, line {value.line + 1}: << needs a mapping")
                    out = {**merged, **out}
        own = {_name(key): self.build(value, depth + 1) for key, value in node.entries if not _is_merge(key)}
        return {**out, **own}


def _name(key: Node) -> str:
    return key.real.value if isinstance(key.real.value, str) else json.dumps(key.real.value)


def _is_key(key: Node) -> bool:
    return key.kind == "scalar" and not _is_merge(key)


def _is_merge(key: Node) -> bool:
    return key.value == "<<" and key.style == ""


def _bases(value: Node) -> list[Node]:
    real = value.real
    return [item.real for item in real.items] if real.kind == "list" else [real]


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.style or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text.replace("_", ""))
    if _BASED.match(text):
        return _based(text.replace("_", ""))
    return float(text) if _FLOAT.match(text) else text


def _based(text: str) -> int | str:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    base = {"x": 16, "b": 2, "o": 8}.get(digits[1:2], 8)
    try:
        return sign * int(digits.lstrip("0xbo") or "0", base)
    except ValueError:
        return text
