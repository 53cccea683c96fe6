"""What a recording shows of the resource under test and of what the operator made for it. Pure."""

from dataclasses import dataclass, field
from typing import Any

from aiconform.judging import Moment, Pod, facts, pods, unable, unknown, window
from aiconform.model import Finding, Observation, Operator, Recording, decode, encode
from aiconform.model.operator import registers

LIVE, STUCK, ENDING = "live", "stuck", "ending"
RUN_LABEL = "aiconform.dev/run"


@dataclass
class Thing:
    """One object by uid: when it came and went, by arrival, and every state that was seen of it."""

    uid: str
    plural: str
    name: str
    came: Moment
    gone: Moment | None = None
    owners: frozenset[str] = frozenset()
    states: list[tuple[Moment, dict[str, Any]]] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        """The last state seen; {} if there is none."""
        return self.states[-1][1] if self.states else {}

    def there(self, seq: int) -> bool:
        """Whether it was there at this point."""
        return self.came.seq <= seq and (self.gone is None or self.gone.seq > seq)


@dataclass
class Story:
    """Everything of one attempt that judges need."""

    rec: Recording
    operator: Operator
    things: dict[str, Thing]
    pods: tuple[Pod, ...]

    def resource(self, name: str = LIVE) -> Thing | None:
        """The resource under test of this name."""
        plural = _qualified(self.rec.facts["resource"])
        return next((t for t in self.things.values() if t.plural == plural and t.name == name), None)

    def children(self, uid: str, plural: str = "") -> list[Thing]:
        """What names this uid as its owner, of one kind or of any."""
        return [t for t in self.things.values() if uid in t.owners and plural in ("", t.plural)]

    def family(self, uid: str) -> frozenset[str]:
        """Uids of all whose chain of owners leads to this uid."""
        found: set[str] = set()
        todo = [uid]
        while todo:
            for child in self.children(todo.pop()):
                if child.uid not in found:
                    found.add(child.uid)
                    todo.append(child.uid)
        return frozenset(found)

    def own_pods(self, uid: str) -> list[Pod]:
        """The pods of a resource."""
        family = self.family(uid)
        return [p for p in self.pods if p.uid in family]

    def running(self, uid: str, seq: int) -> list[Pod]:
        """Those of them that ran at this point."""
        return [
            p
            for p in self.own_pods(uid)
            if p.running and p.running.seq <= seq and (p.ended is None or p.ended.seq > seq)
        ]

    def strays(self) -> list[Thing]:
        """What came after the resource, is named after it, and has no owner at all."""
        live = self.resource()
        if live is None:
            return []
        wanted = {f"{k.plural}.{_group(k.api)}".rstrip(".") for k in self.operator.makes} | {"pods"}
        return [
            t
            for t in self.things.values()
            if t.plural in wanted and not t.owners and t.came.seq > live.came.seq and t.name.startswith(f"{LIVE}-")
        ]


def story(rec: Recording) -> Story:
    """Reads the watches."""
    things: dict[str, Thing] = {}
    for o in rec.observations:
        if o.kind == "watch" and isinstance(o.body, dict):
            _take(things, o)
    operator = decode(encode(rec.facts["operator"]), Operator)
    return Story(rec=rec, operator=operator, things=things, pods=pods(rec))


def _take(things: dict[str, Thing], o: Observation) -> None:
    obj, now = o.body["object"], Moment(o.seq, o.t)
    meta = obj["metadata"]
    if obj.get("projection"):
        return
    plural = o.subject.split("/")[0]
    thing = things.setdefault(meta["uid"], Thing(meta["uid"], plural, meta["name"], now))
    if o.body["type"] == "DELETED":
        thing.gone = thing.gone or now
        return
    thing.owners = frozenset(r.get("uid", "") for r in meta.get("ownerReferences") or [])
    thing.states.append((now, obj))


def _group(api: str) -> str:
    return api.rpartition("/")[0]


def _qualified(resource: dict[str, str]) -> str:
    return f"{resource['plural']}.{_group(resource['api'])}".rstrip(".")


def kind_name(plural: str, operator: Operator) -> str:
    """The plural of a child kind as watches name it."""
    kind = next(k for k in operator.makes if k.plural == plural)
    return f"{kind.plural}.{_group(kind.api)}".rstrip(".")


# -- admission ----------------------------------------------------------------------------------------------------


def hooks(rec: Recording) -> list[dict[str, Any]]:
    """The operator's admission webhooks, as they were registered; not those by which others adopt its kinds."""
    seen, operator = facts(rec, "hooks"), decode(encode(rec.facts["operator"]), Operator)
    return [h for o in seen[-1:] for h in o.body["hooks"] if registers(operator, h.get("beside") or ())]


def sees(rec: Recording, hook: dict[str, Any], obj: dict[str, Any], plural: str) -> bool:
    """Whether a webhook is to be called when this object is created."""
    group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
    if not any(_rule(rule, group, version, plural, hook["match"]) for rule in hook["rules"]):
        return False
    labels = (obj.get("metadata") or {}).get("labels") or {}
    seen = facts(rec, "hooks")
    space = seen[-1].body["namespace_labels"] if seen else {}
    # Namespace selectors do not apply to what lies in no namespace.
    inside = bool((obj.get("metadata") or {}).get("namespace"))
    return matches(hook["object_selector"], labels) and (not inside or matches(hook["namespace_selector"], space))


def _rule(rule: dict[str, Any], group: str, version: str, plural: str, match: str) -> bool:
    versions = set(rule.get("apiVersions") or [])
    return (
        bool({"*", group} & set(rule.get("apiGroups") or []))
        and bool({"*", version} & versions or match == "Equivalent")
        and bool({"*", "CREATE"} & set(rule.get("operations") or []))
        and bool({"*", "*/*", plural} & set(rule.get("resources") or []))
    )


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """A label selector (meta/v1 LabelSelector)."""
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for e in selector.get("matchExpressions") or []:
        key, operator, values = e.get("key", ""), e.get("operator", ""), e.get("values") or []
        good = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }.get(operator, False)
        if not good:
            return False
    return True


def plural_of(call: Observation) -> str:
    """The plural of what a call was about: "POST jobsets.group/ns/name"."""
    return call.subject.split(" ", 1)[1].split("/")[0].split(".")[0]


# -- installed, refused ------------------------------------------------------------------------------------------


def installed(s: Story) -> tuple[str, tuple[int, ...]]:
    """By what sign the operator itself is here, and what shows it; "" if there is none but its kinds."""
    for o in facts(s.rec, "installed"):
        if o.body:
            return f"Deployment {o.body[0]}", (o.seq,)
    for o in facts(s.rec, "own"):
        if o.body:
            return f"pod {next(iter(o.body.values()))['pod']}", (o.seq,)
    for o in facts(s.rec, "hooks"):
        if own := hooks(s.rec):
            return f"webhook {own[0]['name']}", (o.seq,)
    live = s.resource()
    for now, obj in live.states if live else []:
        if obj.get("status") or obj["metadata"].get("finalizers"):
            return "a status or finalizer that somebody has put into the resource", (now.seq,)
    if live and s.children(live.uid):
        return "what it made", (s.children(live.uid)[0].came.seq,)
    return "", ()


# How quotas, limits and policies put it, in what controllers say of the pods that they could not make.
_REFUSALS = (
    "exceeded quota",
    "failed quota",
    "violates PodSecurity",
    "denied the request",
    "denied request",
    "LimitRange",
    " usage per ",
    "limit to request ratio",
)


def refused(s: Story, step: str) -> Finding | None:
    """UNKNOWN if quotas or policies kept pods away, by what controllers said in events."""
    win = window(s.rec, step)
    for o in s.rec.observations:
        if o.kind != "watch" or not o.subject.startswith("events") or not win.holds(o.seq):
            continue
        text = str(o.body["object"].get("message", ""))
        if any(w in text for w in _REFUSALS):
            return unknown(f"something was refused here: {text[:300]}", code="admission-denied", cites=(o.seq,))
    return None


def said(s: Story, step: str) -> str:
    """The last warning about anything in a window, for the reader; "" if there was none."""
    win = window(s.rec, step)
    texts = [
        f"{o.body['object'].get('reason', '')}: {o.body['object'].get('message', '')}"
        for o in s.rec.observations
        if o.kind == "watch"
        and o.subject.startswith("events")
        and win.holds(o.seq)
        and o.body["object"].get("type") == "Warning"
    ]
    return texts[-1][:300] if texts else ""


def blind(s: Story, step: str, *plurals: str) -> Finding | None:
    """UNKNOWN if one of these kinds was not watched over the whole window of a step: an absence says nothing then."""
    win = window(s.rec, step)
    if not win.whole:
        return unable(s.rec, step) or unknown("this was not tried to its end", code="not-tried")
    space = next((o.subject.partition("/")[2] for o in s.rec.observations if o.kind == "watch.start"), "")
    for plural in plurals:
        if not win.watched(f"{plural}/{space}"):
            return unknown(f"{plural} were not watched without a gap", code="api-lost", cites=win.cites())
    return None
