"""Windows, pods and verdicts on hand-made histories."""

from typing import Any

import pytest
from histories import History

from aiconform.judging import all_at_once, failed, most_at_once, passed, pods, unable, unknown, verdict, window
from aiconform.model import Check, Clause, Finding, Outcome, Recording, Suite

SUITE = Suite(version="0")


def test_a_window_needs_both_ends_and_an_unbroken_watch() -> None:
    sound = History().watch().open().close().recording()
    assert window(sound, "s").whole and window(sound, "s").watched("pods/ns")
    assert not window(History().watch().open().recording(), "s").watched("pods/ns")
    assert not window(History().open().close().recording(), "s").watched("pods/ns")
    assert not window(sound, "s").watched("pods/other")
    assert not window(sound, "another").whole


@pytest.mark.parametrize("kind", ["watch.gap", "watch.end"])
def test_a_broken_watch_inside_the_window_spoils_it(kind: str) -> None:
    rec = History().watch().open().add(kind, "pods/ns", {"why": "410"}).close().recording()
    assert not window(rec, "s").watched("pods/ns")


def test_a_gap_before_the_window_does_not_matter_but_an_end_does() -> None:
    gap = History().watch().add("watch.gap", "pods/ns", {}).open().close().recording()
    end = History().watch().add("watch.end", "pods/ns", {}).open().close().recording()
    again = History().watch().add("watch.end", "pods/ns", {}).watch().open().close().recording()
    assert window(gap, "s").watched("pods/ns")
    assert not window(end, "s").watched("pods/ns")
    assert window(again, "s").watched("pods/ns")


def test_a_watch_that_begins_inside_the_window_is_too_late() -> None:
    assert not window(History().open().watch().close().recording(), "s").watched("pods/ns")


def test_start_evict_start_is_counted_at_its_highest() -> None:
    h = History()
    for round_ in ("a", "b"):
        for n in range(4):
            h.pod(f"{round_}{n}", "ADDED").pod(f"{round_}{n}", node="x")
        for n in range(4):
            h.pod(f"{round_}{n}", "DELETED", node="x")
    assert most_at_once(pods(h.recording()))[0] == 4


def test_pods_that_follow_each_other_do_not_run_at_once() -> None:
    h = History()
    for name in ("a", "b"):
        h.pod(name, "ADDED").pod(name, node="x", phase="Running", state="running")
        h.pod(name, node="x", phase="Succeeded", state="terminated")
    members = pods(h.recording(), role="member")
    assert most_at_once(members, "running")[0] == 1
    assert not all_at_once(members)
    assert not all_at_once(())


def test_a_fast_pod_that_was_only_seen_terminated_counts_as_started() -> None:
    h = History().pod("a", "ADDED").pod("a", node="x", phase="Succeeded", state="terminated")
    (pod,) = pods(h.recording())
    assert pod.started and pod.running is None and pod.succeeded


CHECK = Check(
    requirement="c",
    title="t",
    clauses=(Clause(id="one", sentence="One.", remedy="mend one"), Clause(id="two", sentence="Two.", optional=True)),
    over="some mechanism",
    permissions=(),
    disruption="creates",
    deadlines={},
    minutes=1,
)


def judge(
    rec: Recording, one: Any = lambda _: passed("ok"), two: Any = lambda _: passed("ok")
) -> tuple[Outcome, Finding]:
    made = verdict(CHECK, rec, {"one": one, "two": two}, judged_by=SUITE)
    return made.outcome, made.findings[0]


def test_a_judge_that_crashes_gives_unknown() -> None:
    outcome, finding = judge(History().recording(), one=lambda _: [][0])
    assert outcome is Outcome.UNKNOWN and finding.code == "judge-crashed" and "IndexError" in finding.because


def test_a_fail_carries_its_remedy_and_a_pass_does_not() -> None:
    assert judge(History().recording(), one=lambda _: failed("no"))[1].remedy == "mend one"
    assert judge(History().recording())[1].remedy == ""


def test_what_the_mechanism_advises_is_added_to_the_clause_that_failed_only() -> None:
    def advised(said: Finding) -> tuple[str, ...]:
        judges = {"one": lambda _: said, "two": lambda _: said}
        more = {"one": "turn it on", "two": "turn the other on"}
        made = verdict(CHECK, History().recording(), judges, judged_by=SUITE, remedies=more)
        return tuple(f.remedy for f in made.findings)

    assert advised(failed("no")) == ("mend one turn it on", "turn the other on")
    assert advised(passed("yes")) == advised(unknown("who knows", code="c")) == ("", "")


@pytest.mark.parametrize("how", [None, "interrupted", "failed"])
def test_an_unfinished_recording_never_passes_but_can_fail(how: str | None) -> None:
    rec = History().recording(how)
    assert judge(rec)[0] is Outcome.UNKNOWN
    assert judge(rec, one=lambda _: failed("seen"))[0] is Outcome.FAIL


def test_a_damaged_recording_never_passes() -> None:
    assert judge(History().recording(damage=("line 3 is no JSON",)))[0] is Outcome.UNKNOWN


def test_what_the_plan_could_not_do_is_the_reason_for_every_unknown() -> None:
    rec = History().add("unable", "plan", {"code": "no-accelerator", "because": "none"}, "plan").recording()
    outcome, finding = judge(rec, one=lambda _: unknown("nothing seen", code="deadline"))
    assert outcome is Outcome.UNKNOWN and finding.code == "no-accelerator"
    found = unable(rec, "plan")
    assert found is not None and found.cites == (1,)


def test_clauses_and_judges_must_agree() -> None:
    with pytest.raises(ValueError, match="differ"):
        verdict(CHECK, History().recording(), {"one": lambda _: passed("")}, judged_by=SUITE)
