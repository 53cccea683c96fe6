"""Edits in the text: what they leave alone, and that text and data never part, for any document and any edit."""

import copy
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from aiconform.porting import textedit, yamltree
from aiconform.porting.errors import PortError
from aiconform.porting.textedit import Op, apply

KEYS = st.sampled_from(["a", "b", "limits", "resources", "nvidia.com/gpu", "yes", "1", "nodeSelector", "ü"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-99, 10**9),
    st.sampled_from(["", "x", "yes", "1", "# no", "a: b", "é", "l\nl\n"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [p for k, v in inner for p in ((*path, k), *paths(v, (*path, k)))]


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Op]]:
    """A document in some style, and changes of places that it has."""
    data = draw(DOCUMENTS)
    flow = draw(st.sampled_from([True, False, None]))
    text = yaml.safe_dump(
        data, default_flow_style=flow, sort_keys=False, allow_unicode=True, indent=draw(st.integers(2, 4))
    )
    text = draw(st.sampled_from(["", "---\n", "# a comment\n"])) + text
    if draw(st.booleans()):
        text = text.replace("\n", "  # why\n") if flow is False and "|" not in text and "'" not in text else text
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    path = draw(st.sampled_from(paths(data)))
    kind = draw(st.sampled_from(["set", "delete", "append", "new", "rename"]))
    value = draw(VALUES)
    return text, [_op(data, kind, path, value)]


def _op(data: Any, kind: str, path: tuple[Any, ...], value: Any) -> Op:
    here: Any = data
    for name in path:
        here = here[name]
    if kind == "append" and isinstance(here, list):
        return Op(action="append", path=path, value=value)
    if kind == "delete":
        return Op(action="delete", path=path)
    if kind == "rename" and isinstance(path[-1], str):
        return Op(action="rename", path=path, value="renamed")
    if isinstance(here, dict):
        return Op(action="set", path=(*path, "new", "newer"), value=value)
    return Op(action="set", path=path, value=value)


def data_of(text: str) -> Any:
    root = yamltree.parse(text, "t")[0].root
    return yamltree.plain(root, "t") if root else None


@QUICK
@given(edited())
@example(("a:\n- b: 1\n  c: 2\n- d\n", [Op(action="delete", path=("a", 0, "b"))]))
@example(("a: |\n  text\n\n# end\n", [Op(action="set", path=("b",), value=[1])]))
def test_the_text_says_what_was_meant_and_the_rest_stays(made: tuple[str, list[Op]]) -> None:
    text, ops = made
    before = data_of(text)
    assume(isinstance(before, dict))
    wanted = copy.deepcopy(before)
    for op in ops:
        textedit._on_data(wanted, textedit._effective(wanted, op))
    try:
        after = apply(text, ops, "t")
    except PortError:
        # Refused is right too, as long as plain block text is not.
        assert "{" in text or "[" in text or "|" in text or "\\" in text or "'" in text or '"' in text, text
        return
    assert data_of(after) == wanted
    assert "\n" not in (after.replace("\r\n", "") if "\r\n" in text else ""), "two kinds of line ends"
    assert "\r\n" not in after or "\r\n" in text
    # A second time changes nothing more.
    if ops[0].action in ("set", "append"):
        assert apply(after, ops, "t") == after


@QUICK
@given(st.dictionaries(KEYS, VALUES, min_size=1), st.sampled_from([True, False, None]))
def test_documents_are_read_as_another_parser_reads_them(data: dict[str, Any], flow: bool | None) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)
    assert data_of(text) == data


@QUICK
@given(st.text(alphabet="ab:-[]{}&*,|>'\"#\n \t!%?<1.~é", max_size=60))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    try:
        for tree in yamltree.parse(text, "t"):
            if tree.root is not None:
                yamltree.plain(tree.root, "t")
    except PortError as error:
        assert str(error).startswith("t") and "\n" not in str(error)


def test_mixed_ends_of_lines_stay_as_they_are() -> None:
    text = "a: 1\r\nb: 2\nc:\r\n- x\r\n"
    assert apply(text, [Op(action="set", path=("b",), value=3)], "t") == "a: 1\r\nb: 3\nc:\r\n- x\r\n"


def test_items_of_a_long_list_are_edited_in_few_rounds() -> None:
    items = "".join(f"- kind: Pod\n  spec:\n    a: {n}\n    b: x\n" for n in range(300))
    ops = [Op(action="delete", path=("items", n, "spec", "b")) for n in range(300)]
    ops += [Op(action="set", path=("items", n, "spec", "a"), value=0) for n in range(300)]
    after = apply("items:\n" + items, ops, "t")
    assert data_of(after)["items"] == [{"kind": "Pod", "spec": {"a": 0}}] * 300


def test_an_anchor_that_others_use_is_not_edited_under_their_feet() -> None:
    text = "base: &b {limits: {x: 1, y: 2}}\none: *b\ntwo: *b\n"
    try:
        after = apply(text, [Op(action="delete", path=("one", "limits", "x"))], "t")
    except PortError as error:
        assert "anchor" in str(error)
    else:
        assert data_of(after)["two"] == {"limits": {"x": 1, "y": 2}}
