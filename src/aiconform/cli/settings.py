"""Flags over file over defaults."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from aiconform.checklists import load as load_checklist
from aiconform.cli.errors import usage
from aiconform.model import Options

Kubeconfig = Annotated[
    str | None, typer.Option(help="Path to the kubeconfig. Default: $KUBECONFIG, ~/.kube/config, in-cluster.")
]
Context = Annotated[str | None, typer.Option(help="Context to use, for the whole run.")]
LabName = Annotated[
    str | None,
    typer.Option("--lab", help="Use the embedded lab of this name instead of a kubeconfig.", metavar="NAME"),
]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Only these requirements (repeat, or separate by commas).")
]
Skip = Annotated[list[str] | None, typer.Option("--skip", help="All but these requirements.")]
ChecklistVersion = Annotated[
    str, typer.Option("--checklist", help="Checklist version, such as 1.36. Default: the server's.")
]
TimeoutFactor = Annotated[float | None, typer.Option("--timeout-factor", help="Multiply every deadline by this.")]
Deadlines = Annotated[
    list[str] | None,
    typer.Option("--deadline", help="Set one deadline: CHECK.NAME=SECONDS (repeatable; recorded)."),
]
AcceleratorNames = Annotated[
    list[str] | None,
    typer.Option("--accelerator", help="Use only this accelerator: its id, resource, class or driver."),
]
Mechanisms = Annotated[
    list[str] | None,
    typer.Option("--mechanism", help="Insist on a product: REQUIREMENT=PRODUCT or PRODUCT:SCHEDULER (repeatable)."),
]
ProbeImage = Annotated[str | None, typer.Option("--probe-image", help="Image with python3 that the probes run in.")]
NodeSelector = Annotated[
    list[str] | None, typer.Option("--node-selector", help="Use only nodes with this label: KEY=VALUE.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="Opt in to costly parts: extended (longer gang cases), scales (adds a machine)."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file (YAML, the same names as the flags).")]
Output = Annotated[str, typer.Option("--output", "-o", help="table, json, yaml or name.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that keeps the runs.")]


def make_options(**flags: Any) -> Options:
    """Puts together what the flags say (None or empty: not given), the file, and the defaults."""
    config = flags.pop("config", None)
    from_file = _read(config) if config else {}
    given = {k: v for k, v in flags.items() if v not in (None, "", [], ())}
    merged = {**from_file, **given}
    for key in ("only", "skip", "accelerator", "allow"):
        merged[key] = _names(merged.get(key, ()))
    for key in ("mechanism", "node_selector", "image_map"):
        merged[key] = _pairs(merged.get(key, {}), key)
    merged["deadlines"] = {k: _seconds(k, v) for k, v in _pairs(merged.get("deadlines", {}), "deadline").items()}
    try:
        options = msgspec.convert(merged, Options)
    except msgspec.ValidationError as error:
        raise usage(f"settings: {error}") from None
    if not options.timeout_factor > 0:
        raise usage(f"--timeout-factor must be above 0, not {options.timeout_factor:g}")
    _known(options)
    return options


def _known(options: Options) -> None:
    from aiconform.engine import registry

    if options.checklist:
        load_checklist(options.checklist)
    for name in options.allow:
        if name not in ("extended", "scales"):
            raise usage(f"--allow knows extended and scales, not {name!r}")
    for key in options.deadlines:
        check, _, name = key.partition(".")
        if name not in registry.load(check).check.deadlines:
            known = ", ".join(registry.load(check).check.deadlines)
            raise usage(f"{check} has no deadline {name!r}: it has {known}")
    for requirement, product in options.mechanism.items():
        products = sorted(m.product for m in registry.load(requirement).mechanisms())
        if product.partition(":")[0] not in products:
            raise usage(f"{requirement} has no mechanism {product!r}: it has {', '.join(products)}")


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise usage(f"{path} is no YAML: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}") from None
    if not isinstance(data, dict):
        raise usage(f"{path} must hold names and values, such as `timeout-factor: 2`")
    fields = set(Options.__dataclass_fields__)
    data = {str(k).replace("-", "_"): v for k, v in data.items()}
    for key in data:
        if key not in fields:
            raise usage(f"{path}: there is no setting {key!r}; the settings are {', '.join(sorted(fields))}")
    return data


def _names(value: Any) -> tuple[str, ...]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    return tuple(part.strip() for item in items for part in str(item).split(",") if part.strip())


def _pairs(value: Any, flag: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if not isinstance(value, list | tuple):
        raise usage(f"{flag} needs names and values, not {value!r}")
    pairs = {}
    for item in value:
        key, equals, text = str(item).partition("=")
        if not equals or not key:
            raise usage(f"--{flag.replace('_', '-')} needs NAME=VALUE, not {item!r}")
        pairs[key] = text
    return pairs


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise usage(f"deadline {name} needs seconds, not {value!r}") from None
    if not seconds > 0:
        raise usage(f"deadline {name} must be above 0, not {value!r}")
    return seconds
