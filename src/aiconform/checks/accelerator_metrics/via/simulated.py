"""The lab's accelerators. Their exporter speaks as others do; their work is the processor time of their holder."""

from aiconform.checks.accelerator_metrics.via import Burner, Known

MECHANISM = Known(
    product="simulated",
    proved="Kubernetes 1.37.1, in CI on the lab, sound and broken",
    burner=Burner(
        script="burn_cpu.py",
        bytes=256 * 2**20,
        # The driver tells a container its devices by files in this folder.
        settings={"workers": 2, "identity_dir": "/run/simaccel/devices"},
        cpu="500m",
        memory="320Mi",
    ),
)
