"""What is left out of evidence, by which rule. Pure functions.

Redaction runs before anything is written, and what it did is recorded (`kind="redaction"`). The rules:

=============== ===================================================================================
foreign         a namespaced object that neither carries the run label nor lies in a namespace of the
                run is cut down to name, namespace, uid, owner kinds, node, requests, phase and the
                devices that are allocated (not their configuration)
secret          every value under `data` and `stringData` of a Secret
configmap       every value under `data` and `binaryData` of a ConfigMap that is not ours
env             the value of each environment variable of an object that is not ours, and of variables
                in any object whose name says that they hold a credential
annotation      the value of each annotation of an object that is not ours, unless its key belongs to
                Kubernetes (k8s.io, kubernetes.io) or the value is a number, a duration, true or false
token           strings under keys such as `token`, `password`, `authorization`, `client-key-data`
header          Authorization, Cookie, Set-Cookie and alike, in HTTP headers
bearer          JSON Web Tokens and `Bearer ...` in any text: logs, command lines, messages
url             user and password in the URLs of any text (`https://user:password@proxy`)
last-applied    kubectl's last-applied-configuration annotation (a second copy of the object)
managed-fields  metadata.managedFields (bookkeeping, no behaviour); reported as one total at the end
node-images     status.images of a Node: what others run there, and most of its size; one total, too
=============== ===================================================================================

A redacted value is replaced by `REMOVED`, so that a reader sees that something was there.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

RUN_LABEL = "aiconform.dev/run"
REMOVED = "(removed)"
QUIET = frozenset({"managed-fields", "node-images"})
"""Rules that say nothing about an observation: counted, and recorded once as a total."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_KEYS = frozenset(
    {
        "token", "access_token", "id_token", "refresh_token", "password", "passwd", "authorization",
        "client_secret", "client-key-data", "clientkeydata", "client-certificate-data", "bearer_token",
    }
)  # fmt: skip
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-auth-token", "x-api-key"}
)
_SECRET_ENV = re.compile(r"token|secret|passw|pwd|credential|auth|licen[cs]e|conn\w*str|dsn|key(_|$)", re.IGNORECASE)
_KEPT_ANNOTATION = re.compile(r"([a-z0-9.-]+\.)?(k8s|kubernetes)\.io/")
_PLAIN_VALUE = re.compile(r"|true|false|-?[0-9.]{1,12}(ms|s|m|h|%)?", re.IGNORECASE)
# A JWT starts with the base64url of '{"'; its payload does, too. The signature may have been cut off.
_BEARER = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{16,}"
)
_USER_INFO = re.compile(r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)")


def redact(body: Any, *, own_namespaces: Collection[str] = (), run: str = "") -> tuple[Any, Counter[str]]:
    """A copy of `body` without what must not be written, and how often each rule did something.

    `own_namespaces` are the namespaces that the run made; `run` its id ("" takes any run label as ours).
    """
    counts: Counter[str] = Counter()
    return _walk(body, "", _Rules(counts, frozenset(own_namespaces), run)), counts


class _Rules:
    def __init__(self, counts: Counter[str], own: frozenset[str], run: str) -> None:
        self.counts = counts
        self.own = own
        self.run = run

    def ours(self, obj: dict[str, Any]) -> bool:
        meta = obj.get("metadata") or {}
        label = (meta.get("labels") or {}).get(RUN_LABEL, "")
        if label and (not self.run or label == self.run):
            return True
        if obj.get("kind") == "Namespace":
            return meta.get("name") in self.own
        return bool(meta.get("namespace")) and meta.get("namespace") in self.own

    def text(self, value: str) -> str:
        if "://" in value and "@" in value:
            value, hits = _USER_INFO.subn(REMOVED, value)
            self.counts["url"] += hits
        if "eyJ" not in value and "earer" not in value:
            return value
        clean, hits = _BEARER.subn(REMOVED, value)
        self.counts["bearer"] += hits
        return clean


def _walk(value: Any, key: str, rules: _Rules) -> Any:
    if isinstance(value, str):
        return rules.text(value)
    if isinstance(value, dict):
        if _is_object(value):
            return _object(value, rules)
        if key.lower() == "headers":
            return _masked(value, rules, "header", lambda k: k.lower() in _SECRET_HEADERS)
        return {rules.text(str(k)): _entry(k, v, rules) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(v, key, rules) for v in value]
    return value


def _entry(key: str, value: Any, rules: _Rules) -> Any:
    if isinstance(value, str) and value and key.lower() in _SECRET_KEYS:
        rules.counts["token"] += 1
        return REMOVED
    return _walk(value, key, rules)


def _masked(value: dict[str, Any], rules: _Rules, rule: str, test: Callable[[str], bool]) -> dict[str, Any]:
    out = {}
    for k, v in value.items():
        if test(k):
            rules.counts[rule] += 1
            out[k] = REMOVED
        else:
            out[k] = _walk(v, k, rules)
    return out


def _is_object(value: dict[str, Any]) -> bool:
    return isinstance(value.get("metadata"), dict) and ("kind" in value or "apiVersion" in value)


def _object(obj: dict[str, Any], rules: _Rules) -> Any:
    kind = str(obj.get("kind", ""))
    if kind.endswith("List") and isinstance(obj.get("items"), list):
        # Items of a list do not carry their kind; without it the rules below would not know them.
        name = {"kind": kind.removesuffix("List"), "apiVersion": obj.get("apiVersion", "")}
        return {**obj, "items": [_object({**name, **item}, rules) for item in obj["items"]]}
    obj = {**obj, "metadata": _metadata(obj["metadata"], rules)}
    ours = rules.ours(obj)
    if not ours and isinstance(notes := obj["metadata"].get("annotations"), dict):
        obj["metadata"]["annotations"] = _masked(notes, rules, "annotation", lambda k: _private(k, notes[k]))
    if kind == "Secret" or (kind == "ConfigMap" and not ours):
        rule = "secret" if kind == "Secret" else "configmap"
        for part in ("data", "stringData", "binaryData"):
            if isinstance(obj.get(part), dict):
                obj[part] = _masked(obj[part], rules, rule, lambda _: True)
    if kind == "Node" and isinstance(obj.get("status"), dict) and obj["status"].get("images"):
        rules.counts["node-images"] += 1
        obj["status"] = {k: v for k, v in obj["status"].items() if k != "images"}
    if not ours and obj["metadata"].get("namespace"):
        rules.counts["foreign"] += 1
        return projection(obj)
    return {k: _inside(v, k, rules, ours) for k, v in obj.items()}


def _metadata(meta: dict[str, Any], rules: _Rules) -> dict[str, Any]:
    meta = dict(meta)
    if meta.pop("managedFields", None) is not None:
        rules.counts["managed-fields"] += 1
    if isinstance(notes := meta.get("annotations"), dict) and _LAST_APPLIED in notes:
        rules.counts["last-applied"] += 1
        meta["annotations"] = {k: v for k, v in notes.items() if k != _LAST_APPLIED}
    return meta


def _private(key: str, value: Any) -> bool:
    return not _KEPT_ANNOTATION.match(key) and not _PLAIN_VALUE.fullmatch(str(value))


def _inside(value: Any, key: str, rules: _Rules, ours: bool) -> Any:
    """The inside of one Kubernetes object: like `_walk`, but knows environment variables."""
    if key == "env" and isinstance(value, list):
        return [_variable(v, rules, ours) for v in value]
    if isinstance(value, dict):
        if _is_object(value):
            return _object(value, rules)
        return {k: _inside_entry(k, v, rules, ours) for k, v in value.items()}
    if isinstance(value, list):
        return [_inside(v, key, rules, ours) for v in value]
    return rules.text(value) if isinstance(value, str) else value


def _inside_entry(key: str, value: Any, rules: _Rules, ours: bool) -> Any:
    if isinstance(value, str):
        return _entry(key, value, rules)
    return _inside(value, key, rules, ours)


def _variable(var: Any, rules: _Rules, ours: bool) -> Any:
    if not isinstance(var, dict) or not var.get("value"):
        return var
    if ours and not _SECRET_ENV.search(str(var.get("name", ""))):
        return {**var, "value": rules.text(str(var["value"]))}
    rules.counts["env"] += 1
    return {**var, "value": REMOVED}


def projection(obj: dict[str, Any]) -> dict[str, Any]:
    """What may be kept of somebody else's object; it keeps the shape of the whole."""
    meta, spec, status = (obj.get(k) or {} for k in ("metadata", "spec", "status"))
    names = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp")
    kept = {k: meta[k] for k in names if k in meta}
    kept["ownerReferences"] = [{"kind": o.get("kind", "")} for o in meta.get("ownerReferences") or []]
    out: dict[str, Any] = {k: obj[k] for k in ("apiVersion", "kind") if k in obj}
    out |= {"projection": True, "metadata": kept, "spec": {}, "status": {}}
    if "nodeName" in spec:
        out["spec"]["nodeName"] = spec["nodeName"]
    for part in ("initContainers", "containers"):
        if isinstance(spec.get(part), list):
            out["spec"][part] = [_requests(c) for c in spec[part] if isinstance(c, dict)]
    if "phase" in status:
        out["status"]["phase"] = status["phase"]
    if isinstance(status.get("allocation"), dict):
        # Beside the results lies what users have written for drivers, which may be anything.
        results = (status["allocation"].get("devices") or {}).get("results") or []
        out["status"]["allocation"] = {"devices": {"results": results}}
    return out


def _requests(container: dict[str, Any]) -> dict[str, Any]:
    kept = {k: container[k] for k in ("restartPolicy",) if k in container}
    return kept | {"resources": {"requests": (container.get("resources") or {}).get("requests") or {}}}
