"""Where images come from: `--image-map`, `--registry` and `--pull-secret`, put into manifests. Pure.

References are read as container runtimes read them: "python:3.13" is "docker.io/library/python:3.13".
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PULL_SECRET = "aiconform-pull"
"""What the copy of the user's pull secret is called in the namespaces that a run makes."""

# As in the distribution reference grammar: a registry, path components, a tag, a digest.
_REFERENCE = re.compile(
    r"(?P<first>[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?"
    r"(?P<rest>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?P<version>(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]+)?)"
)
_LISTS = ("containers", "initContainers", "ephemeralContainers")


class BadImage(ValueError):
    """A reference or a mapping that cannot be used; the message says which."""


@dataclass(frozen=True, kw_only=True)
class ImageRules:
    """`image_map`: FROM -> TO; FROM with a tag or digest names that image, without one every tag of it.

    `registry`: a prefix that takes the place of the registry's host for all other images ("" for none).
    `pull_secret`: "NAMESPACE/NAME" of an existing Secret to pull with ("" for none).
    """

    image_map: dict[str, str] = field(default_factory=dict)
    registry: str = ""
    pull_secret: str = ""

    def __post_init__(self) -> None:
        for source, target in self.image_map.items():
            parse(source)
            parse(target)
        if self.registry and (not self.registry.strip("/") or re.search(r"[\s@]|://", self.registry)):
            form = "a host and perhaps a path, such as mirror.example/ai"
            raise BadImage(f"a registry prefix is {form}, not {self.registry!r}")
        if self.pull_secret and not re.fullmatch(r"[a-z0-9.-]+/[a-z0-9.-]+", self.pull_secret):
            raise BadImage(f"a pull secret is named NAMESPACE/NAME, not {self.pull_secret!r}")

    def image(self, reference: str) -> str:
        """The image that is used instead, or the same text if no rule speaks about it."""
        host, path, version = parse(reference)
        whole = f"{host}/{path}{version or ':latest'}"
        for source, target in self.image_map.items():
            from_host, from_path, from_version = parse(source)
            if from_version and f"{from_host}/{from_path}{from_version}" == whole:
                return target
        for source, target in self.image_map.items():
            from_host, from_path, from_version = parse(source)
            if not from_version and (from_host, from_path) == (host, path):
                return target if parse(target)[2] else target + version
        prefix = self.registry.strip("/")
        mapped = any(parse(target)[:2] == (host, path) for target in self.image_map.values())
        if not prefix or mapped or f"{host}/{path}".startswith(prefix + "/"):
            return reference  # nothing to do, or done already
        return f"{prefix}/{path}{version}"


def parse(reference: str) -> tuple[str, str, str]:
    """(registry host, path, ":tag" or "@digest" or both or ""). BadImage if it is no reference."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise BadImage(f"{reference!r} is no image reference, such as docker.io/library/python:3.13-slim")
    first = (match["first"] or "").removesuffix("/")
    if set(".:") & set(first) or first == "localhost":
        host, path = first, match["rest"]
    else:
        host, path = "docker.io", (match["first"] or "") + match["rest"]
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return host, path, match["version"]


def apply(manifest: dict[str, Any], rules: ImageRules) -> dict[str, Any]:
    """A copy of the manifest in which every container's and image volume's reference follows the rules.

    With a pull secret every pod and pod template names its copy (`PULL_SECRET`), which `copy_of` makes. References that
    cannot be read stay as they are: the API server will say what is wrong with them.
    """
    out = copy.deepcopy(manifest)
    for holder, key in _places(out):
        try:
            holder[key] = rules.image(holder[key])
        except BadImage:
            continue
    if rules.pull_secret:
        for spec in _pod_specs(out):
            named = spec.setdefault("imagePullSecrets", [])
            if not any(s.get("name") == PULL_SECRET for s in named):
                named.append({"name": PULL_SECRET})
    return out


def references(manifest: dict[str, Any]) -> tuple[str, ...]:
    """The images that a manifest names, sorted."""
    return tuple(sorted({holder[key] for holder, key in _places(manifest)}))


def copy_of(secret: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The copy of a pull secret for one of the run's namespaces. BadImage if it is of another type."""
    kind = str(secret.get("type", ""))
    if kind not in ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"):
        raise BadImage(f"the pull secret is of type {kind or 'unknown'}, not kubernetes.io/dockerconfigjson")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": PULL_SECRET, "namespace": namespace},
        "type": kind,
        "data": dict(secret.get("data") or {}),
    }


def _places(node: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """(dict, key) of every image reference, at any depth: custom resources hold pod templates, too."""
    if isinstance(node, list):
        for item in node:
            yield from _places(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _LISTS and isinstance(value, list):
                yield from ((c, "image") for c in value if isinstance(c, dict) and isinstance(c.get("image"), str))
            if key == "volumes" and isinstance(value, list):
                sources = (v.get("image") for v in value if isinstance(v, dict))
                yield from ((s, "reference") for s in sources if isinstance(s, dict) and "reference" in s)
            if key != "status":
                yield from _places(value)


def _pod_specs(obj: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if obj.get("kind") == "Pod" and isinstance(obj.get("spec"), dict):
        yield obj["spec"]
    yield from _template_specs(obj.get("spec"))


def _template_specs(node: Any) -> Iterator[dict[str, Any]]:
    """The spec of everything that is called a template (template, workerTemplate, ...) and has containers."""
    if isinstance(node, list):
        for item in node:
            yield from _template_specs(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            spec = value.get("spec") if isinstance(value, dict) and key.lower().endswith("template") else None
            if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
                yield spec
            yield from _template_specs(value)
