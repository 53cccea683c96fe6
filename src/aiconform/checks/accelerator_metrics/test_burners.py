"""The load scripts, run as they are in a container. NVIDIA's driver library is a stand-in that is compiled here."""

import json
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

PACKAGE = resources.files("aiconform.checks.accelerator_metrics")
MIB = 2**20

# The stand-in keeps to the driver's rules where the script could break them: order, handles, sizes, parameters.
DRIVER = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int context, module_, kernel, launched;
static uint64_t out, next = 0x7f0000000000ULL;

static int fails(const char *name) {
    const char *wanted = getenv("FAKE_FAILS");
    return wanted && strcmp(wanted, name) == 0;
}
#define CALL(name) if (fails(name)) return 2
int cuGetErrorName(int code, const char **text) {
    *text = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_X";
    return 0;
}
int cuInit(unsigned flags) { CALL("cuInit"); return flags ? 1 : 0; }
int cuDeviceGetCount(int *count) { *count = fails("no-device") ? 0 : 1; return 0; }
int cuDeviceGet(int *device, int number) { *device = 7; return number ? 101 : 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "Fake GPU", size); return device == 7 ? 0 : 101; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    for (int i = 0; i < 16; i++) uuid[i] = i * 17;
    return device == 7 ? 0 : 101;
}
int cuDeviceGetPCIBusId(char *text, int size, int device) {
    strncpy(text, "0000:3B:00.0", size);
    return device == 7 ? 0 : 101;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = 2;
    return attribute == 16 && device == 7 ? 0 : 1;
}
int cuCtxCreate_v2(void **made, unsigned flags, int device) {
    CALL("cuCtxCreate_v2");
    *made = &context;
    return flags != 4 || device != 7;
}
int cuModuleLoadData(void **made, const char *text) {
    CALL("cuModuleLoadData");
    *made = &module_;
    return strncmp(text, ".version 6.0", 12) || !strstr(text, ".entry burn(") ? 218 : 0;
}
int cuModuleGetFunction(void **made, void *from, const char *name) {
    *made = &kernel;
    return from != &module_ || strcmp(name, "burn") ? 500 : 0;
}
int cuMemGetInfo_v2(size_t *free_, size_t *total) { *free_ = 1000; *total = 4000; return 0; }
int cuMemAlloc_v2(uint64_t *pointer, size_t size) {
    if (out) CALL("cuMemAlloc_v2");
    *pointer = next;
    if (!out) out = next;
    next += 1 << 20;
    return size ? 0 : 1;
}
int cuMemsetD8_v2(uint64_t pointer, unsigned char value, size_t size) {
    return pointer < out || value != 1 || size > 1000;
}
int cuLaunchKernel(void *what, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **params, void **extra) {
    CALL("cuLaunchKernel");
    if (what != &kernel || gx != 8 || gy != 1 || gz != 1 || bx != 256 || by != 1 || bz != 1) return 1;
    if (shared || stream || extra || *(uint64_t *)params[0] != out) return 1;
    launched = *(uint32_t *)params[1];
    return 0;
}
int cuCtxSynchronize(void) { usleep(launched > 100000 ? 100000 : launched); launched = 0; return 0; }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the stand-in with")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "fake.c").write_text(DRIVER)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libcuda.so.1", folder / "fake.c"], check=True)
    return folder / "libcuda.so.1"


def burn(script: str, config: dict[str, Any], **env: str) -> list[dict[str, Any]]:
    """Every line that a script prints, run to its end."""
    path = str(PACKAGE.joinpath("manifests", script))
    done = subprocess.run(
        [sys.executable, path, json.dumps(config)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(line["probe"] == "burner/1" for line in lines)
    return lines


def phases(lines: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(line["phase"] for line in lines))


@pytest.mark.slow
def test_processor_and_memory_stand_for_a_simulated_device(tmp_path: Path) -> None:
    (tmp_path / "SIM-1").touch()
    config = {"idle": 0.5, "load": 2.5, "bytes": 8 * MIB, "workers": 1, "identity_dir": str(tmp_path)}
    lines = burn("burn_cpu.py", config)
    assert phases(lines) == ["idle", "prepare", "load", "done"]
    assert {tuple(line["identities"]) for line in lines} == {("SIM-1",)}
    last = [line for line in lines if line["phase"] == "load"][-1]
    assert last["bytes"] == 8 * MIB and last["busy"] > 0.8
    named = burn("burn_cpu.py", {"check": True, "identity_env": "GRANTED"}, GRANTED="a,b")
    assert [(line["phase"], line["identities"]) for line in named] == [("done", ["a", "b"])]


@pytest.mark.slow
def test_the_drivers_api_is_used_by_its_rules(library: Path) -> None:
    lines = burn("burn_cuda.py", {"idle": 0.5, "load": 2.5, "bytes": 2**40, "share": 0.5, "library": str(library)})
    assert phases(lines) == ["idle", "prepare", "load", "done"], lines
    identities = {tuple(line["identities"]) for line in lines}
    assert identities == {("GPU-00112233-4455-6677-8899-aabbccddeeff", "0000:3B:00.0")}
    last = [line for line in lines if line["phase"] == "load"][-1]
    assert last["bytes"] == 500 and last["work"] > 3 and last["busy"] > 0.8 and last["device"] == "Fake GPU"


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ("no-device", "sees no device"),
        ("cuInit", "cuInit failed with 2 (CUDA_ERROR_OUT_OF_MEMORY)"),
        ("cuCtxCreate_v2", "cuCtxCreate_v2 failed"),
        ("cuModuleLoadData", "cuModuleLoadData failed"),
        ("cuMemAlloc_v2", "cuMemAlloc_v2 failed"),
        ("cuLaunchKernel", "cuLaunchKernel failed"),
    ],
)
def test_what_the_driver_refuses_is_said(library: Path, failing: str, said: str) -> None:
    config = {"idle": 0, "load": 1, "bytes": 100, "library": str(library)}
    last = burn("burn_cuda.py", config, FAKE_FAILS=failing)[-1]
    assert last["phase"] == "failed" and said in last["error"]


def test_without_the_driver_library() -> None:
    (line,) = burn("burn_cuda.py", {"idle": 0, "load": 1, "bytes": 1, "library": "libabsent.so.9"})
    assert line["phase"] == "failed" and "libabsent.so.9 cannot be loaded" in line["error"]
    (line,) = burn("burn_cuda.py", {"check": True})
    assert line["phase"] == "done"
