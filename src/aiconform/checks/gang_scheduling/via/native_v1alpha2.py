"""Gang scheduling of Kubernetes itself, in the form of 1.36: PodGroup of scheduling.k8s.io/v1alpha2.

The same shape as in 1.37, behind two feature gates: GenericWorkload (API server and scheduler) and
GangScheduling (scheduler), both alpha and off by default.
"""

from aiconform.checks.gang_scheduling.via.native import ALPHA_GATES, Native, gated


class NativeV1alpha2(Native):
    """See the module."""

    product = "native-v1alpha2"
    proved = "Kubernetes 1.36.3 (v1alpha2), on the lab, sound and broken; recordings in CI"
    versions = ("v1alpha2",)
    remedies = gated(ALPHA_GATES)


MECHANISM = NativeV1alpha2()
