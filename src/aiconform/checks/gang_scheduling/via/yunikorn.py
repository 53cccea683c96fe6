"""Apache YuniKorn: task groups in annotations, no objects of its own.

It starts placeholder pods (`tg-...`) that are bound and hold the places until all members have one: they are no
members, and are told by their annotation. The style is set to Hard: with the default, Soft, members are started
one by one after the placeholders' timeout. There is no API by which YuniKorn could be found, so it is tried only
if it is named, with `--mechanism gang_scheduling=yunikorn` (or yunikorn:SCHEDULER).
"""

import json
from typing import Any, Literal

from aiconform.checks.gang_scheduling.via import EXTENDED, Manifest, Place
from aiconform.checks.gang_scheduling.via.defaults import Defaults, job, lacking, scheduler, with_meta
from aiconform.model import Detection, Inventory

_PREFIX = "yunikorn.apache.org"
_GROUPS, _GROUP = f"{_PREFIX}/task-groups", f"{_PREFIX}/task-group-name"
_POLICY = f"{_PREFIX}/schedulingPolicyParameters"
_SCHEDULER = "yunikorn"
# Longer than any deadline of the check: a gang that waits must not be given up meanwhile.
_HARD = "placeholderTimeoutInSeconds=3600 gangSchedulingStyle=Hard"


class YuniKorn(Defaults):
    """See the module."""

    product = "yunikorn"
    tried: Literal["where found", "if named"] = "if named"
    # Placeholders ask for resources by name; a claim cannot be held by one.
    forms = EXTENDED

    def detect(self, inventory: Inventory) -> Detection:
        del inventory
        return Detection(usable=True, because="it was named; it has no API by which it could be found")

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        return with_meta(pod, labels=_app(place, "lone"), schedulerName=scheduler(place, _SCHEDULER))

    def gang(self, place: Place, name: str, pods: list[Manifest]) -> list[Manifest]:
        groups: list[Manifest] = []
        joined = []
        for pod in pods:
            asked = _asked(pod)
            group = next((g for g in groups if g["minResource"] == asked), None)
            if group is None:
                group = _task_group(f"{name}-{len(groups)}", asked, pod)
                groups.append(group)
            group["minMember"] += 1
            joined.append((pod, group["name"]))
        return [_join(place, pod, name, group_name, groups) for pod, group_name in joined]

    def gang_job(self, place: Place, name: str, pod: Manifest, size: int) -> list[Manifest]:
        group = {**_task_group(name, _asked(pod), pod), "minMember": size}
        return [job(name, _join(place, pod, name, name, [group]), size)]

    def dropped(self, stored: Manifest) -> str:
        return lacking(stored, f"the annotation {_GROUP}", "metadata", "annotations", _GROUP)

    def stands_in(self, pod: Manifest) -> bool:
        return (pod["metadata"].get("annotations") or {}).get(f"{_PREFIX}/placeholder") == "true"

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        del name, objects
        return []


def _app(place: Place, name: str) -> dict[str, str]:
    # The second name is the one that versions before 1.6 read.
    app = f"{place.namespace}-{name}"
    return {f"{_PREFIX}/app-id": app, "applicationId": app}


def _asked(pod: Manifest) -> dict[str, str]:
    """What the containers ask for, as a task group writes it."""
    asked: dict[str, str] = {}
    for container in pod["spec"]["containers"]:
        asked |= (container.get("resources") or {}).get("requests") or {}
    return asked


def _task_group(name: str, asked: dict[str, str], pod: Manifest) -> dict[str, Any]:
    """Placeholders must land where the members will: same node, same tolerations."""
    same = {k: pod["spec"][k] for k in ("nodeSelector", "tolerations") if pod["spec"].get(k)}
    return {"name": name, "minMember": 0, "minResource": asked, **same}


def _join(place: Place, pod: Manifest, name: str, group: str, groups: list[Manifest]) -> Manifest:
    notes = {_GROUP: group, _GROUPS: json.dumps(groups, sort_keys=True), _POLICY: _HARD}
    return with_meta(pod, labels=_app(place, name), annotations=notes, schedulerName=scheduler(place, _SCHEDULER))


MECHANISM = YuniKorn()
