"""What attempts hold or share, and why: two of them never run at one time if that could change what one of them sees.

================== ==================================================================================================
accelerators/NODE  held by whoever takes accelerators of a node: how many are free there, and who uses them, is what
                   these checks count on
room/NODE          the cpu of a node: held by whoever fills it, shared by whoever puts plain pods there
added nodes        held by whoever makes nodes come and go, shared by whoever makes pods, itself or through a
                   platform's controller, that are bound to no node: one on an added node would keep it from going,
                   and would not run on a simulated one
================== ==================================================================================================

Pods that wait on a node that is full do not disturb an autoscaler's test: those of this suite name their node, and no
new node can be that one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aiconform.model import Attempt, Node

ADDED_NODES = "added nodes"
_ACCELERATORS, _ROOM = "accelerators/", "room/"
Places = Iterable[Node | Mapping[str, Any]]
# Minutes for which things are held by what is planned already, by their names.
Load = Mapping[str, float]
NO_LOAD: Load = {}


def used(node: Node, load: Load) -> float:
    """Minutes for which the accelerators of a node are held."""
    return load.get(f"{_ACCELERATORS}{node.name}", 0.0)


def filled(node: Node, load: Load) -> float:
    """Minutes for which the cpu of a node is held."""
    return load.get(f"{_ROOM}{node.name}", 0.0)


def accelerators(places: Places) -> tuple[str, ...]:
    """The accelerators of these nodes."""
    return tuple(f"{_ACCELERATORS}{_name(p)}" for p in places)


def room(places: Places) -> tuple[str, ...]:
    """The room for plain pods on these nodes."""
    return tuple(f"{_ROOM}{_name(p)}" for p in places)


def anywhere(nodes: Places) -> tuple[str, ...]:
    """What pods share that are bound to no node: those that come, and the only one if there is only one."""
    only = list(nodes)
    return (ADDED_NODES, *(room(only) if len(only) == 1 else ()))


def _name(place: Node | Mapping[str, Any]) -> str:
    return place.name if isinstance(place, Node) else str(place["name"])


def load(attempts: Iterable[Attempt]) -> dict[str, float]:
    """For how many minutes these attempts hold each thing, by its name."""
    minutes: dict[str, float] = {}
    for a in attempts:
        for name in frozenset(a.holds) - frozenset(a.spare):
            minutes[name] = minutes.get(name, 0.0) + a.minutes
    return minutes


def competing(one: Attempt, other: Attempt) -> frozenset[str]:
    """What two attempts cannot use at one time; nothing if one of them cannot be tried anyway."""
    return at_start(one, other) | at_choice(one, other) | at_turn(one, other)


def at_start(one: Attempt, other: Attempt) -> frozenset[str]:
    """What keeps the first attempt from beginning while the second one holds or shares it."""
    if one.unable or other.unable:
        return frozenset()
    theirs = frozenset(other.holds)
    # Until it takes what it needs late, it must not be changed by another one that does the same.
    mine = frozenset(one.holds) - frozenset(one.spare) - (frozenset(one.late) - frozenset(other.late))
    return mine & (theirs | frozenset(other.shares)) | theirs & frozenset(one.shares)


def at_choice(one: Attempt, other: Attempt) -> frozenset[str]:
    """What it may not choose while the second one holds or shares it."""
    if one.unable or other.unable:
        return frozenset()
    return frozenset(one.spare) & frozenset((*other.holds, *other.shares))


def at_turn(one: Attempt, other: Attempt) -> frozenset[str]:
    """What keeps it from going on in its middle."""
    if one.unable or other.unable:
        return frozenset()
    return frozenset(one.late) & frozenset((*other.holds, *other.shares))
