"""Label selectors, read backwards: which labels make an object one that is selected. Pure."""

from collections.abc import Mapping
from typing import Any

# Labels that only the API server sets: a new namespace has its own random name in it.
_FIXED = ("kubernetes.io/metadata.name",)
_ANY = "true"


class Unsatisfiable(Exception):
    """No labels that the suite may set are selected; the message says why."""


def labels_for(selector: Mapping[str, Any]) -> dict[str, str]:
    """Labels that this selector (metav1.LabelSelector) selects; as few as possible. Raises Unsatisfiable."""
    wanted: dict[str, set[str]] = {k: {v} for k, v in (selector.get("matchLabels") or {}).items()}
    without: dict[str, set[str]] = {}
    absent: set[str] = set()
    present: set[str] = set()
    for rule in selector.get("matchExpressions") or []:
        key, values = rule["key"], set(rule.get("values") or [])
        if rule["operator"] == "In":
            wanted[key] = wanted[key] & values if key in wanted else values
        elif rule["operator"] == "NotIn":
            without[key] = without.get(key, set()) | values
        elif rule["operator"] == "Exists":
            present.add(key)
        elif rule["operator"] == "DoesNotExist":
            absent.add(key)
        else:
            raise Unsatisfiable(f"its selector has the operator {rule['operator']}, which is not known")
    return _chosen(wanted, without, absent, present)


def _chosen(
    wanted: dict[str, set[str]], without: dict[str, set[str]], absent: set[str], present: set[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, values in wanted.items():
        left = sorted(values - without.get(key, set()))
        if key in _FIXED:
            raise Unsatisfiable(f"it selects only namespaces of certain names ({', '.join(left)})")
        if not left or key in absent:
            raise Unsatisfiable(f"its selector contradicts itself about {key}")
        found[key] = left[0]
    for key in present - set(found) - set(_FIXED):
        if key in absent:
            raise Unsatisfiable(f"its selector contradicts itself about {key}")
        found[key] = next(v for v in (_ANY, "yes", "aiconform") if v not in without.get(key, set()))
    if absent & set(_FIXED):
        raise Unsatisfiable("it selects only namespaces without a name")
    return found
