"""Edits one YAML or JSON document in its text: comments, order, quotes and every other line stay as they are.

Each edit is done twice, on the text and on the plain data, and the result is compared: an edit that a style of writing
(a shared anchor, say) turns into something else is an error and never a silent change.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from aiconform.porting import yamltree
from aiconform.porting.errors import PortError
from aiconform.porting.yamltree import Node

Path = tuple[str | int, ...]
# Start, end and the new text between them.
_Splice = tuple[int, int, str]
# Mappings and lists that mean nothing when they are empty: they go with their last entry.
_PRUNED = frozenset(
    {"limits", "requests", "resources", "nodeSelector", "claims", "resourceClaims", "matchExpressions"}
    | {"nodeSelectorTerms", "requiredDuringSchedulingIgnoredDuringExecution", "nodeAffinity", "affinity"}
)


@dataclass(frozen=True, kw_only=True)
class Op:
    """One change. `set` writes a value (and the mappings above it), `rename` gives a key another name, `append`
    adds an item to a list unless it is there. `path` are keys and list positions from the document's root.
    """

    action: Literal["set", "delete", "rename", "append"]
    path: Path
    value: Any = None


def apply(text: str, ops: Iterable[Op], where: str) -> str:
    """The document's text with these changes. Raises PortError if one cannot be made in this text.

    Items of a List are independent of each other: in each round, one change of every item is made.
    """
    crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    text = text.replace("\r\n", "\n") if crlf else text
    root = _root(text, where)
    wanted = yamltree.plain(root, where) if root else None
    waiting: dict[Path, list[Op]] = {}
    for op in ops:
        waiting.setdefault(op.path[:2] if op.path[0] == "items" else (), []).append(op)
    while waiting:
        text = _round(text, root, wanted, {part: found.pop(0) for part, found in waiting.items()}, where)
        waiting = {part: found for part, found in waiting.items() if found}
        root = _root(text, where)
    if (yamltree.plain(root, where) if root else None) != wanted:
        raise PortError(f"{where}: an edit would change more than it should: {_BY_HAND}")
    return text.replace("\n", "\r\n") if crlf else text


def _round(text: str, root: Node | None, wanted: Any, ops: Mapping[Path, Op], where: str) -> str:
    """One change for each part of the document, on the data and on the text, whose tree `root` is."""
    assert root is not None
    data, writer = yamltree.plain(root, where), _Writer(text, root)
    splices: set[_Splice] = set()
    for part, given in ops.items():
        op = given
        try:
            op = _effective(wanted, given)
            _on_data(wanted, op)
            if _get(data, part) != _get(wanted, part):
                splices.add(writer.splice(op))
        except (KeyError, IndexError, TypeError, AttributeError, StopIteration, ValueError):
            raise PortError(f"{where}: {'.'.join(map(str, op.path))} cannot be edited: {_BY_HAND}") from None
    pieces, at = [], 0
    for start, end, new in sorted(splices):
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])


_BY_HAND = "it is shared by an anchor, or written in a way that is not understood; write it out plainly"


def _root(text: str, where: str) -> Node | None:
    trees = yamltree.parse(text, where)
    return trees[0].root if trees else None


def _effective(data: Any, op: Op) -> Op:
    """A removal that would leave an empty mapping behind takes that, too."""
    path = op.path
    while op.action == "delete" and len(path) > 1:
        parent = _get(data, path[:-1])
        prunable = path[-2] in _PRUNED or (isinstance(path[-2], int) and path[-3] == "nodeSelectorTerms")
        if not prunable or len(parent) > 1:
            break
        path = path[:-1]
    return Op(action=op.action, path=path, value=op.value)


def _get(data: Any, path: Path) -> Any:
    for name in path:
        data = data[name]
    return data


def _on_data(data: Any, op: Op) -> None:
    *above, last = op.path
    if op.action == "set":
        for name in above:
            if isinstance(data, dict) and data.get(str(name)) is None:
                data[name] = {}
            data = data[name]
        data[last] = copy.deepcopy(op.value)
        return
    data = _get(data, tuple(above))
    if op.action == "delete":
        del data[last]
    elif op.action == "append":
        if isinstance(data, dict) and data.get(last) is None:
            data[last] = []
        if op.value not in data[last]:
            data[last].append(copy.deepcopy(op.value))
    else:
        entries = [(op.value if k == last else k, v) for k, v in data.items()]
        if len(dict(entries)) != len(entries):
            raise KeyError(op.value)
        data.clear()
        data.update(entries)


class _Writer:
    """Works out one change as one replacement in the text."""

    def __init__(self, text: str, root: Node) -> None:
        self.text, self.root = text, root
        self.json = yamltree.is_json(text)

    def splice(self, op: Op) -> _Splice:
        """The replacement that makes this change."""
        match op.action:
            case "set":
                return self.set(op.path, op.value)
            case "delete":
                return self.delete(op.path)
            case "rename":
                return self.rename(op.path, str(op.value))
            case _:
                return self.append(op.path, op.value)

    def find(self, path: Path) -> Node | None:
        node: Node | None = self.root
        for name in path:
            node = node.child(name) if node is not None else None
        return node

    def set(self, path: Path, value: Any) -> _Splice:
        there = self.find(path)
        if there is not None:
            return self._replace(there, value)
        depth = next(n for n in range(len(path) - 1, -1, -1) if self._holds(path[:n]))
        for name in reversed(path[depth + 1 :]):
            value = {name: value}
        parent = self.find(path[:depth])
        assert parent is not None
        if parent.real.kind != "map":
            return self._replace(parent, {path[depth]: value})
        return self._add(parent.real, str(path[depth]), value)

    def _holds(self, path: Path) -> bool:
        return self.find(path) is not None

    def append(self, path: Path, value: Any) -> _Splice:
        there = self.find(path)
        if there is None or there.real.kind != "list" or not there.real.items:
            return self.set(path, [value])
        node = there.real
        if node.flow:
            at = node.items[-1].last()
            return self._splice(at, at, ", " + self._flow(value))
        item = _indented(_block(value), node.column + 2, first=node.column, lead="- ")
        return self._after_line(node.last(), item, node.column)

    def rename(self, path: Path, name: str) -> _Splice:
        node = self.find(path[:-1])
        assert node is not None
        key = next(k for k, _ in node.real.entries if k.value == path[-1])
        return self._splice(key.start, key.end, self._scalar(name, key))

    def delete(self, path: Path) -> _Splice:
        parent = self.find(path[:-1])
        assert parent is not None
        node = parent.real
        if node.kind == "map":
            spans = [(k.start, v.last()) for k, v in node.entries]
            index = next(i for i, (k, _) in enumerate(node.entries) if k.value == path[-1])
        else:
            index = int(path[-1])
            spans = [(i.start if node.flow else self.text.rindex("-", 0, i.start), i.last()) for i in node.items]
        if len(spans) == 1:
            return self._replace(parent, {} if node.kind == "map" else [])
        return self._drop(spans, index, flow=node.flow)

    def _drop(self, spans: list[tuple[int, int]], index: int, *, flow: bool) -> _Splice:
        start, end = spans[index]
        more = index + 1 < len(spans)
        if flow:
            return self._splice(start, spans[index + 1][0], "") if more else self._splice(spans[index - 1][1], end, "")
        line = self.text.rfind("\n", 0, start) + 1
        if self.text[line:start].strip() and more:
            # The first key behind a list's dash: the next one takes its place.
            return self._splice(start, spans[index + 1][0], "")
        return self._splice(line, self._line_end(end) + 1, "")

    def _replace(self, node: Node, value: Any) -> _Splice:
        real, empty = node, node.start == node.end
        if real.kind == "scalar" and not isinstance(value, dict | list):
            return self._splice(real.start, real.end, (" " if empty else "") + self._scalar(value, real))
        start, end = real.start, real.last() if real.kind != "scalar" else real.end
        line = self.text.rfind("\n", 0, start) + 1
        while not empty and start and self.text[start - 1] in " \n":
            start -= 1
        if start < line and "#" in self.text[self.text.rfind("\n", 0, start) + 1 : start]:
            # A comment stands between the key and its value, and stays there.
            return self._splice(line, end, " " * (node.column + 2) + self._flow(value))
        return self._splice(start, end, " " + self._flow(value))

    def _add(self, node: Node, name: str, value: Any) -> _Splice:
        if node.flow:
            pair = f"{json.dumps(name) if self.json else _inline(name)}: {self._flow(value)}"
            at = node.entries[-1][1].last() if node.entries else node.start + 1
            return self._splice(at, at, (", " if node.entries else "") + pair)
        column = node.entries[0][0].column
        return self._after_line(node.last(), _indented(_block({name: value}, self._list_offset()), column), column)

    def _list_offset(self) -> int:
        """How far lists are indented below their key in this document: 0 or 2."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            for key, value in node.entries:
                if value.kind == "list" and not value.flow and value.items and key.line != value.line:
                    return 2 if value.column > key.column else 0
                waiting.append(value)
            waiting += node.items
        return 0

    def _after_line(self, at: int, block: str, column: int) -> _Splice:
        end = self._line_end(at)
        # Comments that stand deeper than the new line belong to what is before it.
        while comment := re.compile(r"\n( *)#[^\n]*").match(self.text, end):
            if len(comment[1]) <= column:
                break
            end = comment.end()
        return self._splice(end, end, "\n" + block)

    def _line_end(self, at: int) -> int:
        while at and self.text[at - 1] == "\n":
            at -= 1
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found

    def _splice(self, start: int, end: int, new: str) -> _Splice:
        return start, end, new

    def _flow(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False) if self.json else _inline(value)

    def _scalar(self, value: Any, old: Node) -> str:
        if self.json or (old.style == '"' and isinstance(value, str)):
            return json.dumps(value, ensure_ascii=False)
        if old.style == "'" and isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return _inline(value)


def _inline(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


class _Dumper(yaml.SafeDumper):
    offset = 0

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless and not self.offset)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the same value twice is written twice
        return True


class _Offset(_Dumper):
    offset = 2


def _block(value: Any, offset: int = 0) -> str:
    dumper = _Offset if offset else _Dumper
    text: str = yaml.dump(value, Dumper=dumper, default_flow_style=False, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _indented(block: str, column: int, *, first: int | None = None, lead: str = "") -> str:
    lines = block.split("\n")
    head = " " * (column if first is None else first) + lead + lines[0]
    return "\n".join([head, *(" " * column + line for line in lines[1:])])


def document(value: Any, *, offset: int = 0) -> str:
    """A new document's text, with a newline at its end."""
    return _block(value, offset) + "\n"
