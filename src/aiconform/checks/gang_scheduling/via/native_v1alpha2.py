"""Gang scheduling of Kubernetes itself, in the form of 1.36: PodGroup of scheduling.k8s.io/v1alpha2.

The same shape as in 1.37, behind two feature gates: GenericWorkload (API server and scheduler) and
GangScheduling (scheduler), both alpha and off by default.
"""

from aiconform.checks.gang_scheduling.via.defaults import NOT_PROVED
from aiconform.checks.gang_scheduling.via.native import Native


class NativeV1alpha2(Native):
    """See the module."""

    product = "native-v1alpha2"
    proved = NOT_PROVED
    versions = ("v1alpha2",)


MECHANISM = NativeV1alpha2()
