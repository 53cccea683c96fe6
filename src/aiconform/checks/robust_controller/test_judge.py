"""The judge on hand-made histories: what is sound, what is broken, and what nobody can know."""

from dataclasses import replace

import pytest

from aiconform.checks.robust_controller.testing import CLAUSES, HOOK, History, hookless, sound
from aiconform.model import Ending

RUNS, REFUSES, REACHES = "keeps_the_operator_running", "refuses_wrong_resources", "reaches_webhooks"
MAKES, OWNS, REPORTS = "makes_what_resources_stand_for", "owns_what_it_makes", "reports_the_true_state"
REPAIRS, FOLLOWS, REMOVES = "repairs_what_is_taken_away", "follows_changes", "removes_what_it_made"


def story(h: History) -> list[tuple[str, str, str]]:
    return [(f.clause, f.outcome.value, f.because) for f in h.judged().findings]


def test_nothing_seen_is_unknown() -> None:
    empty = History()
    assert {f.outcome.value for f in empty.judged().findings if f.clause in CLAUSES} == {"UNKNOWN"}
    empty.facts = {}
    assert {f.outcome.value for f in empty.judged().findings if f.clause in CLAUSES} == {"UNKNOWN"}
    assert History().begun().judged().outcome == "UNKNOWN"


def test_no_operator_is_unknown_with_its_code() -> None:
    h = History().add("plan", "unable", "plan", {"code": "mechanism-not-found", "because": "none"})
    assert {f.code for f in h.judged().findings} == {"mechanism-not-found"}


def test_a_sound_operator_passes() -> None:
    verdict = sound().judged()
    assert verdict.outcome == "PASS", story(sound())
    assert not any("no validating webhook" in limit for limit in verdict.limits)


def test_a_sound_operator_without_webhooks_passes_with_a_limit() -> None:
    verdict = hookless().judged()
    assert verdict.outcome == "PASS", story(hookless())
    assert any("no validating webhook" in limit for limit in verdict.limits)


def test_a_silent_operator_without_webhooks_has_nothing_to_refuse() -> None:
    h = hookless()
    h.seen = [o for o in h.seen if not o.subject.startswith("events/ns/e-BadToy")]
    assert h.says(REFUSES) == ("NOT_APPLICABLE", "")
    assert h.judged().outcome == "PASS"


def test_a_run_that_was_stopped_never_passes() -> None:
    h = sound()
    h.ending = Ending(how="interrupted", at="", t=1)
    assert h.judged().outcome == "UNKNOWN"


@pytest.mark.parametrize("part", range(0, 54, 3))
def test_half_a_recording_never_passes(part: int) -> None:
    for whole in (sound(), hookless()):
        whole.seen = whole.seen[:part]
        assert whole.judged().outcome != "PASS"


class TestOwnPods:
    def test_not_found_is_unknown_and_does_not_count(self) -> None:
        h = History().begun().refused().twins().made().stated().repaired().changed().ended()
        assert h.says(RUNS) == ("UNKNOWN", "no-operator-pods")
        verdict = h.judged()
        assert verdict.outcome == "PASS"
        assert any("outside of the cluster" in limit for limit in verdict.limits)

    def test_a_restart_in_both_looks_fails(self) -> None:
        crashing = ((True, 1), (True, 2))
        assert History().begun().own(*crashing).own(*crashing, step="own_again").says(RUNS)[0] == "FAIL"

    def test_a_restart_in_the_first_look_only_may_be_an_upgrade(self) -> None:
        assert History().begun().own((True, 1), (True, 2)).own(step="own_again").says(RUNS)[0] == "PASS"

    def test_never_ready_fails(self) -> None:
        assert History().begun().own((False, 0)).own((False, 0), step="own_again").says(RUNS)[0] == "FAIL"

    def test_a_gap_in_the_watch_is_unknown(self) -> None:
        h = History().begun().add("own", "watch.start", "pods/toys", {}).open("own")
        h.add("own", "fact", "own", {"u": {"pod": "toys/x", "ready": True, "restarts": 0, "says": ""}})
        h.add("own", "watch.gap", "pods/toys", {"why": ""}).close("own")
        assert h.says(RUNS) == ("UNKNOWN", "api-lost")


class TestRefusal:
    def test_accepted_in_spite_of_a_webhook_fails(self) -> None:
        assert History().begun().refused(status=201).says(REFUSES)[0] == "FAIL"

    def test_accepted_where_the_webhook_leaves_the_namespace_out_is_no_failure(self) -> None:
        elsewhere = HOOK | {"namespace_selector": {"matchLabels": {"team": "a"}}}
        assert History().begun(hooks=[elsewhere]).refused(status=201).says(REFUSES)[0] == "NOT_APPLICABLE"

    def test_a_webhook_for_other_kinds_or_verbs_is_not_blamed(self) -> None:
        for rule in ({"resources": ["dolls"]}, {"operations": ["UPDATE"]}, {"apiGroups": ["other.com"]}):
            hook = HOOK | {"rules": [HOOK["rules"][0] | rule]}
            assert History().begun(hooks=[hook]).refused(status=201).says(REFUSES)[0] == "NOT_APPLICABLE"

    def test_one_with_conditions_may_have_left_it_out(self) -> None:
        h = History().begun(hooks=[HOOK | {"conditional": True}]).refused(status=201)
        assert h.says(REFUSES) == ("UNKNOWN", "webhook-conditional")

    def test_a_mutating_webhook_need_not_refuse(self) -> None:
        h = History().begun(hooks=[HOOK | {"mutating": True}]).refused(status=201)
        assert h.says(REFUSES)[0] == "NOT_APPLICABLE"

    def test_denied_with_the_sound_one_denied_too_proves_nothing(self) -> None:
        said = 'admission webhook "toys.example.com" denied the request: no'
        assert History().begun().refused(control=400, said=said).says(REFUSES) == ("UNKNOWN", "control-denied")

    def test_a_denial_by_a_stranger_proves_nothing(self) -> None:
        said = 'admission webhook "policy.example.org" denied the request: no'
        assert History().begun().refused(message=said).says(REFUSES) == ("UNKNOWN", "admission-denied")

    def test_refused_by_schema_in_front_of_a_webhook_is_unknown(self) -> None:
        h = History().begun().refused(status=422, message="Toy is invalid: spec.size: must be at least 0")
        assert h.says(REFUSES) == ("UNKNOWN", "refused-by-schema")

    def test_refused_by_schema_without_any_webhook_passes(self) -> None:
        h = History().begun(hooks=[]).refused(status=422, message="Toy is invalid: spec.size: must be at least 0")
        assert h.says(REFUSES)[0] == "PASS"

    def test_not_allowed_is_unknown(self) -> None:
        said = 'toys.example.com is forbidden: User "u" cannot create resource "toys" in API group "example.com"'
        assert History().begun().refused(status=403, message=said).says(REFUSES) == ("UNKNOWN", "rbac-denied")

    def test_its_own_webhook_that_does_not_answer_fails(self) -> None:
        said = 'Internal error occurred: failed calling webhook "toys.example.com": connection refused'
        assert History().begun().refused(control=500, said=said).says(REFUSES)[0] == "FAIL"
        assert History().begun().refused(status=500, message=said).says(REFUSES)[0] == "FAIL"

    def test_a_strangers_webhook_that_does_not_answer_is_unknown(self) -> None:
        said = 'Internal error occurred: failed calling webhook "policy.example.org": connection refused'
        assert History().begun().refused(control=500, said=said).says(REFUSES) == ("UNKNOWN", "admission-denied")

    def test_reported_before_the_call_was_answered(self) -> None:
        h = History().begun(hooks=[]).event("BadToy", "wrong-0").refused(status=201).toy("wrong-0")
        assert h.open("report-0").close("report-0").says(REFUSES)[0] == "PASS"

    def test_reported_but_acted_on_is_no_refusal(self) -> None:
        h = History().begun(hooks=[]).refused(status=201).open("report-0").toy("wrong-0")
        h.event("BadToy", "wrong-0").pod("wrong-0-a", owner="wrong-0").close("report-0")
        assert h.says(REFUSES)[0] == "NOT_APPLICABLE"

    def test_what_the_resource_needs_may_get_no_answer_either(self) -> None:
        def needed(webhook: str) -> History:
            said = f'failed calling webhook "{webhook}": connection refused'
            h = History().begun().call("prepare", "POST", "toys.example.com/ns/live", 500, said, role="prepare")
            return h.add("refuse", "unable", "refuse", {"code": "refused", "because": said})

        assert needed("toys.example.com").says(REFUSES)[0] == "FAIL"
        assert needed("of.others").says(REFUSES) == ("UNKNOWN", "admission-denied")

    def test_a_webhook_by_which_another_operator_adopts_the_kind_is_not_its_own(self) -> None:
        adopting = {**HOOK, "beside": ["example.com", "queues.other.org"]}
        h = History().begun(hooks=[adopting]).refused(status=201)
        assert h.says(REFUSES)[0] == "NOT_APPLICABLE"
        h = History().begun(hooks=[{**HOOK, "beside": ["example.com", "more.example.com"]}]).refused(status=201)
        assert h.says(REFUSES)[0] == "FAIL"
        h = History().begun(hooks=[adopting]).refused(status=201)
        h.facts["operator"] = {**h.facts["operator"], "adopts": True}
        assert h.says(REFUSES)[0] == "FAIL"


class TestReaching:
    def test_its_own_denial_is_enough(self) -> None:
        assert sound().says(REACHES)[0] == "PASS"

    def test_no_canary_is_unknown(self) -> None:
        assert History().begun(hooks=[]).says(REACHES) == ("UNKNOWN", "not-tried")

    def test_a_canary_that_is_never_called_fails(self) -> None:
        assert History().begun().canary(denied=201).says(REACHES)[0] == "FAIL"

    def test_a_canary_that_times_out_fails_only_if_others_reach_it(self) -> None:
        said = 'failed calling webhook "canary.aiconform.dev": context deadline exceeded'
        assert History().begun().canary(denied=500, message=said).says(REACHES)[0] == "FAIL"
        unreached = History().begun().canary(denied=500, message=said, reached=False)
        assert unreached.says(REACHES) == ("UNKNOWN", "deadline")

    def test_a_canary_that_allows_nothing_is_unknown(self) -> None:
        assert History().begun().canary(allowed=False).says(REACHES) == ("UNKNOWN", "control-denied")


class TestMaking:
    def test_nothing_made_fails_if_the_operator_is_there(self) -> None:
        h = History().begun().open("make").toy("live").close("make")
        assert h.says(MAKES)[0] == "FAIL"

    def test_kinds_alone_are_no_operator(self) -> None:
        h = History().begun(hooks=[], installed=()).open("make")
        h.watch("toys.example.com", "live").close("make")
        assert h.says(MAKES) == ("UNKNOWN", "mechanism-silent")

    def test_a_status_without_anything_made_fails(self) -> None:
        h = History().begun(hooks=[], installed=()).open("make").toy("live", "Ready").close("make")
        assert h.says(MAKES)[0] == "FAIL"

    def test_a_quota_is_not_its_fault(self) -> None:
        h = History().begun().open("make").toy("live").watch("jobs.batch", "live-0", owner="live")
        h.event("FailedCreate", "live-0", "pods is forbidden: exceeded quota: q").close("make")
        assert h.says(MAKES) == ("UNKNOWN", "admission-denied")

    @pytest.mark.parametrize(
        "said",
        [
            "failed quota: q: must specify limits.cpu for: main",
            "[minimum cpu usage per Container is 100m, but request is 20m]",
            "memory max limit to request ratio per Container is 2, but provided ratio is 4.0",
        ],
    )
    def test_neither_is_a_limit(self, said: str) -> None:
        h = History().begun().open("make").toy("live").watch("jobs.batch", "live-0", owner="live")
        h.event("FailedCreate", "live-0", f'pods "live-0-a" is forbidden: {said}').close("make")
        assert h.says(MAKES) == ("UNKNOWN", "admission-denied")

    def test_missing_rights_are(self) -> None:
        said = 'pods is forbidden: User "system:serviceaccount:toys:operator" cannot create resource "pods"'
        h = History().begun().open("make").toy("live").watch("jobs.batch", "live-0", owner="live")
        assert h.event("FailedCreate", "live-0", said).close("make").says(MAKES)[0] == "FAIL"

    def test_an_admission_policy_is_not_its_fault(self) -> None:
        h = History().begun().open("make").toy("live").watch("jobs.batch", "live-0", owner="live")
        said = "pods is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not here"
        assert h.event("FailedCreate", "live-0", said).close("make").says(MAKES) == ("UNKNOWN", "admission-denied")

    def test_a_kind_of_others_must_first_be_taken_on(self) -> None:
        def tried(*conditions: str) -> History:
            h = History().begun()
            h.facts["operator"] = {**h.facts["operator"], "takes": {"conditions": ["Taken"]}}
            return h.open("make").toy("live", *conditions).close("make")

        assert tried().says(MAKES) == ("UNKNOWN", "mechanism-silent")
        assert tried("Taken").says(MAKES)[0] == "FAIL"

    def test_children_without_pods_fail(self) -> None:
        assert History().begun().made(pods=0).says(MAKES)[0] == "FAIL"

    def test_pods_that_wait_are_not_its_fault(self) -> None:
        h = History().begun().open("make").toy("live").watch("jobs.batch", "live-0", owner="live")
        h.pod("live-0-a", "", owner="live-0")
        h.add("make", "fact", "waits", {"pod": "live-0-a", "why": "ImagePullBackOff", "code": "image-unavailable"})
        assert h.close("make").says(MAKES) == ("UNKNOWN", "image-unavailable")

    def test_a_gap_in_a_watch_is_unknown(self) -> None:
        h = History().begun().open("make").toy("live").add("", "watch.gap", "jobs.batch/ns", {"why": ""})
        assert h.close("make").says(MAKES) == ("UNKNOWN", "api-lost")

    def test_children_without_an_owner_fail(self) -> None:
        h = History().begun().made(owner="")
        assert h.says(OWNS)[0] == "FAIL"
        assert h.says(MAKES) == ("UNKNOWN", "not-owned")


class TestState:
    def test_no_word_of_it_fails(self) -> None:
        assert History().begun().twins().made().stated("Other").says(REPORTS)[0] == "FAIL"

    def test_one_of_an_older_generation_does_not_count(self) -> None:
        h = History().begun().twins().made().open("state")
        h.toy("live", "Ready", seen=1, generation=2).close("state").open("truth").close("truth")
        assert h.says(REPORTS)[0] == "FAIL"

    def test_ready_without_a_running_pod_is_a_lie(self) -> None:
        h = sound()
        h.toy("stuck", "Ready")
        assert h.says(REPORTS)[0] == "FAIL"

    def test_pods_that_ended_and_no_word_of_it_fail(self) -> None:
        h = sound()
        h.seen = [o for o in h.seen if "Done" not in str(o.body)]
        assert h.says(REPORTS)[0] == "FAIL"

    def test_pods_that_ended_just_now_may_still_be_told_of(self) -> None:
        h = sound()
        late = [o for o in h.seen if o.subject.startswith("pods/ns/ending-0")]
        h.seen = [o for o in h.seen if "Done" not in str(o.body) and o not in late]
        closed = next(o for o in h.seen if (o.step, o.kind) == ("finish", "window.close"))
        h.seen[h.seen.index(closed) :] = [replace(o, t=closed.t) for o in (*late, closed)]
        assert h.says(REPORTS) == ("UNKNOWN", "deadline")

    def test_without_a_look_at_the_twin_it_is_unknown(self) -> None:
        assert History().begun().twins().made().stated(truth=False).says(REPORTS)[0] == "UNKNOWN"


class TestLife:
    def start(self) -> History:
        return History().begun().twins().made().stated()

    def test_nothing_in_its_place_fails(self) -> None:
        assert self.start().repaired(again=False).says(REPAIRS)[0] == "FAIL"

    def test_what_took_long_to_go_leaves_no_time_for_a_repair(self) -> None:
        h = self.start().open("repair")
        h.add("repair", "fact", "taken", {"uid": "uid-live-0", "name": "live-0", "plural": "jobs"})
        for _ in range(5):
            h.watch("jobs.batch", "live-0", owner="live", meta={"deletionTimestamp": "now"})
        h.watch("jobs.batch", "live-0", "DELETED", owner="live").close("repair")
        assert h.says(REPAIRS) == ("UNKNOWN", "deadline")

    def test_what_comes_by_a_later_change_is_no_repair(self) -> None:
        h = self.start().repaired(again=False).open("update-0")
        h.watch("jobs.batch", "live-2", owner="live").pod("live-2-a", owner="live-2").close("update-0")
        assert h.says(REPAIRS)[0] == "FAIL"

    def test_giving_up_is_an_answer(self) -> None:
        h = self.start().open("repair")
        h.add("repair", "fact", "taken", {"uid": "uid-live-0", "name": "live-0", "plural": "jobs"})
        h.watch("jobs.batch", "live-0", "DELETED", owner="live").toy("live", "Failed").close("repair")
        assert h.says(REPAIRS)[0] == "PASS"

    def test_what_does_not_go_cannot_come_again(self) -> None:
        h = self.start().open("repair")
        h.add("repair", "fact", "taken", {"uid": "uid-live-0", "name": "live-0", "plural": "jobs"}).close("repair")
        assert h.says(REPAIRS) == ("UNKNOWN", "deadline")

    def test_a_change_that_is_not_followed_fails(self) -> None:
        assert self.start().repaired().changed(follows=False).says(FOLLOWS)[0] == "FAIL"

    def test_a_change_that_was_refused_is_unknown(self) -> None:
        h = (
            self.start()
            .open("update-0")
            .call("update-0", "PATCH", "toys.example.com/ns/live", 403, "no")
            .close("update-0")
        )
        assert h.says(FOLLOWS) == ("UNKNOWN", "refused")

    @pytest.mark.parametrize("left", ["toy", "job"])
    def test_what_stays_fails(self, left: str) -> None:
        assert self.start().repaired().changed().ended(left=left).says(REMOVES)[0] == "FAIL"

    def test_what_still_ends_is_unknown(self) -> None:
        h = self.start().repaired().changed()
        h.watch("jobs.batch", "live-1", owner="live", meta={"deletionTimestamp": "now"})
        assert h.ended(left="job").says(REMOVES) == ("UNKNOWN", "deadline")

    def test_nothing_after_pods_that_never_ran_is_judged(self) -> None:
        h = History().begun().made(pods=0)
        for step in ("repair", "update-0", "update-1", "end", "truth"):
            h.add(step, "unable", step, {"code": "not-tried", "because": "no pods"})
        for clause in (REPAIRS, FOLLOWS, REMOVES, REPORTS):
            assert h.says(clause) == ("UNKNOWN", "not-tried")
