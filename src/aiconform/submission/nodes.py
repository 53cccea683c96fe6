"""YAML as a tree with places, from untrusted bytes. Pure.

The tree is built from the parser's events and not by PyYAML's own composer: that one recurses in C, and a file that
nests deeply enough ends the whole process. Aliases share their node, so that a small file stays small; how large it
would be in full is counted.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
import yaml.parser

Kind = Literal["text", "number", "bool", "null", "time", "list", "map"]

DEEPEST = 100
# About where the gate's own reader gives up on aliases. Without aliases no file of the size that is read comes here.
MOST_VALUES = 600_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)")
_TIME = re.compile(
    r"\d{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12]\d|3[01])([Tt ]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)?)?"
)
_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), "bool"),
    **{sign + word: "number" for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "number"),
}
_TAGS: dict[str, Kind] = {"int": "number", "float": "number", "bool": "bool", "null": "null", "timestamp": "time"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file. Both count from 1, in characters."""

    line: int = 1
    column: int = 1


class NotYaml(Exception):
    """The bytes cannot be read as YAML. The message is one sentence without the place; `mark` is the place."""

    def __init__(self, message: str, mark: Mark) -> None:
        super().__init__(message)
        self.mark = mark


@dataclass(slots=True, eq=False)
class Node:
    """A value. `text` is a scalar's own text, `items` what a list holds, `pairs` what a map holds, in order.

    `weight` counts the values in it with every alias written out. `loops` is true of an alias to what contains it.
    """

    kind: Kind
    mark: Mark
    text: str = ""
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    weight: int = 1
    open: bool = False
    loops: bool = False


def load(data: bytes) -> Node | None:
    """The first document of a file; None if there is none. Raises NotYaml."""
    try:
        loader = _LOADER(data)
    except yaml.YAMLError as error:
        raise _refused(error) from None
    try:
        return _first_document(loader)
    except yaml.YAMLError as error:
        raise _refused(error) from None
    finally:
        loader.dispose()


def scalar_kind(text: str, *, plain: bool, tag: str | None) -> Kind:
    """What a scalar is to a reader of YAML 1.2: `yes` and `1:30` are text, 1.34 and 0x1f numbers, ~ is null."""
    if tag is not None and tag != "!":
        return _TAGS.get(tag.removeprefix("tag:yaml.org,2002:"), "text")
    if not plain:
        return "text"
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        if _NUMBER.fullmatch(text.replace("_", "")):
            return "number"
        if _TIME.fullmatch(text):
            return "time"
    return "text"


def _first_document(loader: Any) -> Node | None:
    # Stack of open collections; a map's own keys wait in `keys` for their values.
    stack: list[Node] = []
    keys: dict[int, Node] = {}
    anchors: dict[str, Node] = {}
    root: Node | None = None
    while True:
        event = loader.get_event()
        if isinstance(event, yaml.DocumentEndEvent):
            # The gate's reader has looked at the words behind this document when it ends it, but not at their sense.
            with suppress(yaml.parser.ParserError):
                loader.get_event()
            return root
        if isinstance(event, yaml.StreamEndEvent) or event is None:
            return root
        if isinstance(event, yaml.CollectionEndEvent):
            done = stack.pop()
            done.open = False
            node = done
            if not stack:
                continue
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, anchors)
            root = root or node
            if node.open:
                if len(stack) >= DEEPEST:
                    raise NotYaml(f"values are nested more than {DEEPEST} deep", node.mark)
                stack.append(node)
                continue
            if not stack:
                continue
        else:
            continue
        _add(stack[-1], node, keys)


def _node(event: Any, anchors: dict[str, Node]) -> Node:
    mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
    if isinstance(event, yaml.AliasEvent):
        known = anchors.get(event.anchor or "")
        if known is None:
            raise NotYaml(f"the alias *{event.anchor} has no anchor", mark)
        return Node("null", mark, loops=True) if known.open else known
    if isinstance(event, yaml.ScalarEvent):
        node = Node(scalar_kind(event.value, plain=event.implicit[0], tag=event.tag), mark, event.value)
    else:
        node = Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", mark, open=True)
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _add(parent: Node, node: Node, keys: dict[int, Node]) -> None:
    parent.weight = min(parent.weight + node.weight, 2 * MOST_VALUES)
    parent.loops = parent.loops or node.loops
    if parent.kind == "list":
        parent.items.append(node)
    elif id(parent) in keys:
        parent.pairs.append((keys.pop(id(parent)), node))
    else:
        keys[id(parent)] = node


def _refused(error: yaml.YAMLError) -> NotYaml:
    mark = getattr(error, "problem_mark", None)
    place = Mark(mark.line + 1, mark.column + 1) if mark else Mark()
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    return NotYaml(f"{what} ({context})" if context else str(what), place)
