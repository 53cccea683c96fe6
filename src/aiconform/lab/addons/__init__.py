"""Addons: third parties beside the lab, real ones. One module each, which exports ADDON (see `framework`).

Found by looking into this folder; brought up by `lab up --addon NAME`, by `lab addon NAME` and by a fault's step
`addon: NAME`. They stay over `mend`; what a fault changes in them does not.
"""

from .framework import (
    PREFIX,
    Addon,
    Site,
    add,
    clean_all,
    documents,
    expected,
    find,
    names,
    restart,
    run,
    start_all,
)

__all__ = [
    "PREFIX",
    "Addon",
    "Site",
    "add",
    "clean_all",
    "documents",
    "expected",
    "find",
    "names",
    "restart",
    "run",
    "start_all",
]
