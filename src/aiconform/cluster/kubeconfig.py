"""Finds and merges kubeconfig files as kubectl does, and picks one context out of them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aiconform.cluster.errors import ClusterError

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One context, resolved. `cluster` and `user` are the kubeconfig's own maps, with absolute file paths."""

    context: str
    cluster: dict[str, Any]
    user: dict[str, Any]
    namespace: str = "default"
    source: str = ""
    folder: Path = field(default=Path())

    @property
    def server(self) -> str:
        return str(self.cluster["server"])


# Keys that hold file names, which are relative to the file that they stand in.
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def find(
    kubeconfig: str | None,
    context: str | None,
    *,
    env: Mapping[str, str] = os.environ,
    home: Path | None = None,
    in_cluster: Path = IN_CLUSTER,
) -> Target:
    """The target that kubectl would use: flag, $KUBECONFIG (merged), ~/.kube/config, the pod's own account.

    ClusterError: no such file, not a kubeconfig, no such context (names those that exist).
    """
    default = (home or Path.home()) / ".kube" / "config"
    if kubeconfig:
        files, must = [Path(kubeconfig).expanduser()], True
    elif env.get("KUBECONFIG"):
        files, must = [Path(p).expanduser() for p in env["KUBECONFIG"].split(os.pathsep) if p], False
    else:
        files, must = [default], False
    there = [f for f in files if f.is_file()]
    if not there:
        if not kubeconfig and not context and "KUBERNETES_SERVICE_HOST" in env and in_cluster.is_dir():
            return _own_account(env, in_cluster)
        named = " and ".join(str(f) for f in files)
        hint = "check the path" if must or env.get("KUBECONFIG") else "give one with --kubeconfig"
        raise ClusterError(f"there is no kubeconfig at {named}; {hint}", "no-kubeconfig")
    return _pick(_merge(there), context, ", ".join(str(f) for f in there))


def _own_account(env: Mapping[str, str], folder: Path) -> Target:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    namespace = folder / "namespace"
    return Target(
        context="in-cluster",
        cluster={"server": f"https://{host}:{port}", "certificate-authority": str(folder / "ca.crt")},
        user={"tokenFile": str(folder / "token")},
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
        source="the pod's service account",
        folder=folder,
    )


def _merge(files: list[Path]) -> dict[str, Any]:
    """One map of maps; the first file that names something wins, as in kubectl."""
    out: dict[str, Any] = {"current-context": "", "clusters": {}, "users": {}, "contexts": {}}
    for path in files:
        content = _read(path)
        out["current-context"] = out["current-context"] or content.get("current-context") or ""
        for plural, single in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
            for entry in content.get(plural) or []:
                if isinstance(entry, dict) and entry.get("name"):
                    value = dict(entry.get(single) or {})
                    for key in _FILES:
                        if value.get(key):
                            value[key] = str(path.parent / Path(str(value[key])).expanduser())
                    out[plural].setdefault(str(entry["name"]), (value, path.parent))
    return out


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise ClusterError(
            f"the kubeconfig {path} cannot be read: {e.strerror}; check its permissions", "no-kubeconfig"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        where = getattr(e, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        raise ClusterError(
            f"{path} is not valid YAML{line}; give a kubeconfig with --kubeconfig", "bad-kubeconfig"
        ) from None
    if not isinstance(content, dict):
        raise ClusterError(f"{path} is not a kubeconfig; give one with --kubeconfig", "bad-kubeconfig")
    return content


def _pick(merged: dict[str, Any], context: str | None, source: str) -> Target:
    names = sorted(merged["contexts"])
    known = f"it has {', '.join(names)}" if names else "it has none"
    name = context or merged["current-context"]
    if not name:
        raise ClusterError(f"{source} sets no current context; choose one with --context: {known}", "no-context")
    if name not in merged["contexts"]:
        raise ClusterError(f"there is no context {name!r} in {source}: {known}", "no-context")
    chosen, _ = merged["contexts"][name]
    cluster, folder = merged["clusters"].get(chosen.get("cluster"), (None, None))
    if cluster is None or not cluster.get("server"):
        raise ClusterError(
            f"context {name!r} in {source} names cluster {chosen.get('cluster')!r}, which has no server "
            "there; repair the kubeconfig",
            "bad-kubeconfig",
        )
    user, user_folder = merged["users"].get(chosen.get("user"), (None, folder))
    if user is None and chosen.get("user"):
        raise ClusterError(
            f"context {name!r} in {source} names user {chosen['user']!r}, which is not there; repair the kubeconfig",
            "bad-kubeconfig",
        )
    return Target(
        context=name, cluster=cluster, user=user or {}, source=source, folder=user_folder,
        namespace=chosen.get("namespace") or "default",
    )  # fmt: skip
