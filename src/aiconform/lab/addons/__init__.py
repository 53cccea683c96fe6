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
    with_needs,
)

PROFILES: dict[str, tuple[str, ...]] = {
    "core": (),
    "full": ("accelerator-exporter", "envoy-gateway", "jobset", "karpenter", "metrics-api", "prometheus"),
}
"""What `lab up --profile` brings up. "full" is what the checks of every MUST need."""

__all__ = [
    "PREFIX",
    "PROFILES",
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
    "with_needs",
]
