"""Accelerators of which nothing is known. Their metrics are looked for under every name that is known."""

from aiconform.checks.accelerator_metrics.via import Known

MECHANISM = Known(product="unrecognised", proved="on the lab: its own accelerators under names that no vendor uses")
