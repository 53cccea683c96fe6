"""resource.k8s.io/v1beta1: served where it is enabled; accepted for checklist 1.33 only."""

from aiconform.checks.dra_support.via.shape import Shape

MECHANISM = Shape("v1beta1", flat=True)
