"""Schedules: what competes waits, what does not runs at once."""

from aiconform.engine.plan import compete, in_order, schedule
from aiconform.model import Attempt


def attempt(name: str, minutes: float, *holds: str, unable: tuple[str, str] | None = None) -> Attempt:
    return Attempt(
        id=f"c.{name}",
        check="c",
        via=name,
        level="MUST",
        holds=holds,
        settings={},
        facts={},
        minutes=minutes,
        disruption="creates",
        unable=unable,
    )


def test_attempts_on_one_node_run_one_after_the_other_the_longest_first() -> None:
    slots = schedule(
        in_order([attempt("short", 2, "node/a"), attempt("long", 9, "node/a"), attempt("other", 3, "node/b")])
    )
    by_name = {s.attempt: s for s in slots}
    assert by_name["c.long"].minutes == 0 and by_name["c.other"].minutes == 0
    assert by_name["c.short"].minutes == 9 and by_name["c.short"].after == ("c.long",)
    assert by_name["c.long"].beside == ("c.other",)
    assert "node/a" in by_name["c.short"].why


def test_the_whole_cluster_competes_with_everything_but_what_cannot_be_tried() -> None:
    alone = attempt("alone", 5, "*")
    assert compete(alone, attempt("x", 1, "node/a")) and compete(alone, attempt("y", 1))
    assert not compete(alone, attempt("z", 1, unable=("no-accelerator", "none")))


def test_no_two_rivals_overlap_in_any_schedule() -> None:
    attempts = [attempt(f"a{i}", 1 + i % 4, f"node/{i % 3}", f"node/{i % 2}") for i in range(12)]
    slots = {s.attempt: s for s in schedule(in_order(attempts))}
    minutes = {a.id: a.minutes for a in attempts}
    for one in attempts:
        for other in attempts:
            if one.id < other.id and set(one.holds) & set(other.holds):
                a, b = slots[one.id], slots[other.id]
                assert a.minutes >= b.minutes + minutes[b.attempt] or b.minutes >= a.minutes + minutes[a.attempt]
