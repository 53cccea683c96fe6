"""Judges a recording of dra_support. Pure: one function per clause; the sentences are for readers."""

from typing import Any

from aiconform.checks.dra_support import judge_api, judge_container, judge_devices, judge_release
from aiconform.checks.dra_support.check import CHECK, DEADLINES
from aiconform.checks.dra_support.history import api_only, devices, fact, facts_not_published, pod
from aiconform.judging import verdict
from aiconform.model import Finding, Recording, Suite, Verdict


def judge(rec: Recording, judged_by: Suite) -> Verdict:
    """One finding per clause. See check.py for what each one asks."""
    judges = {
        "serves_the_api": judge_api.serves_the_api,
        "keeps_what_it_is_given": judge_api.keeps_what_it_is_given,
        "refuses_broken_selectors": judge_api.refuses_broken_selectors,
        "refuses_admin_access": judge_api.refuses_admin_access,
        "makes_claims_from_templates": judge_api.makes_claims_from_templates,
        "keeps_pods_waiting_for_their_claim": judge_api.keeps_pods_waiting_for_their_claim,
        "leaves_impossible_requests_waiting": judge_devices.leaves_impossible_requests_waiting,
        "leaves_requests_for_too_many_waiting": judge_devices.leaves_requests_for_too_many_waiting,
        "allocates_by_attribute": judge_devices.allocates_by_attribute,
        "starts_the_pod_with_its_claim": judge_devices.starts_the_pod_with_its_claim,
        "gives_the_container_its_device": judge_container.gives_the_container_its_device,
        "gives_a_device_to_one_claim_at_a_time": judge_release.gives_a_device_to_one_claim_at_a_time,
        "gives_a_released_device_again": judge_release.gives_a_released_device_again,
    }
    return verdict(CHECK, rec, judges, judged_by=judged_by, limits=_limits, facts=_facts)


def _limits(rec: Recording, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    del findings
    said = []
    if api_only(rec):
        published = fact(rec, "published")
        drivers = published.body["drivers"] if published else {}
        seen = ", ".join(f"{name} ({n} devices)" for name, n in sorted(drivers.items()))
        more = (
            f"; published, and not tried (a driver is tried if it is named with --accelerator): {seen}" if seen else ""
        )
        said.append(f"api-level only: no device of a known driver can be asked for, so none was allocated{more}")
    else:
        said += [f"the driver publishes no {w}, so nothing could be asked for by it" for w in facts_not_published(rec)]
        if any(d["shared"] for d in devices(rec)):
            said.append("several claims may share a device: that one device goes to one claim was not judged")
        if not (rec.facts["accelerator"] or {}).get("recognised"):
            said.append(f"{rec.facts['accelerator'].get('driver')} is of a vendor that the suite does not know")
    used = float(rec.settings.get("deadlines", {}).get("window", DEADLINES["window"].seconds))
    if used < DEADLINES["window"].seconds:
        said.append(f"absence was watched for {used:g} s only (default {DEADLINES['window'].seconds:g} s)")
    return tuple(said)


def _facts(rec: Recording) -> dict[str, Any]:
    place = fact(rec, "place")
    found = {"api": f"resource.k8s.io/{rec.facts.get('mechanism', '')}"}
    if place is not None:
        found["node"] = place.body["node"]
    if not api_only(rec):
        found["accelerator"] = rec.facts["accelerator"]["id"]
        holder = pod(rec, "holder")
        if holder is not None and holder.node:
            found["driver"] = rec.facts["accelerator"]["driver"]
    return found
