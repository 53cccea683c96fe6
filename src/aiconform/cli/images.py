"""`aiconform images`: every image that a plan would use."""

from typing import Annotated

import typer
from rich.table import Table

from aiconform.cli import output
from aiconform.cli import settings as s
from aiconform.cli.pulling import ImageMap, Registry, image_rules, planned


def images(
    only: s.Only = None,
    skip: s.Skip = None,
    checklist: s.ChecklistVersion = "",
    mechanism: s.Mechanisms = None,
    probe_image: s.ProbeImage = None,
    image_map: ImageMap = None,
    registry: Registry = "",
    form: Annotated[str, typer.Option("--output", "-o", help="table, json, yaml or name.", metavar="FORMAT")] = "table",
) -> int:
    """List the images that a run of these checks would pull, to mirror them or to review them. Needs no cluster.

    `-o name` prints one a line. Products that the platform brings itself pull their own images besides.
    """
    from aiconform.engine import images as engine

    output.check_format(form)
    options = s.make_options(only=only, skip=skip, checklist=checklist, mechanism=mechanism, probe_image=probe_image)
    found = engine.images(planned(options), options, image_rules(image_map, registry))
    if form in ("json", "yaml"):
        output.dump(found, form)
    elif form == "name":
        print("\n".join(use.image for use in found))
    else:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("image", "instead of", "checks", "what for"):
            table.add_column(name, overflow="fold")
        for use in found:
            table.add_row(use.image, use.instead_of or "-", ", ".join(use.checks), use.why)
        output.console().print(table)
    return 0
