"""Schedules: what competes waits, what does not runs at once, whatever the attempts are and however long they take."""

import asyncio
from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiconform.engine.schedule import chains, in_order, schedule
from aiconform.engine.turns import Turns
from aiconform.model import Attempt, Slot
from aiconform.planning import claims

# A busy machine is no reason to fail.
calmly = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
THINGS = ("accelerators/a", "accelerators/b", "room/a", "room/b", claims.ADDED_NODES)


def attempt(
    name: str,
    minutes: float,
    *holds: str,
    shares: tuple[str, ...] = (),
    late: tuple[str, ...] = (),
    spare: tuple[str, ...] = (),
    unable: tuple[str, str] | None = None,
) -> Attempt:
    return Attempt(
        id=f"c.{name}",
        check="c",
        via=name,
        level="MUST",
        holds=holds,
        shares=shares,
        late=late,
        spare=spare,
        settings={},
        facts={},
        minutes=minutes,
        disruption="creates",
        unable=unable,
    )


@st.composite
def attempts(draw: st.DrawFn) -> list[Attempt]:
    things = st.lists(st.sampled_from(THINGS), max_size=3, unique=True).map(tuple)
    made = []
    for n in range(draw(st.integers(0, 12))):
        minutes, holds = draw(st.sampled_from((0.5, 1.0, 2.5, 45.0))), draw(things)
        late = tuple(h for h in holds if draw(st.booleans()))
        spare = tuple(h for h in holds if h not in late and draw(st.booleans()))
        unable = ("no-node", "none") if draw(st.integers(0, 9)) == 0 else None
        made.append(attempt(str(n), minutes, *holds, shares=draw(things), late=late, spare=spare, unable=unable))
    return made


def by_name(slots: Iterable[Slot]) -> dict[str, Slot]:
    return {s.attempt: s for s in slots}


def test_attempts_that_hold_the_same_run_one_after_the_other_the_longest_first() -> None:
    made = [attempt("short", 2, "room/a"), attempt("long", 9, "room/a"), attempt("other", 3, "room/b")]
    slots = by_name(schedule(in_order(made)))
    assert slots["c.long"].minutes == 0 and slots["c.other"].minutes == 0
    assert slots["c.short"].minutes == 9 and slots["c.short"].after == ("c.long",)
    assert slots["c.long"].beside == ("c.other",)
    assert slots["c.short"].why == "after c.long: room/a"
    assert chains(made, slots.values()) == {"room/a": ("c.long", "c.short"), "room/b": ("c.other",)}


def test_who_shares_runs_beside_others_that_share_but_not_beside_one_that_holds() -> None:
    one, two = attempt("one", 3, shares=("room/a",)), attempt("two", 2, shares=("room/a",))
    filler = attempt("filler", 1, "room/a")
    assert not claims.competing(one, two)
    assert claims.competing(one, filler) == claims.competing(filler, one) == {"room/a"}
    slots = by_name(schedule(in_order([filler, two, one])))
    assert slots["c.two"].after == () and set(slots["c.filler"].after) == {"c.one", "c.two"}


def test_what_cannot_be_tried_keeps_nobody_waiting() -> None:
    no = attempt("no", 0, "room/a", unable=("no-accelerator", "none"))
    assert not claims.competing(no, attempt("x", 1, "room/a"))


def test_what_adds_nodes_comes_last_on_its_nodes_and_beside_what_is_elsewhere() -> None:
    scaling = attempt("scaling", 45, claims.ADDED_NODES, "accelerators/a")
    mine, elsewhere = attempt("mine", 2, "accelerators/a"), attempt("elsewhere", 60, "accelerators/b")
    slots = by_name(schedule(in_order([scaling, mine, elsewhere])))
    assert slots["c.scaling"].after == ("c.mine",) and "c.elsewhere" in slots["c.scaling"].beside


@calmly
@given(attempts())
def test_no_two_that_compete_overlap_and_every_attempt_runs_once(made: list[Attempt]) -> None:
    ordered = in_order(made)
    slots = schedule(ordered)
    assert sorted(s.attempt for s in slots) == sorted(a.id for a in made)
    place = {a.id: i for i, a in enumerate(ordered)}
    minutes, named = {a.id: a.minutes for a in made}, by_name(slots)
    for one in made:
        assert one.id not in named[one.id].beside
        assert all(place[earlier] < place[one.id] for earlier in (*named[one.id].after, *named[one.id].turn))
        for other in made:
            if one.id < other.id and claims.competing(one, other):
                a, b = named[one.id], named[other.id]
                if one.spare or other.spare:
                    continue
                assert (a.attempt in (*b.after, *b.turn)) != (b.attempt in (*a.after, *a.turn))
                if one.late or other.late:
                    continue
                assert a.minutes >= b.minutes + minutes[b.attempt] or b.minutes >= a.minutes + minutes[a.attempt]


@calmly
@given(attempts(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_attempts_were_found(made: list[Attempt], chance: st.DataObject) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert schedule(in_order(shuffled)) == schedule(in_order(made))


@calmly
@given(attempts(), st.randoms(use_true_random=False))
def test_nobody_uses_what_another_holds_however_long_each_takes(made: list[Attempt], chance: st.DataObject) -> None:
    """Takes turns as `observe_all` does, with other durations than were planned. Nobody waits for ever."""
    held: dict[str, set[str]] = {}
    ran: list[str] = []
    turns = Turns(ordered := in_order(made))

    async def work() -> None:
        for _ in range(chance.randint(0, 5)):  # type: ignore[attr-defined]
            await asyncio.sleep(0)

    def takes(a: Attempt, names: Iterable[str]) -> None:
        for name in () if a.unable else names:
            others = [o for o in made if o.id != a.id and name in held.get(o.id, ())]
            assert not [o.id for o in others if name in (*o.holds,) or name in a.holds]
            held.setdefault(a.id, set()).add(name)

    async def one(a: Attempt) -> None:
        turn = turns.of(a)
        await turn.begin()
        offered = {name for name in a.spare if turn.has(name)}
        takes(a, ({*a.holds, *a.shares} - {*a.late, *a.spare}) | offered)
        await work()
        held.get(a.id, set()).difference_update(set(a.spare) - set(a.shares))
        turn.free(set(a.spare) - set(a.shares))
        await work()
        await turn.come()
        takes(a, a.late)
        await work()
        held.pop(a.id, None)
        turn.free()
        ran.append(a.id)

    async def run_all() -> None:
        await asyncio.wait_for(asyncio.gather(*(one(a) for a in ordered)), 30)

    asyncio.run(run_all())
    assert sorted(ran) == sorted(a.id for a in made)


def test_what_is_needed_late_is_waited_for_in_the_middle() -> None:
    scaling = attempt("scaling", 45, claims.ADDED_NODES, "accelerators/a", late=(claims.ADDED_NODES, "accelerators/a"))
    mine, guest = attempt("mine", 2, "accelerators/a"), attempt("guest", 3, shares=(claims.ADDED_NODES,))
    slot = by_name(schedule(in_order([scaling, mine, guest])))["c.scaling"]
    assert (slot.after, set(slot.turn), slot.minutes) == ((), {"c.mine", "c.guest"}, 0)
    assert slot.why == "at once; takes more only after c.guest: added nodes; after c.mine: accelerators/a"


def test_what_others_use_is_not_on_offer_and_nobody_waits_for_it() -> None:
    held = attempt("held", 9, "accelerators/a", "accelerators/c", spare=("accelerators/c",))
    picky = attempt(
        "picky", 5, "accelerators/b", "accelerators/a", "accelerators/c", spare=("accelerators/a", "accelerators/c")
    )
    ordered = in_order([held, picky])
    assert by_name(schedule(ordered))["c.picky"].after == ()
    turns = Turns(ordered)
    first, second = (turns.of(a) for a in ordered)
    assert first.has("accelerators/c") and not second.has("accelerators/a") and not second.has("accelerators/c")
    first.free(["accelerators/c"])
    assert second.has("accelerators/c") and not second.has("accelerators/a")


def test_two_that_need_the_same_late_run_one_after_the_other() -> None:
    one, two = (attempt(n, 45, claims.ADDED_NODES, late=(claims.ADDED_NODES,)) for n in "ab")
    slots = by_name(schedule(in_order([one, two])))
    assert (slots["c.a"].minutes, slots["c.b"].minutes, slots["c.b"].after) == (0, 45, ("c.a",))


def test_who_chooses_among_nodes_comes_first_and_they_are_soon_free() -> None:
    gang = attempt("gang", 0.5, "accelerators/a", "accelerators/b", spare=("accelerators/b",))
    slots = by_name(schedule(in_order([gang, attempt("x", 1, "accelerators/a"), attempt("y", 1, "accelerators/b")])))
    assert (slots["c.x"].minutes, slots["c.y"].minutes) == (0.5, 0) and slots["c.y"].after == ("c.gang",)
    assert slots["c.y"].why == "after c.gang has chosen: accelerators/b"
