"""A headless Chromium, driven over WebDriver with nothing but the standard library."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any


def missing() -> str:
    """Why there is no browser here; "" if there is one."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"there is no {program}: install the Debian packages chromium and chromium-driver"
    return ""


class Browser:
    """One window, opened at a page."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> "Browser":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={self._port}", "--log-level=OFF"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self._home.name},
        )
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self._home.name}/profile"]
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self._session = ""
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, patience=60)
        self._session = f"/session/{made['sessionId']}"
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._session:
                self._call("DELETE", "", None)
        finally:
            self._driver.terminate()
            self._driver.wait(10)
            self._home.cleanup()

    def open(self, fragment: str = "") -> None:
        """Loads the page anew."""
        self._call("POST", "/url", {"url": "about:blank"})
        self._call("POST", "/url", {"url": self._url + fragment})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function returns in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": arguments})

    def resize(self, width: int) -> None:
        # A headless window is no narrower than 500: the device is made to be.
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self._call(
            "POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}
        )  # fmt: skip

    def errors(self) -> list[str]:
        """What the page complained about on its console."""
        return [e["message"] for e in self._call("POST", "/se/log", {"type": "browser"})]

    def _call(self, method: str, path: str, body: Any, patience: float = 0) -> Any:
        url = f"http://127.0.0.1:{self._port}{self._session}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        until = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)["value"]
            except urllib.error.HTTPError as error:
                raise AssertionError(error.read().decode()) from None
            except urllib.error.URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
