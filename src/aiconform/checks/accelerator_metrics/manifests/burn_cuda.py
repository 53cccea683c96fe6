"""Puts a load on an NVIDIA device by the driver's own API: no CUDA image, no compiler, no library but libcuda.so.1.

Runs in any image with python3 >= 3.9 and glibc, with the standard library alone. Its only argument is JSON:

  idle, load      seconds: first a context is held and nothing is done, then memory is held and kernels run
  bytes, share    how much memory, and the greatest share of what is free
  library         name of the driver library (default libcuda.so.1)
  check           only show that this script runs here, and end

Prints a line of JSON each second, as burn_cpu.py does:

  {"probe": "burner/1", "phase": "idle" | "prepare" | "load" | "done" | "failed", "seconds": of this phase,
   "identities": [UUID, PCI address], "bytes": allocated now, "busy": share of the load's time in which a kernel ran,
   "work": kernel launches, "device": name, "error": ""}

Untried on a real GPU: the calls follow the driver API's documentation (cuda.h of CUDA 8 and newer), and the tests run
them against a stand-in. The kernel is PTX, which every driver since CUDA 9 translates for its device (sm_50 and newer).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any

BLOCK, LONGEST = 256, 1 << 30
MULTIPROCESSORS = 16  # CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
# CU_CTX_SCHED_BLOCKING_SYNC: the processor sleeps while a kernel runs, so that its load is not taken for the device's.
SLEEPING = 4
# One launch should take about so long: short enough to be ended, long enough to keep the device busy.
LAUNCH_SECONDS = 0.05

# Each thread does `rounds` dependent multiplications and stores its result, so that none of it can be left out.
PTX = b"""\
.version 6.0
.target sm_50
.address_size 64

.visible .entry burn(
    .param .u64 burn_param_0,
    .param .u32 burn_param_1
)
{
    .reg .pred %p<2>;
    .reg .f32 %f<4>;
    .reg .b32 %r<4>;
    .reg .b64 %rd<5>;

    ld.param.u64 %rd1, [burn_param_0];
    ld.param.u32 %r1, [burn_param_1];
    cvta.to.global.u64 %rd2, %rd1;
    mov.u32 %r2, %tid.x;
    cvt.rn.f32.u32 %f1, %r2;
    mov.f32 %f2, 0f3F800001;
    mov.f32 %f3, 0f3A83126F;
    mov.u32 %r3, 0;
AGAIN:
    fma.rn.f32 %f1, %f1, %f2, %f3;
    add.u32 %r3, %r3, 1;
    setp.lt.u32 %p1, %r3, %r1;
    @%p1 bra AGAIN;
    mul.wide.u32 %rd3, %r2, 4;
    add.s64 %rd4, %rd2, %rd3;
    st.global.f32 [%rd4], %f1;
    ret;
}
"""


class Failed(Exception):
    """The load cannot be made; the message says which call said what."""


class Driver:
    """The calls that are needed, checked. Handles and device pointers are 64 bits wide, ordinals and sizes not."""

    def __init__(self, library: str) -> None:
        try:
            self.lib = ctypes.CDLL(library)
        except OSError as error:
            raise Failed(f"{library} cannot be loaded: {error}") from None

    def call(self, name: str, *args: Any) -> None:
        function = getattr(self.lib, name, None)
        if function is None:
            raise Failed(f"the driver library has no {name}")
        function.restype = ctypes.c_int
        code = function(*args)
        if code != 0:
            raise Failed(f"{name} failed with {code} ({self.error(code)})")

    def error(self, code: int) -> str:
        text = ctypes.c_char_p()
        try:
            self.lib.cuGetErrorName(ctypes.c_int(code), ctypes.byref(text))
        except AttributeError:
            return "?"
        return (text.value or b"?").decode()

    def has(self, name: str) -> bool:
        return hasattr(self.lib, name)


class Device:
    """The first device that the container was given, with a context and the kernel. Everything stays until the end."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        driver.call("cuInit", ctypes.c_uint(0))
        count = ctypes.c_int()
        driver.call("cuDeviceGetCount", ctypes.byref(count))
        if count.value < 1:
            raise Failed("the driver library sees no device")
        self.number = ctypes.c_int()
        driver.call("cuDeviceGet", ctypes.byref(self.number), ctypes.c_int(0))
        name = ctypes.create_string_buffer(256)
        driver.call("cuDeviceGetName", name, ctypes.c_int(256), self.number)
        self.name = name.value.decode(errors="replace")
        self.identities = [self._uuid(), *self._address()]
        processors = ctypes.c_int()
        driver.call("cuDeviceGetAttribute", ctypes.byref(processors), ctypes.c_int(MULTIPROCESSORS), self.number)
        self.blocks = max(processors.value, 1) * 4
        self.context = ctypes.c_void_p()
        driver.call("cuCtxCreate_v2", ctypes.byref(self.context), ctypes.c_uint(SLEEPING), self.number)
        module = ctypes.c_void_p()
        driver.call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(PTX))
        self.kernel = ctypes.c_void_p()
        driver.call("cuModuleGetFunction", ctypes.byref(self.kernel), module, ctypes.c_char_p(b"burn"))
        self.out = self.allocate(BLOCK * 4)

    def _uuid(self) -> str:
        """ "GPU-..." or, by the newer call, "MIG-..." of the instance that the container was given."""
        raw = (ctypes.c_ubyte * 16)()
        newer = self.driver.has("cuDeviceGetUuid_v2")
        self.driver.call("cuDeviceGetUuid_v2" if newer else "cuDeviceGetUuid", ctypes.byref(raw), self.number)
        text = bytes(raw).hex()
        return "GPU-" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def _address(self) -> list[str]:
        text = ctypes.create_string_buffer(64)
        try:
            self.driver.call("cuDeviceGetPCIBusId", text, ctypes.c_int(64), self.number)
        except Failed:
            return []
        return [text.value.decode(errors="replace")]

    def allocate(self, size: int) -> ctypes.c_uint64:
        pointer = ctypes.c_uint64()
        self.driver.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def fill(self, wanted: int, share: float) -> int:
        """Allocates and writes memory: the bytes wanted, or this share of what is free."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.driver.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        size = min(wanted, int(free.value * share))
        if size < 1:
            raise Failed(f"only {free.value} bytes of the device's memory are free")
        pointer = self.allocate(size)
        self.driver.call("cuMemsetD8_v2", pointer, ctypes.c_ubyte(1), ctypes.c_size_t(size))
        self.driver.call("cuCtxSynchronize")
        return size

    def burn(self, rounds: int) -> float:
        """One launch, to its end: seconds."""
        first, second = ctypes.c_uint64(self.out.value), ctypes.c_uint(rounds)
        arguments = (ctypes.c_void_p * 2)(ctypes.addressof(first), ctypes.addressof(second))
        one, nothing = ctypes.c_uint(1), ctypes.c_void_p()
        began = time.monotonic()
        self.driver.call(
            "cuLaunchKernel", self.kernel, ctypes.c_uint(self.blocks), one, one, ctypes.c_uint(BLOCK), one, one,
            ctypes.c_uint(0), nothing, arguments, nothing,
        )  # fmt: skip
        self.driver.call("cuCtxSynchronize")
        return time.monotonic() - began


def report(phase: str, began: float, **more: Any) -> None:
    line = {
        "probe": "burner/1", "phase": phase, "seconds": round(time.monotonic() - began, 3), "identities": [],
        "bytes": 0, "busy": 0.0, "work": 0, "device": "", "error": "",
    }  # fmt: skip
    print(json.dumps({**line, **more}, sort_keys=True), flush=True)


def run(config: dict[str, Any]) -> None:
    began = time.monotonic()
    device = Device(Driver(config.get("library") or "libcuda.so.1"))
    who = {"identities": device.identities, "device": device.name}
    # Translated and started once before the idle time, so that what this needs is no part of the load.
    rounds = 1024
    while device.burn(rounds) < LAUNCH_SECONDS and rounds < LONGEST:
        rounds *= 2
    began = time.monotonic()
    while time.monotonic() - began < config["idle"]:
        report("idle", began, **who)
        time.sleep(1)
    report("prepare", began, **who)
    size = device.fill(int(config["bytes"]), float(config.get("share", 0.5)))
    began = said = time.monotonic()
    computed, work = 0.0, 0
    report("load", began, bytes=size, **who)
    while time.monotonic() - began < config["load"]:
        computed += device.burn(rounds)
        work += 1
        if time.monotonic() - said >= 1:
            said = time.monotonic()
            busy = min(computed / (said - began), 1.0)
            report("load", began, bytes=size, busy=round(busy, 4), work=work, **who)
    report("done", began, **who)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    config = json.loads(sys.argv[1])
    began = time.monotonic()
    if config.get("check"):
        report("done", began)
        return
    try:
        run(config)
    except Failed as error:
        report("failed", began, error=str(error))


if __name__ == "__main__":
    main()
