"""Which images a plan would use, known without a cluster: for mirrors, and for reviews before a run."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aiconform.cluster.images import ImageRules
from aiconform.engine import registry
from aiconform.model import Options

# A manifest's `image: X` or `reference: X` (image volumes); `${...}` is a parameter, filled in at run time.
_IMAGE = re.compile(r"""^\s*(?:-\s+)?(?:image|reference):\s*["']?([^\s"'#]+)""", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ImageUse:
    """One image: `image` is what would be pulled, `instead_of` what the check names if that differs, else ""."""

    image: str
    instead_of: str
    checks: tuple[str, ...]
    why: str


def images(checks: Iterable[str], options: Options, rules: ImageRules) -> tuple[ImageUse, ...]:
    """Every image of these checks, sorted, with `--probe-image` and the rules applied."""
    used: dict[str, dict[str, str]] = {}
    for check in checks:
        for image, why in _named(check, options):
            used.setdefault(image, {})[check] = why
    uses = (
        ImageUse(
            image=rules.image(image),
            instead_of=image if rules.image(image) != image else "",
            checks=tuple(sorted(by)),
            why="; ".join(dict.fromkeys(by.values())),
        )
        for image, by in used.items()
    )
    return tuple(sorted(uses, key=lambda u: (u.image, u.instead_of)))


def _named(check: str, options: Options) -> list[tuple[str, str]]:
    loaded = registry.load(check)
    found: list[tuple[str, str]] = []
    if any("pods" in p.resources and "create" in p.verbs for p in loaded.check.permissions):
        found.append((options.probe_image, "probes, any image with python3 (--probe-image)"))
    for manifest in sorted(registry.folder(check).glob("manifests/**/*.y*ml")):
        text = _text(manifest)
        found += [(image, f"manifest {manifest.name}") for image in _IMAGE.findall(text) if "${" not in image]
    wanted = {named.partition(":")[0] for named in options.mechanisms(check)}
    for mechanism in loaded.mechanisms():
        if not wanted or mechanism.product in wanted:
            # Most adapters bring no image of their own.
            found += [(image, f"with {mechanism.product}") for image in getattr(mechanism, "images", ())]
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
