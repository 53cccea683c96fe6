"""Connecting: every way that kubectl knows, and one clear sentence where it does not work."""

import asyncio
import base64
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tls_server import Authority, serve, version

from aiconform.cluster.connect import connect
from aiconform.cluster.errors import ClusterError
from aiconform.cluster.kubeconfig import find

Object = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(
    path: Path, server: str, user: Object | None = None, cluster: Object | None = None, context: str = "main"
) -> Path:
    """A kubeconfig with one context, cluster and user."""
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": context,
        "clusters": [{"name": "c", "cluster": {"server": server} | (cluster or {})}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u", "namespace": "home"}}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content))
    return path


async def reach(path: Path, context: str | None = None) -> str:
    cluster = await connect(str(path), context, suite_version="0", patience=0)
    await cluster.close()
    return cluster.server_version


def failing(path: Path | str | None, context: str | None = None) -> ClusterError:
    with pytest.raises(ClusterError) as e:
        asyncio.run(connect(str(path) if path else None, context, suite_version="0"))
    assert "\n" not in e.value.message and len(e.value.message) < 600
    return e.value


def test_a_client_certificate_from_files_or_data(tmp_path: Path, authority: Authority) -> None:
    pair = authority.issue("alice")
    pair.save(tmp_path, "client")
    (tmp_path / "ca.crt").write_text(authority.cert)
    names: list[str] = []

    def answer(headers: dict[str, str], path: str) -> tuple[int, Any]:
        names.append(headers["client-name"])
        return version(headers, path)

    async def main() -> None:
        async with serve(tmp_path, authority, answer, mutual=True) as url:
            files = {"client-certificate": "client.crt", "client-key": "client.key"}
            assert await reach(config(tmp_path / "a", url, files, {"certificate-authority": "ca.crt"})) == "v1.37.1"
            data = {"client-certificate-data": b64(pair.cert), "client-key-data": b64(pair.key)}
            ca = {"certificate-authority-data": b64(authority.cert)}
            assert await reach(config(tmp_path / "b", url, data, ca)) == "v1.37.1"

    asyncio.run(main())
    assert names == ["alice", "alice"]


@pytest.mark.parametrize("how", ["token", "tokenFile", "as"])
def test_headers_of_every_plain_way(tmp_path: Path, authority: Authority, how: str) -> None:
    (tmp_path / "token").write_text("from-file\n")
    users: dict[str, Object] = {
        "token": {"token": "plain"},
        "tokenFile": {"token": "plain", "tokenFile": "token"},
        "as": {"token": "plain", "as": "bob", "as-groups": ["g1"]},
    }
    seen: list[dict[str, str]] = []

    def answer(headers: dict[str, str], path: str) -> tuple[int, Any]:
        seen.append(headers)
        return version(headers, path)

    async def main() -> None:
        async with serve(tmp_path, authority, answer) as url:
            await reach(config(tmp_path / "a", url, users[how], {"certificate-authority-data": b64(authority.cert)}))

    asyncio.run(main())
    assert seen[0]["authorization"] == ("Bearer from-file" if how == "tokenFile" else "Bearer plain")
    assert seen[0].get("impersonate-user") == ("bob" if how == "as" else None)
    assert seen[0].get("impersonate-group") == ("g1" if how == "as" else None)


def test_tls_is_checked_unless_told_otherwise(tmp_path: Path, authority: Authority) -> None:
    ca = {"certificate-authority-data": b64(authority.cert)}

    async def main() -> None:
        async with serve(tmp_path, authority, names=("cluster.example",)) as url:
            with pytest.raises(ClusterError) as e:
                await reach(config(tmp_path / "a", url))
            assert e.value.code == "tls-untrusted" and "not trusted" in e.value.message
            with pytest.raises(ClusterError) as e:
                await reach(config(tmp_path / "a", url, cluster=ca))
            assert e.value.code == "tls-untrusted" and "127.0.0.1" in e.value.message
            assert await reach(config(tmp_path / "a", url, cluster=ca | {"tls-server-name": "cluster.example"}))
            assert await reach(config(tmp_path / "a", url, cluster={"insecure-skip-tls-verify": True}))

    asyncio.run(main())


def test_expired_and_future_client_certificates_are_told_before_connecting(
    tmp_path: Path, authority: Authority
) -> None:
    for days, said in (((-3, -2), "expired on"), ((2, 3), "only valid from")):
        pair = authority.issue("old", days=days)
        user = {"client-certificate-data": b64(pair.cert), "client-key-data": b64(pair.key)}
        e = failing(config(tmp_path / "a", "https://192.0.2.1", user))
        assert e.code == "expired-certificate" and said in e.message and "'main'" in e.message


@pytest.mark.parametrize(
    ("code", "body", "error", "said"),
    [
        (401, {"kind": "Status", "message": "Unauthorized"}, "unauthorised", "log in again"),
        (200, {"gitVersion": "v1.32.9"}, "too-old", "v1.32.9"),
        (200, {"hello": "world"}, "not-kubernetes", "did not answer"),
        (404, "<html>", "not-kubernetes", "check the server address"),
    ],
)
def test_answers_that_end_it(tmp_path: Path, authority: Authority, code: int, body: Any, error: str, said: str) -> None:
    async def main() -> ClusterError:
        async with serve(tmp_path, authority, lambda h, p: (code, body)) as url:
            with pytest.raises(ClusterError) as e:
                await reach(config(tmp_path / "a", url, cluster={"insecure-skip-tls-verify": True}))
            return e.value

    e = asyncio.run(main())
    assert e.code == error and said in e.message


def test_nobody_there(tmp_path: Path) -> None:
    e = failing(config(tmp_path / "a", "https://127.0.0.1:9"))
    assert e.code == "unreachable" and "https://127.0.0.1:9" in e.message and "'main'" in e.message


def test_a_proxy_is_used(tmp_path: Path) -> None:
    async def main() -> bytes:
        got: list[bytes] = []

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(one, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ClusterError):
            await reach(config(tmp_path / "a", "https://cluster.invalid", cluster={"proxy-url": url}))
        server.close()
        return got[0]

    assert asyncio.run(main()).startswith(b"CONNECT cluster.invalid:443")


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"username": "a", "password": "b"}, "user name and password"),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v9", "command": "x"}}, "v1beta1"),
        ({"client-certificate": "nowhere.crt", "client-key": "k"}, "cannot be read"),
        ({"client-certificate-data": b64("nonsense")}, "cannot be read"),
    ],
)
def test_users_that_cannot_be_used(tmp_path: Path, user: Object, said: str) -> None:
    e = failing(config(tmp_path / "a", "https://192.0.2.1", user))
    assert e.code == "bad-kubeconfig" and said in e.message


def test_kubeconfigs_that_cannot_be_used(tmp_path: Path) -> None:
    missing = failing(tmp_path / "none")
    assert missing.code == "no-kubeconfig" and str(tmp_path / "none") in missing.message
    path = config(tmp_path / "a", "https://192.0.2.1")
    e = failing(path, "other")
    assert e.code == "no-context" and "'other'" in e.message and "it has main" in e.message
    path.write_text("current-context: [\n")
    assert failing(path).code == "bad-kubeconfig"
    path.write_text("just text")
    assert failing(path).code == "bad-kubeconfig"
    path.write_text("contexts: [{name: a, context: {cluster: c, user: u}}, {name: b, context: {}}]")
    assert "it has a, b" in failing(path).message
    path.write_text("current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]")
    assert "names cluster 'c'" in failing(path).message
    path.write_text(
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://192.0.2.1'}}]"
    )
    assert "names user 'u'" in failing(path).message


def test_several_files_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    one = config(tmp_path / "sub" / "one", "https://one", {"tokenFile": "t"}, context="x")
    two = config(tmp_path / "two", "https://two", context="y")
    both = {"KUBECONFIG": f"{tmp_path / 'none'}{os.pathsep}{one}{os.pathsep}{two}"}
    target = find(None, None, env=both)
    assert (target.context, target.server, target.namespace) == ("x", "https://one", "home")
    assert target.user["tokenFile"] == str(tmp_path / "sub" / "t")
    assert find(None, "y", env=both).server == "https://one", "cluster c was already named in the first file"
    assert find(str(two), None, env=both).server == "https://two"


def test_the_default_place_and_the_pods_own_account(tmp_path: Path) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "namespace").write_text("ns\n")
    env = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    inside = find(None, None, env=env, home=tmp_path, in_cluster=account)
    assert (inside.server, inside.namespace, inside.context) == ("https://[fd00::1]:6443", "ns", "in-cluster")
    (tmp_path / ".kube").mkdir()
    config(tmp_path / ".kube" / "config", "https://home")
    assert find(None, None, env=env, home=tmp_path, in_cluster=account).server == "https://home"
    with pytest.raises(ClusterError, match="--kubeconfig"):
        find(None, None, env={}, home=tmp_path / "x", in_cluster=account)


PLUGIN = """#!{python}
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
calls = os.path.join(here, "calls")
number = len(open(calls).read().split()) + 1 if os.path.exists(calls) else 1
open(calls, "a").write("x ")
open(os.path.join(here, "info"), "w").write(os.environ["KUBERNETES_EXEC_INFO"])
assert os.environ["EXTRA"] == "yes" and sys.argv[1:] == ["arg"]
{body}
"""


def plugin(folder: Path, body: str, api: str = "v1", **more: Any) -> Object:
    path = folder / "plugin"
    path.write_text(PLUGIN.format(python=sys.executable, body=body))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {
        "exec": {
            "apiVersion": f"client.authentication.k8s.io/{api}", "command": "./plugin", "args": ["arg"],
            "env": [{"name": "EXTRA", "value": "yes"}], **more,
        }
    }  # fmt: skip


def credential(api: str, status: str) -> str:
    return f'print(json.dumps({{"apiVersion": "client.authentication.k8s.io/{api}", "kind": "ExecCredential", "status": {status}}}))'  # noqa: E501


@pytest.mark.parametrize("api", ["v1", "v1beta1", "v1alpha1"])
def test_a_plugin_is_asked_once_and_again_after_a_401(tmp_path: Path, authority: Authority, api: str) -> None:
    def answer(headers: dict[str, str], path: str) -> tuple[int, Any]:
        good = headers["authorization"] == "Bearer t2"
        return version(headers, path) if good else (401, {"kind": "Status", "message": "Unauthorized"})

    async def main() -> None:
        async with serve(tmp_path, authority, answer) as url:
            ca = {"certificate-authority-data": b64(authority.cert), "tls-server-name": "127.0.0.1"}
            user = plugin(tmp_path, credential(api, '{"token": f"t{number}"}'), api, provideClusterInfo=True)
            cluster = await connect(str(config(tmp_path / "a", url, user, ca)), None, suite_version="0")
            assert (await cluster.request("GET", "/version")).status == 200
            await cluster.close()
            info = json.loads((tmp_path / "info").read_text())
            assert info["apiVersion"].endswith(api) and info["spec"]["interactive"] is False
            assert info["spec"]["cluster"]["server"] == url
            assert info["spec"]["cluster"]["certificate-authority-data"] == b64(authority.cert)

    asyncio.run(main())
    assert (tmp_path / "calls").read_text().split() == ["x", "x"]


def test_a_plugin_is_asked_again_when_its_credential_is_over(tmp_path: Path, authority: Authority) -> None:
    over = '{"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}'
    lasting = '{"token": "t", "expirationTimestamp": "2999-01-01T00:00:00Z"}'

    async def calls(status: str) -> int:
        (tmp_path / "calls").unlink(missing_ok=True)
        async with serve(tmp_path, authority) as url:
            skip = {"insecure-skip-tls-verify": True}
            user = plugin(tmp_path, credential("v1", status))
            cluster = await connect(str(config(tmp_path / "a", url, user, skip)), None, suite_version="0")
            await cluster.request("GET", "/version")
            await cluster.close()
        return len((tmp_path / "calls").read_text().split())

    assert asyncio.run(calls(lasting)) == 1
    assert asyncio.run(calls(over)) == 3


def test_a_plugin_may_answer_with_a_certificate(tmp_path: Path, authority: Authority) -> None:
    pair = authority.issue("carol")
    names: list[str] = []

    def answer(headers: dict[str, str], path: str) -> tuple[int, Any]:
        names.append(headers.get("client-name", ""))
        return version(headers, path)

    async def main() -> None:
        async with serve(tmp_path, authority, answer, mutual=True) as url:
            status = repr({"clientCertificateData": pair.cert, "clientKeyData": pair.key})
            user = plugin(tmp_path, credential("v1", status))
            await reach(config(tmp_path / "a", url, user, {"certificate-authority-data": b64(authority.cert)}))

    asyncio.run(main())
    assert names == ["carol"]


@pytest.mark.parametrize(
    ("body", "more", "said"),
    [
        ("sys.exit('please run: cloud login')", {}, "exit code 1: please run: cloud login"),
        ("print('hello')", {}, "did not print an ExecCredential"),
        (credential("v1", "{}"), {}, "neither a token nor a certificate"),
        (credential("v1beta1", '{"token": "t"}'), {}, "make them equal"),
        ("", {"command": "no-such-plugin", "installHint": "get it from us"}, "get it from us"),
        ("", {"command": "./missing"}, "cannot be run: No such file"),
        ("", {"interactiveMode": "Always"}, "terminal"),
    ],
)
def test_plugins_that_fail_are_told_with_what_they_said(
    tmp_path: Path, body: str, more: Object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    e = failing(config(tmp_path / "a", "https://192.0.2.1", plugin(tmp_path, body, **more)))
    assert e.code == "exec-plugin" and said in e.message and "'main'" in e.message
