"""Schedules: what competes waits, what does not runs at once, whatever the attempts are and however long they take."""

import asyncio
from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiconform.engine.schedule import chains, in_order, schedule
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
    unable: tuple[str, str] | None = None,
) -> Attempt:
    return Attempt(
        id=f"c.{name}",
        check="c",
        via=name,
        level="MUST",
        holds=holds,
        shares=shares,
        settings={},
        facts={},
        minutes=minutes,
        disruption="creates",
        unable=unable,
    )


@st.composite
def attempts(draw: st.DrawFn) -> list[Attempt]:
    things = st.lists(st.sampled_from(THINGS), max_size=3, unique=True).map(tuple)
    return [
        attempt(
            str(n),
            draw(st.sampled_from((0.5, 1.0, 2.5, 45.0))),
            *draw(things),
            shares=draw(things),
            unable=("no-node", "none") if draw(st.integers(0, 9)) == 0 else None,
        )
        for n in range(draw(st.integers(0, 12)))
    ]


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
        assert all(place[earlier] < place[one.id] for earlier in named[one.id].after)
        for other in made:
            if one.id < other.id and claims.competing(one, other):
                a, b = named[one.id], named[other.id]
                assert (a.attempt in b.after) != (b.attempt in a.after)
                assert a.minutes >= b.minutes + minutes[b.attempt] or b.minutes >= a.minutes + minutes[a.attempt]


@calmly
@given(attempts(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_attempts_were_found(made: list[Attempt], chance: st.DataObject) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert schedule(in_order(shuffled)) == schedule(in_order(made))


@calmly
@given(attempts(), st.randoms(use_true_random=False))
def test_competitors_stay_apart_however_long_each_takes(made: list[Attempt], chance: st.DataObject) -> None:
    """Runs the slots as `observe_all` does, with other durations than were planned."""
    ordered = in_order(made)
    running: set[str] = set()
    ran: list[str] = []
    known = {a.id: a for a in made}

    async def run_all() -> None:
        done = {a.id: asyncio.Event() for a in made}

        async def one(slot: Slot) -> None:
            for earlier in slot.after:
                await done[earlier].wait()
            assert not any(claims.competing(known[slot.attempt], known[other]) for other in running)
            running.add(slot.attempt)
            for _ in range(chance.randint(0, 5)):  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            running.discard(slot.attempt)
            ran.append(slot.attempt)
            done[slot.attempt].set()

        await asyncio.gather(*(one(s) for s in schedule(ordered)))

    asyncio.run(run_all())
    assert sorted(ran) == sorted(known)
