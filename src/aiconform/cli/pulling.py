"""Flags about images, and the checks that a command without a cluster speaks about."""

from typing import Annotated

import typer

from aiconform.checklists import load, versions
from aiconform.cli.errors import usage
from aiconform.cluster.images import BadImage, ImageRules
from aiconform.engine import registry
from aiconform.engine.plan import selected
from aiconform.model import Options

ImageMap = Annotated[
    list[str] | None,
    typer.Option(
        "--image-map",
        help="Use another image: FROM=TO (repeatable; FROM without a tag: all of its tags).",
        metavar="FROM=TO",
    ),
]
Registry = Annotated[
    str,
    typer.Option(
        "--registry", help="Pull all other images from this prefix instead of their registry.", metavar="PREFIX"
    ),
]
PullSecret = Annotated[
    str, typer.Option("--pull-secret", help="An existing Secret to pull images with.", metavar="NAMESPACE/NAME")
]


def image_rules(
    image_map: list[str] | dict[str, str] | None = None, registry: str = "", pull_secret: str = ""
) -> ImageRules:
    """The flags as rules; a usage error for one that cannot be understood."""
    pairs: dict[str, str] = image_map if isinstance(image_map, dict) else {}
    for item in image_map if isinstance(image_map, list) else ():
        source, equals, target = item.partition("=")
        if not equals:
            raise usage(f"--image-map needs FROM=TO, not {item!r}")
        pairs[source] = target
    try:
        return ImageRules(image_map=pairs, registry=registry, pull_secret=pull_secret)
    except BadImage as error:
        raise usage(str(error)) from None


def planned(options: Options) -> tuple[str, ...]:
    """The checks that a run with these options would try, whatever the cluster; newest checklist by default."""
    chosen = selected(load(options.checklist or versions()[-1]), options)
    return tuple(c for c in registry.names() if c in chosen)
