"""PRODUCT.yaml, read as it is: typed, with places, and tolerant of whatever was published. Pure.

What the programme's own reader would refuse is kept as a `Break`, and everything that can be understood beside it is
still read. Source of what breaks: the types and the YAML reader (YAML 1.2, no key twice) of the gate,
scripts/validate.go of cncf/k8s-ai-conformance.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiconform.submission.nodes import MOST_VALUES, Kind, Mark, Node, NotYaml, load

FIELDS = ("id", "description", "level", "status", "notes")


@dataclass(frozen=True, slots=True)
class Value:
    """A value and its place. `text` is a scalar's text as written, without quotes; "" for null, a list or a map."""

    text: str
    kind: Kind
    mark: Mark


@dataclass(frozen=True, slots=True)
class Break:
    """Why the gate cannot load the file at all. `message` is one sentence, `remedy` how to mend it."""

    message: str
    remedy: str
    mark: Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmittedRow:
    """One requirement, as submitted. A field that is absent or null is "".

    `evidence` holds every text, whatever its form was; `form` says which it was ("absent" covers null, too).
    `given` says which fields the row has.
    """

    id: str
    section: str
    description: str
    level: str
    status: str
    notes: str
    evidence: tuple[Value, ...]
    form: Literal["list", "scalar", "map", "absent"]
    mark: Mark
    given: Mapping[str, Value]

    def at(self, name: str) -> Mark:
        """Where a field's value is; the row's own place if it has none."""
        found = self.given.get(name)
        return found.mark if found else self.mark


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A PRODUCT.yaml. `version` ("v1.37") and `product` (a folder's name) come from its path; "" if unknown.

    `metadata` is by the names as written, camelCase or snake_case; see `field`. `rows` are in the file's order.
    `sections` maps each section of spec to its place. `metadata` or `sections` is None if the file has none.
    `outside` are other names at the top level.
    """

    version: str
    product: str
    metadata: Mapping[str, Value] | None = None
    sections: Mapping[str, Mark] | None = None
    rows: tuple[SubmittedRow, ...] = ()
    breaks: tuple[Break, ...] = ()
    outside: Mapping[str, Mark] = field(default_factory=dict)
    metadata_mark: Mark = field(default_factory=Mark)
    spec_mark: Mark = field(default_factory=Mark)

    def field(self, name: str) -> Value | None:
        """A metadata value by its camelCase name: that spelling first, then snake_case. None if absent or null.

        A camelCase name with nothing behind it hides the snake_case one, as it does for the gate.
        """
        held = self.metadata or {}
        found = held.get(name) or held.get(snake(name))
        return None if found is None or found.kind == "null" else found

    def text(self, name: str) -> str:
        """A metadata value as text; "" if absent."""
        found = self.field(name)
        return found.text if found else ""

    def row(self, requirement: str, section: str | None = None) -> SubmittedRow | None:
        """The row of a requirement, in one section or in any. Of two with one id the last counts."""
        found = (r for r in reversed(self.rows) if r.id == requirement and section in (None, r.section))
        return next(found, None)


def snake(name: str) -> str:
    """k8sConformanceUrl -> k8s_conformance_url."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def parse(data: bytes, *, version: str = "", product: str = "") -> Submission:
    """Any bytes as a Submission; never raises. What is wrong with them is in `breaks`."""
    try:
        root = load(data)
    except NotYaml as error:
        why = Break(f"the file is no YAML: {error}", "mend the line; an editor with YAML support shows it", error.mark)
        return Submission(version=version, product=product, breaks=(why,))
    reader = _Reader()
    return reader.submission(root, version, product)


class _Reader:
    """Reads one tree and collects what the gate would not load."""

    def __init__(self) -> None:
        self.breaks: list[Break] = []

    def submission(self, root: Node | None, version: str, product: str) -> Submission:
        parts: dict[str, Node] = {}
        if root is not None and root.kind == "map":
            parts = {k.text: v for k, v in self._items(root, only=("metadata", "spec"))}
        elif root is not None and root.kind != "null":
            self._break(root, "the file holds no metadata and no spec", "begin with the official checklist file")
        head, spec = parts.get("metadata"), parts.get("spec")
        head, spec = self._sound(head), self._sound(spec)
        metadata = self._metadata(head)
        rows, sections = self._spec(spec)
        return Submission(
            version=version,
            product=product,
            metadata=metadata,
            sections=sections,
            rows=rows,
            breaks=tuple(self.breaks),
            outside={k.text: k.mark for k, _ in (root.pairs if root else ()) if k.text not in ("metadata", "spec")},
            metadata_mark=head.mark if head else Mark(),
            spec_mark=spec.mark if spec else Mark(),
        )

    def _sound(self, part: Node | None) -> Node | None:
        """The part, unless reading it would take for ever."""
        if part is not None and part.loops:
            self._break(part, "an alias points at what contains it", "write the value out")
        if part is not None and part.weight > MOST_VALUES:
            self._break(part, f"with its aliases written out it has over {MOST_VALUES} values", "remove the aliases")
            return None
        return part

    def _metadata(self, node: Node | None) -> dict[str, Value] | None:
        if node is None or node.kind == "null":
            return None
        if node.kind != "map":
            self._break(node, "metadata is no map", "write names and values below it, such as `vendorName: Example`")
            return {}
        return {k.text: _value(v) for k, v in self._items(node)}

    def _spec(self, node: Node | None) -> tuple[tuple[SubmittedRow, ...], dict[str, Mark] | None]:
        if node is None or node.kind == "null":
            return (), None
        if node.kind != "map":
            self._break(node, "spec is no map of sections", "take the sections from the official checklist file")
            return (), {}
        rows: list[SubmittedRow] = []
        sections: dict[str, Mark] = {}
        for key, section in self._items(node):
            sections[key.text] = key.mark
            if section.kind not in ("list", "null"):
                self._break(section, f"section {key.text} is no list of rows", "begin each row with `- id: ...`")
            rows += [r for r in (self._row(key.text, item) for item in section.items) if r]
        return tuple(rows), sections

    def _row(self, section: str, node: Node) -> SubmittedRow | None:
        if node.kind == "null":
            return None
        if node.kind != "map":
            self._break(node, f"a row of {section} is no map", "begin each row with `- id: ...`")
            return None
        held = {k.text: v for k, v in self._items(node, only=(*FIELDS, "evidence"))}
        texts = {}
        for name in FIELDS:
            value = held.get(name)
            if value is not None and value.kind in ("list", "map"):
                self._break(value, f"{name} is a {value.kind} and no text", f"write {name} as one text in quotes")
            texts[name] = value.text if value is not None and value.kind != "null" else ""
        evidence, form = self._evidence(held.get("evidence"), texts["id"])
        given = {k: _value(v) for k, v in held.items()}
        return SubmittedRow(section=section, evidence=evidence, form=form, mark=node.mark, given=given, **texts)

    def _evidence(
        self, node: Node | None, row: str
    ) -> tuple[tuple[Value, ...], Literal["list", "scalar", "map", "absent"]]:
        if node is None or node.kind == "null":
            return (), "absent"
        as_list = 'write a list: `evidence: ["..."]`, or [] for none'
        if node.kind == "map":
            self._break(node, f"evidence of {row or 'a row'} is a map and no list", as_list)
            return tuple(_value(v) for _, v in node.pairs if v.text), "map"
        if node.kind != "list":
            self._break(node, f"evidence of {row or 'a row'} is a single text and no list", as_list)
            return ((_value(node),) if node.text else ()), "scalar"
        for item in node.items:
            if item.kind in ("list", "map"):
                self._break(item, f"evidence of {row or 'a row'} holds a {item.kind}", "put each link in quotes")
        return tuple(_value(v) for v in node.items if v.kind not in ("list", "map", "null")), "list"

    def _items(self, node: Node, only: tuple[str, ...] = ()) -> Iterator[tuple[Node, Node]]:
        """Keys and values, own ones before merged ones (`<<`). A key twice is a break; of two the last is given."""
        found: dict[str, tuple[Node, Node]] = {}
        todo, seen = [node], {id(node)}
        while todo:
            own: dict[str, tuple[Node, Node]] = {}
            for key, value in todo.pop(0).pairs:
                if key.kind in ("list", "map"):
                    self._break(key, "a key is no text", "write the key as one word")
                elif key.text == "<<":
                    # Merging a map again adds nothing, and could go on for ever.
                    parts = [p for p in (value.items or [value]) if id(p) not in seen]
                    seen |= {id(p) for p in parts}
                    todo += parts
                elif key.kind != "null" and (not only or key.text in only):
                    if key.text in own:
                        self._break(key, f"{key.text} is there twice", "remove one of them")
                    own[key.text] = (key, value)
            found |= {name: pair for name, pair in own.items() if name not in found}
        yield from found.values()

    def _break(self, node: Node, message: str, remedy: str) -> None:
        self.breaks.append(Break(message, remedy, node.mark))


def _value(node: Node) -> Value:
    return Value(node.text if node.kind != "null" else "", node.kind, node.mark)
