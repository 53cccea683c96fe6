"""resource.k8s.io/v1: on by default from Kubernetes 1.34 on."""

from aiconform.checks.dra_support.via.shape import Shape

MECHANISM = Shape("v1")
