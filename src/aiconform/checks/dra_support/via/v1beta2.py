"""resource.k8s.io/v1beta2: served where it is enabled; accepted for checklist 1.33 only."""

from aiconform.checks.dra_support.via.shape import Shape

MECHANISM = Shape("v1beta2")
