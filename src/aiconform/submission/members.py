"""The CNCF's members, from the landscape's file. Pure.

Source: "CNCF Members" in landscape.yml of cncf/landscape, as the gate reads it.
"""

from aiconform.submission.nodes import Node, NotYaml, load

URL = "https://raw.githubusercontent.com/cncf/landscape/master/landscape.yml"
LARGEST = 32 << 20
_CATEGORY = "CNCF Members"
_ENDINGS = (" (member)", " (supporter)")


class NoMembers(Exception):
    """The text is no landscape. The message is one sentence."""


def members(data: bytes) -> frozenset[str]:
    """Names of members, without what the landscape appends. Raises NoMembers."""
    try:
        root = load(data)
    except NotYaml as error:
        raise NoMembers(f"it is no YAML: {error} in line {error.mark.line}") from None
    for category in _list(_get(root, "landscape")):
        if _text(category, "name") == _CATEGORY:
            items = [i for sub in _list(_get(category, "subcategories")) for i in _list(_get(sub, "items"))]
            return frozenset(name for i in items if (name := _bare(_text(i, "name"))))
    raise NoMembers(f"it has no category {_CATEGORY!r}")


def _bare(name: str) -> str:
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name.strip()


def _get(node: Node | None, key: str) -> Node | None:
    return next((v for k, v in (node.pairs if node else ()) if k.text == key), None)


def _list(node: Node | None) -> list[Node]:
    return node.items if node else []


def _text(node: Node | None, key: str) -> str:
    found = _get(node, key)
    return found.text if found else ""
