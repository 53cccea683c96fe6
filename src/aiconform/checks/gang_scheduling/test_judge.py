"""Hand-made histories at the edges. Real ones lie in recordings/."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconform.checks.gang_scheduling.check import CHECK
from aiconform.checks.gang_scheduling.judge import judge
from aiconform.model import FORMAT, Ending, Finding, Observation, Options, Outcome, Recording, Suite, Verdict

PASS, FAIL, UNKNOWN, NA = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
NS, N = "ns", 4
SUITE = Suite(version="test")


class History:
    """Writes a recording line by line, as `observe` would, with a clock of its own."""

    def __init__(self) -> None:
        self.lines: list[Observation] = []
        self.t = 0.0
        self.made = 0
        self.pods: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {"mechanism": "native", "atomicity": "placement", "policy_apis": []}

    def add(self, kind: str, subject: str, body: Any = None, step: str = "", seconds: float = 0.01) -> None:
        self.t += seconds
        self.lines.append(
            Observation(seq=len(self.lines) + 1, t=self.t, at="", step=step, kind=kind, subject=subject, body=body)
        )

    def fact(self, name: str, body: Any, step: str = "") -> None:
        self.add("fact", name, body, step)

    def _event(self, name: str, what: str, seconds: float = 0.01) -> None:
        pod = self.pods[name]
        body = {"type": what, "object": {k: dict(v) for k, v in pod.items()}}
        self.add("watch", f"pods/{NS}/{name}", body, seconds=seconds)

    def create(self, name: str, step: str, role: str) -> None:
        self.made += 1
        labels = {"aiconform.dev/step": step, "aiconform.dev/role": role}
        meta = {"name": name, "namespace": NS, "uid": f"uid-{self.made}", "labels": labels}
        self.pods[name] = {"metadata": meta, "spec": {}, "status": {"phase": "Pending"}}
        self._event(name, "ADDED")

    def bind(self, *names: str, apart: float = 0.05) -> None:
        for name in names:
            self.pods[name]["spec"]["nodeName"] = "node"
            self._event(name, "MODIFIED", apart)

    def run(self, *names: str, apart: float = 0.05) -> None:
        for name in names:
            self.pods[name]["status"] = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
            self._event(name, "MODIFIED", apart)

    def start(self, *names: str) -> None:
        self.bind(*names)
        self.run(*names)

    def finish(self, *names: str) -> None:
        for name in names:
            status = {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {}}}]}
            self.pods[name]["status"] = status
            self._event(name, "MODIFIED")

    def refuse(self, name: str, reason: str) -> None:
        self.pods[name]["status"] = {"phase": "Failed", "reason": reason, "message": "no"}
        self._event(name, "MODIFIED")

    def delete(self, *names: str) -> None:
        for name in names:
            self._event(name, "DELETED")

    def room(self, step: str, when: str, units: int, cpu: int = 4000, held: int = 0) -> None:
        body = {"when": when, "units": units, "cpu": cpu, "held": {"units": held, "cpu": 10 * held}}
        self.fact("room", body, step)

    def recording(self, how: Any = "complete") -> Recording:
        return Recording(
            format=FORMAT,
            run="r",
            check=CHECK.requirement,
            via="native",
            suite=SUITE,
            settings=Options().settings_for(CHECK),
            facts=self.facts,
            observations=tuple(self.lines),
            ending=Ending(how=how, at="", t=self.t) if how else None,
            sha256="0",
        )


def gang(prefix: str) -> list[str]:
    return [f"{prefix}{i}" for i in range(N)]


Part = Callable[[History], None]


def nothing(h: History) -> None:
    del h


def opening(h: History) -> None:
    h.add("watch.start", f"pods/{NS}", {})
    h.fact("shape", {"size": N, "node": "node", "unlike": False, "units": N, "cpu": 10}, "setup")
    h.create("canary", "canary", "canary")
    h.start("canary")
    h.add("probe", f"pods/{NS}/canary/main", {"name": "canary", "met": ["canary"]}, "canary")


def together(h: History) -> None:
    h.room("together", "before", N)
    h.add("window.open", "together", {}, "together")
    for name in gang("a"):
        h.create(name, "together", "member")
    h.fact("created", {"namespace": NS, "refused": ""}, "together")
    h.start(*gang("a"))
    for name in gang("a"):
        met = [o for o in gang("a") if o != name]
        h.add("probe", f"pods/{NS}/{name}/main", {"name": name, "met": met}, "together")
    h.finish(*gang("a"))
    h.add("window.close", "together", {}, "together")
    h.delete(*gang("a"))
    h.room("together", "after", N)


def control(h: History, step: str = "control", prefix: str = "c", ran: int = N - 1) -> None:
    h.room(step, "before", N - 1)
    for name in gang(prefix):
        h.create(name, step, "plain")
    h.start(*gang(prefix)[:ran])
    h.delete(*gang(prefix))


def blocker(h: History, step: str = "blocker") -> None:
    h.create(step, step, "blocker")
    h.start(step)


def short(
    h: History,
    act: Part = nothing,
    *,
    step: str = "short",
    seconds: float = 90.0,
    after: int = N - 1,
    held: int = 0,
    signs: tuple[str, ...] = ("PodGroup says so",),
) -> None:
    units = N if step == "cpu_short" else N - 1
    h.room(step, "before", units)
    h.add("window.open", step, {}, step)
    for name in gang(step):
        h.create(name, step, "member")
    h.fact("created", {"namespace": NS, "refused": ""}, step)
    act(h)
    if step == "short":
        h.fact("signs", {"signs": list(signs)}, step)
    h.add("window.close", step, {}, step, seconds=seconds)
    h.room(step, "after", after if step == "short" else units, held=held)


def release(h: History, act: Part | None = None, seconds: float = 1.0) -> None:
    h.add("window.open", "release", {}, "release")
    h.delete("blocker")
    h.room("release", "before", N)
    (act or (lambda h: h.start(*gang("short"))))(h)
    h.add("window.close", "release", {}, "release", seconds=seconds)
    h.delete(*gang("short"))
    h.room("release", "after", N)


def cpu(h: History, act: Part = nothing) -> None:
    blocker(h, "cpu_blocker")
    control(h, "cpu_control", "d")
    short(h, act, step="cpu_short")


def sound(**other: Part) -> History:
    """A sound platform's history, with some parts replaced."""
    parts: dict[str, Part] = {
        "opening": opening,
        "together": together,
        "blocker": blocker,
        "control": control,
        "short": short,
        "release": release,
        "cpu": cpu,
    }
    h = History()
    for part in (parts | other).values():
        part(h)
    return h


def judged(h: History, how: Any = "complete") -> Verdict:
    return judge(h.recording(how), SUITE)


def finding(verdict: Verdict, clause: str) -> Finding:
    return next(f for f in verdict.findings if f.clause == clause)


def code(verdict: Verdict, clause: str) -> tuple[Outcome, str]:
    found = finding(verdict, clause)
    return found.outcome, found.code


def test_a_sound_platform_passes() -> None:
    verdict = judged(sound())
    assert {f.clause: f.outcome for f in verdict.findings if f.outcome is not PASS} == {
        "finishes_two_competing_gangs": UNKNOWN,
        "leaves_no_member_alone": UNKNOWN,
    }
    assert verdict.outcome is PASS
    assert verdict.limits == ("atomicity: placement",)


def test_every_pass_cites_something() -> None:
    for found in judged(sound()).findings:
        assert found.cites or found.outcome is not PASS, found.clause


def test_an_empty_recording_is_unknown_everywhere() -> None:
    verdict = judged(History())
    assert {f.outcome for f in verdict.findings} == {UNKNOWN}
    assert verdict.outcome is UNKNOWN


def test_a_crash_of_the_judge_is_no_verdict() -> None:
    h = sound()
    h.lines[1] = replace(h.lines[1], body={"size": "many"})
    assert judged(h).outcome is UNKNOWN


@pytest.mark.parametrize("step", ["plan", "setup", "canary"])
def test_what_could_not_begin_is_unknown_with_its_code(step: str) -> None:
    h = History()
    h.add("unable", step, {"code": "image-unavailable", "because": "no such image"}, step)
    verdict = judged(h)
    assert verdict.outcome is UNKNOWN
    assert {f.code for f in verdict.findings} == {"image-unavailable"}


def test_an_interrupted_run_never_passes_but_still_fails() -> None:
    assert judged(sound(), how=None).outcome is UNKNOWN
    h = sound(short=lambda h: short(h, lambda h: h.start("short0"), after=N - 2, held=1))
    assert judged(h, how=None).outcome is FAIL


def test_a_sound_platform_cut_anywhere_never_fails() -> None:
    whole = sound().recording()
    for i in range(len(whole.observations)):
        cut = replace(whole, observations=whole.observations[:i], ending=None)
        assert judge(cut, SUITE).outcome is UNKNOWN, i


@settings(deadline=None)
@given(st.sets(st.integers(min_value=0, max_value=400), max_size=12))
def test_a_sound_platform_with_lines_lost_never_fails(lost: set[int]) -> None:
    whole = sound().recording()
    kept = tuple(o for i, o in enumerate(whole.observations) if i not in lost)
    hurt = replace(whole, observations=kept, damage=("a line is missing",) if lost else ())
    outcome = judge(hurt, SUITE).outcome
    assert outcome is (UNKNOWN if lost else PASS)


def test_a_gap_in_the_window_is_no_absence() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.add("watch.gap", f"pods/{NS}", {"why": "410"})))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "api-lost")


def test_a_watch_that_ended_is_no_absence() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.add("watch.end", f"pods/{NS}", {"why": "lost"})))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "api-lost")


def test_a_short_window_is_no_absence() -> None:
    h = sound(short=lambda h: short(h, seconds=50))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "deadline")


@pytest.mark.parametrize("how_many", range(1, N))
def test_a_part_of_the_gang_that_starts_fails(how_many: int) -> None:
    act: Part = lambda h: h.start(*gang("short")[:how_many])  # noqa: E731
    h = sound(short=lambda h: short(h, act, after=N - 1 - how_many, held=how_many), release=nothing)
    assert code(judged(h), "starts_none_when_short") == (FAIL, "")


def test_members_that_are_only_bound_fail_too() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.bind("short0", "short1")))
    assert code(judged(h), "starts_none_when_short") == (FAIL, "")


def test_a_partial_start_that_is_evicted_again_fails() -> None:
    def flap(h: History) -> None:
        for _ in range(3):
            h.start(*gang("short")[: N - 1])
            h.delete(*gang("short")[: N - 1])
            for name in gang("short")[: N - 1]:
                h.create(name, "short", "member")

    h = sound(short=lambda h: short(h, flap))
    found = finding(judged(h), "starts_none_when_short")
    assert found.outcome is FAIL
    assert found.because.startswith("3 of 4 members were bound")


def test_a_node_that_refuses_the_last_member_fails() -> None:
    def act(h: History) -> None:
        h.bind(*gang("cpu_short"))
        h.run(*gang("cpu_short")[: N - 1])
        h.refuse(gang("cpu_short")[-1], "OutOfcpu")

    assert code(judged(sound(cpu=lambda h: cpu(h, act))), "starts_none_when_short_of_cpu") == (FAIL, "")


def test_a_whole_gang_that_runs_was_not_short() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.start(*gang("short"))), release=nothing)
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")


def test_foreign_pods_that_move_make_it_unknown() -> None:
    h = sound(short=lambda h: short(h, after=N - 2))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")


def test_a_blocker_that_ends_makes_it_unknown() -> None:
    h = sound(short=lambda h: short(h, lambda h: h.finish("blocker")))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")

    def act(h: History) -> None:
        h.finish("blocker")
        h.start("short0")

    h = sound(short=lambda h: short(h, act))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, "capacity-changed")


@pytest.mark.parametrize(
    ("ran", "says"), [(0, "control-did-not-run"), (1, "control-did-not-run"), (N, "capacity-changed")]
)
def test_a_control_that_did_not_run_as_it_should(ran: int, says: str) -> None:
    h = sound(control=lambda h: control(h, ran=ran))
    assert code(judged(h), "starts_none_when_short") == (UNKNOWN, says)


def test_no_control_at_all() -> None:
    assert code(judged(sound(control=nothing)), "starts_none_when_short")[0] is UNKNOWN


def test_a_control_that_a_webhook_gates_is_replaced_by_counting() -> None:
    def gated(h: History) -> None:
        h.room("control", "before", N - 1)
        for name in gang("c"):
            h.create(name, "control", "plain")
            h.pods[name]["spec"]["schedulingGates"] = [{"name": "queue"}]
            h.bind()
            h._event(name, "MODIFIED")
        h.delete(*gang("c"))

    assert code(judged(sound(control=gated)), "starts_none_when_short") == (PASS, "")


def test_a_mechanism_that_never_starts_anything_passes_nothing() -> None:
    def never(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        h.fact("created", {"namespace": NS, "refused": ""}, "together")
        h.add("window.close", "together", {}, "together", seconds=300)
        h.delete(*gang("a"))
        h.room("together", "after", N)
        for name in gang("p"):
            h.create(name, "together_control", "plain")
        h.start(*gang("p"))

    verdict = judged(sound(together=never, release=nothing))
    assert code(verdict, "starts_the_whole_gang") == (FAIL, "")
    assert code(verdict, "starts_none_when_short") == (UNKNOWN, "not-tried")
    assert code(verdict, "runs_all_members_at_once") == (UNKNOWN, "not-tried")
    assert code(verdict, "lets_members_meet") == (UNKNOWN, "not-tried")
    h = sound(together=never, release=nothing)
    h.lines = [o for o in h.lines if o.step != "together_control" and "/p" not in o.subject]
    assert code(judged(h), "starts_the_whole_gang")[0] is UNKNOWN


def test_a_dropped_field_is_unknown_even_if_members_start_alone() -> None:
    def dropped(h: History, step: str) -> None:
        h.fact("membership", {"dropped": ["spec.schedulingGroup.podGroupName"]}, step)
        h.start(f"{step}0")

    def first(h: History) -> None:
        together(h)
        h.fact("membership", {"dropped": ["spec.schedulingGroup.podGroupName"]}, "together")

    h = sound(
        together=first,
        short=lambda h: short(h, lambda h: dropped(h, "short")),
        release=nothing,
        cpu=lambda h: cpu(h, lambda h: dropped(h, "cpu_short")),
    )
    verdict = judged(h)
    assert verdict.outcome is UNKNOWN
    assert code(verdict, "starts_none_when_short") == (UNKNOWN, "field-dropped")


def test_members_far_apart_fail_and_a_slow_cluster_does_not() -> None:
    def slow(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        h.bind(*gang("a"), apart=20)
        h.run(*gang("a"))
        h.add("window.close", "together", {}, "together")
        h.room("together", "after", N)

    def slow_control(h: History) -> None:
        for name in gang("c"):
            h.create(name, "control", "plain")
        h.bind(*gang("c")[: N - 1], apart=20)
        h.run(*gang("c")[: N - 1])
        h.delete(*gang("c"))

    assert code(judged(sound(together=slow)), "runs_all_members_at_once") == (FAIL, "")
    both = judged(sound(together=slow, control=slow_control))
    assert code(both, "runs_all_members_at_once") == (UNKNOWN, "deadline")


def test_members_that_never_ran_at_one_instant_fail() -> None:
    def relay(h: History) -> None:
        h.room("together", "before", N)
        h.add("window.open", "together", {}, "together")
        for name in gang("a"):
            h.create(name, "together", "member")
        for name in gang("a"):
            h.start(name)
            h.finish(name)
        h.add("window.close", "together", {}, "together", seconds=300)

    assert code(judged(sound(together=relay)), "runs_all_members_at_once") == (FAIL, "")


def unmet(h: History, *, waited: float = 60) -> None:
    together(h)
    h.lines = [o for o in h.lines if not (o.kind == "probe" and o.step == "together")]
    h.add("window.open", "meet", {}, "meet")
    h.add("window.close", "meet", {}, "meet", seconds=waited)
    for name in gang("a"):
        h.add("probe", f"pods/{NS}/{name}/main", {"name": name, "met": [], "trouble": "refused"}, "together")


def lonely(h: History) -> None:
    opening(h)
    h.lines = [o for o in h.lines if o.kind != "probe"]


def test_members_that_cannot_meet() -> None:
    assert code(judged(sound(together=unmet)), "lets_members_meet") == (FAIL, "")
    impatient: Part = lambda h: unmet(h, waited=5)  # noqa: E731
    assert code(judged(sound(together=impatient)), "lets_members_meet") == (UNKNOWN, "deadline")


@pytest.mark.parametrize(
    ("here", "apis", "outcome"),
    [([], [], FAIL), (["default-deny"], [], UNKNOWN), ([], ["ciliumnetworkpolicies.cilium.io"], UNKNOWN)],
)
def test_when_plain_pods_cannot_meet_a_policy_may_be_why(here: list[str], apis: list[str], outcome: Outcome) -> None:
    h = sound(opening=lonely, together=unmet)
    h.facts["policy_apis"] = apis
    h.fact("policies", {"here": here}, "together")
    assert finding(judged(h), "lets_members_meet").outcome is outcome


def late(h: History) -> None:
    release(h, nothing, seconds=420)
    for name in gang("r"):
        h.create(name, "release_control", "plain")


def test_a_gang_that_never_starts_after_release() -> None:
    def with_control(h: History) -> None:
        late(h)
        h.start(*gang("r"))

    verdict = judged(sound(release=with_control))
    assert code(verdict, "starts_it_when_room_returns") == (FAIL, "")
    assert code(verdict, "sees_the_waiting_gang") == (PASS, "")
    assert code(judged(sound(release=late)), "starts_it_when_room_returns") == (UNKNOWN, "control-did-not-run")
    silent = judged(sound(short=lambda h: short(h, signs=()), release=with_control))
    assert code(silent, "sees_the_waiting_gang") == (FAIL, "")
    assert code(judged(sound(short=lambda h: short(h, signs=()))), "sees_the_waiting_gang") == (PASS, "")
    unsure = judged(sound(short=lambda h: short(h, signs=()), release=late))
    assert code(unsure, "sees_the_waiting_gang") == (UNKNOWN, "mechanism-silent")


def test_a_release_that_starts_a_part_first_fails() -> None:
    def part(h: History) -> None:
        h.start("short0", "short1")
        h.delete("short0", "short1")
        for name in ("short0", "short1"):
            h.create(name, "short", "member")
        h.start(*gang("short"))

    assert code(judged(sound(release=lambda h: release(h, part))), "starts_it_when_room_returns") == (FAIL, "")


def test_a_node_that_refuses_a_released_member_is_not_the_schedulers_fault() -> None:
    def act(h: History) -> None:
        h.bind(*gang("short"))
        h.run(*gang("short")[: N - 1])
        h.refuse(gang("short")[-1], "UnexpectedAdmissionError")

    h = sound(release=lambda h: release(h, act, seconds=420))
    assert code(judged(h), "starts_it_when_room_returns") == (UNKNOWN, "node-refused")


def test_placeholders_are_no_members() -> None:
    def act(h: History) -> None:
        h.create("tg-1", "short", "member")
        h.fact("placeholder", {"uids": [h.pods["tg-1"]["metadata"]["uid"]]}, "short")
        h.start("tg-1")

    assert code(judged(sound(short=lambda h: short(h, act))), "starts_none_when_short") == (PASS, "")


def test_without_accelerators_the_cpu_case_is_the_main_case() -> None:
    h = sound(cpu=nothing)
    h.facts["cpu_only"] = True
    verdict = judged(h)
    assert code(verdict, "starts_none_when_short_of_cpu") == (NA, "")
    assert verdict.outcome is PASS
    assert verdict.limits[1].startswith("cpu-only")


def pair(h: History, *, done: bool) -> None:
    h.room("pair", "before", N)
    h.add("window.open", "pair", {}, "pair")
    for a, b in zip(gang("x"), gang("y"), strict=True):
        h.create(a, "pair", "member-a")
        h.create(b, "pair", "member-b")
    if done:
        for names in (gang("x"), gang("y")):
            h.start(*names)
            h.finish(*names)
    else:
        h.start("x0", "y0", "x1", "y1")
    h.add("window.close", "pair", {}, "pair", seconds=1 if done else 600)
    h.delete(*gang("x"), *gang("y"))
    h.room("pair", "after", N)


@pytest.mark.parametrize(("done", "outcome"), [(True, PASS), (False, FAIL)])
def test_two_competing_gangs(done: bool, outcome: Outcome) -> None:
    verdict = judged(sound(pair=lambda h: pair(h, done=done)))
    assert finding(verdict, "finishes_two_competing_gangs").outcome is outcome
    assert verdict.outcome is outcome


def alone(h: History, after: Part, seconds: float) -> None:
    h.room("alone", "before", N)
    for name in gang("k"):
        h.create(name, "alone", "member")
    h.start(*gang("k"))
    h.add("window.open", "alone", {}, "alone")
    h.delete("k0")
    after(h)
    h.add("window.close", "alone", {}, "alone", seconds=seconds)
    h.delete("k1", "k2", "k3")
    h.room("alone", "after", N)


def refill(h: History) -> None:
    h.create("k9", "alone", "member")
    h.start("k9")


@pytest.mark.parametrize(
    ("after", "seconds", "outcome"),
    [
        (refill, 1, PASS),
        (lambda h: h.delete("k1", "k2", "k3"), 1, PASS),
        (nothing, 300, FAIL),
        (nothing, 10, UNKNOWN),
    ],
)
def test_a_gang_that_loses_a_member(after: Part, seconds: float, outcome: Outcome) -> None:
    verdict = judged(sound(alone=lambda h: alone(h, after, seconds)))
    assert finding(verdict, "leaves_no_member_alone").outcome is outcome
