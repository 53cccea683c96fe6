"""Apache YuniKorn: task groups in annotations, no objects of its own.

It starts placeholder pods (`tg-...`) that are bound and hold the places until all members have one: they are no
members, and are told by their annotation. The style is set to Hard: with the default, Soft, members are started
one by one after the placeholders' timeout. There is no API by which YuniKorn could be found, so it is tried only
if it is named, with `--mechanism gang_scheduling=yunikorn`. Where its placement rules make no queue for a new
namespace, yunikorn:root.QUEUE names one.
"""

import json
from typing import Any, Literal

from aiconform.checks.gang_scheduling.via import Manifest, Place, Watched
from aiconform.checks.gang_scheduling.via.defaults import Defaults, job, lacking, scheduler, when_partial, with_meta
from aiconform.model import Detection, Inventory, Permission

_PREFIX = "yunikorn.apache.org"
# The second is what versions before 1.6 write.
_PLACEHOLDER = (f"internal.{_PREFIX}/placeholder", f"{_PREFIX}/placeholder")
_GROUPS, _GROUP = f"{_PREFIX}/task-groups", f"{_PREFIX}/task-group-name"
_POLICY = f"{_PREFIX}/schedulingPolicyParameters"
_SCHEDULER = "yunikorn"
# Longer than any deadline of the check: a gang that waits must not be given up meanwhile.
_HARD = "placeholderTimeoutInSeconds=3600 gangSchedulingStyle=Hard"


class YuniKorn(Defaults):
    """See the module."""

    product = "yunikorn"
    proved = (
        "YuniKorn of 2026-08-20 (23b6b47f, core be3bb487) on Kubernetes 1.37.1, by hand: sound, also with competing "
        "gangs and a killed member, one accelerator, queues that must be named, and its admission controller, which "
        "takes every pod; with its gang scheduling turned off; and with a policy that makes gangs Soft"
    )
    tried: Literal["where found", "if named"] = "if named"
    # Placeholders ask for resources by name, so a claim cannot be held by one; and it places only what nodes list as
    # allocatable, where extended resources of DRA are not.
    forms = ("device-plugin",)
    permissions: tuple[Permission, ...] = (
        Permission(group="", resources=("events",), verbs=("list", "watch"), why="what YuniKorn says of a gang"),
    )
    remedies = when_partial(
        "YuniKorn: leave service.disableGangScheduling in the ConfigMap yunikorn-configs at false, and look for "
        "policies that change the style (Hard), the placeholders' timeout or minMember in the pods' annotations."
    )

    def detect(self, inventory: Inventory) -> Detection:
        del inventory
        return Detection(usable=True, because="it was named; it has no API by which it could be found")

    def watched(self, detected: dict[str, Any]) -> Watched:
        del detected
        return (("v1", "events"),)

    def lone(self, place: Place, pod: Manifest) -> Manifest | None:
        return with_meta(pod, labels=_app(place, "lone"), schedulerName=_scheduler(place))

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
        # Without its policy a gang is Soft: it comes apart after a timeout that is longer than anybody looks.
        keys = (_GROUPS, _GROUP, _POLICY)
        absent = (lacking(stored, f"the annotation {key}", "metadata", "annotations", key) for key in keys)
        return next((a for a in absent if a), "")

    def stands_in(self, pod: Manifest) -> bool:
        notes = pod["metadata"].get("annotations") or {}
        return any(notes.get(mark) == "true" for mark in _PLACEHOLDER)

    def signs(self, name: str, objects: list[Manifest]) -> list[str]:
        # It has no object for a gang, and tells in events of the member that came first.
        said = sorted((_when(o), o["message"]) for o in objects if _about(o, name))
        return [message for _, message in said]


def _app(place: Place, name: str) -> dict[str, str]:
    app = _app_id(place.namespace, name)
    # The second name is the one that versions before 1.6 read.
    labels = {f"{_PREFIX}/app-id": app, "applicationId": app}
    named = place.detected.get("scheduler", "")
    return labels | ({f"{_PREFIX}/queue": named, "queue": named} if _is_queue(named) else {})


def _scheduler(place: Place) -> str:
    return _SCHEDULER if _is_queue(place.detected.get("scheduler", "")) else scheduler(place, _SCHEDULER)


def _is_queue(named: str) -> bool:
    """Whether what the user wrote behind the colon is a queue; else it is the scheduler's name."""
    return named.startswith("root.")


def _app_id(namespace: str, name: str) -> str:
    return f"{namespace}-{name}"


def _about(event: Manifest, name: str) -> bool:
    app = _app_id(event["metadata"].get("namespace", ""), name)
    return event.get("reason") == "GangScheduling" and f"Application {app} " in event.get("message", "")


def _when(event: Manifest) -> str:
    return str(event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))


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
    return with_meta(pod, labels=_app(place, name), annotations=notes, schedulerName=_scheduler(place))


MECHANISM = YuniKorn()
