"""Flags over file over defaults."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from aiconform.checklists import load as load_checklist
from aiconform.cli.errors import usage
from aiconform.model import Operator, Options
from aiconform.model.operator import mistakes

Kubeconfig = Annotated[
    str | None,
    typer.Option(help="Path to the kubeconfig. Default: $KUBECONFIG, ~/.kube/config, in-cluster.", metavar="FILE"),
]
Context = Annotated[str | None, typer.Option(help="Context to use, for the whole run.", metavar="NAME")]
LabName = Annotated[
    str | None,
    typer.Option("--lab", help="Use the embedded lab of this name instead of a kubeconfig.", metavar="NAME"),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only these requirements (repeat, or separate by commas).", metavar="REQUIREMENT"),
]
Skip = Annotated[list[str] | None, typer.Option("--skip", help="All but these requirements.", metavar="REQUIREMENT")]
ChecklistVersion = Annotated[
    str, typer.Option("--checklist", help="Checklist version, such as 1.36. Default: the server's.", metavar="VERSION")
]
TimeoutFactor = Annotated[
    float | None, typer.Option("--timeout-factor", help="Multiply every deadline by this.", metavar="FACTOR")
]
Deadlines = Annotated[
    list[str] | None,
    typer.Option(
        "--deadline", help="Set one deadline: CHECK.NAME=SECONDS (repeatable; recorded).", metavar="CHECK.NAME=SECONDS"
    ),
]
AcceleratorNames = Annotated[
    list[str] | None,
    typer.Option("--accelerator", help="Use only this accelerator: its id, resource, class or driver.", metavar="NAME"),
]
Mechanisms = Annotated[
    list[str] | None,
    typer.Option(
        "--mechanism",
        help="Insist on a product: REQUIREMENT=PRODUCT or PRODUCT:SCHEDULER (repeatable, for one requirement too).",
        metavar="REQUIREMENT=PRODUCT",
    ),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="For pull requests: shorter windows, recorded and named as limits of what is proved; and where one "
        "mechanism is enough, only the first that is found, or what --mechanism names.",
    ),
]
ProbeImage = Annotated[
    str | None, typer.Option("--probe-image", help="Image with python3 that the probes run in.", metavar="IMAGE")
]
NodeSelector = Annotated[
    list[str] | None,
    typer.Option("--node-selector", help="Use only nodes with this label: KEY=VALUE.", metavar="KEY=VALUE"),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", help="Opt in to costly parts: extended (longer gang cases), scales (adds a machine).", metavar="PART"
    ),
]
Operators = Annotated[
    list[Path] | None,
    typer.Option(
        "--operator",
        help="Try an operator that no adapter knows, as this file describes it (repeatable).",
        metavar="FILE",
    ),
]
MetricsUrl = Annotated[
    str,
    typer.Option(
        "--metrics-url", help="Ask the Prometheus API at this URL (what is before /api/v1/query).", metavar="URL"
    ),
]
MetricsTokenFile = Annotated[
    str,
    typer.Option(
        "--metrics-token-file", help="File with a bearer token for --metrics-url; never recorded.", metavar="FILE"
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file (YAML, the same names as the flags).", metavar="FILE")
]
Output = Annotated[str, typer.Option("--output", "-o", help="table, json, yaml or name.", metavar="FORMAT")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that keeps the runs.", metavar="FOLDER")]


def make_options(**flags: Any) -> Options:
    """Puts together what the flags say (None or empty: not given), the file, and the defaults."""
    config = flags.pop("config", None)
    from_file = _read(config) if config else {}
    if described := flags.pop("operators", None):
        flags["operators"] = [*(from_file.get("operators") or []), *map(read_operator, described)]
    given = {k: v for k, v in flags.items() if v not in (None, "", [], ())}
    merged = {**from_file, **given}
    for key in ("only", "skip", "accelerator", "allow"):
        merged[key] = _names(merged.get(key, ()))
    for key in ("node_selector", "image_map"):
        merged[key] = dict(_pairs(merged.get(key, {}), key))
    merged["mechanism"] = _several(_pairs(merged.get("mechanism", {}), "mechanism"))
    merged["deadlines"] = {k: _seconds(k, v) for k, v in _pairs(merged.get("deadlines", {}), "deadline")}
    try:
        options = msgspec.convert(merged, Options)
    except msgspec.ValidationError as error:
        raise usage(f"settings: {error}") from None
    if not options.timeout_factor > 0:
        raise usage(f"--timeout-factor must be above 0, not {options.timeout_factor:g}")
    for operator in options.operators:
        if wrong := mistakes(operator):
            raise usage(f"the description of operator {operator.name!r} is not sound: {wrong[0]}")
    _known(options)
    return options


def read_operator(path: Path) -> dict[str, Any]:
    """The description of an operator in a YAML file; a usage error that names the file and the field."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        described = msgspec.convert(data, Operator)
    except OSError as error:
        raise usage(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise usage(f"{path} is no YAML: {str(error).splitlines()[0]}") from None
    except msgspec.ValidationError as error:
        raise usage(f"{path} does not describe an operator: {error}") from None
    unknown = set(data) - set(Operator.__dataclass_fields__)
    if unknown:
        fields = ", ".join(sorted(Operator.__dataclass_fields__))
        raise usage(f"{path}: there is no field {sorted(unknown)[0]!r}; the fields are {fields}")
    if wrong := mistakes(described):
        raise usage(f"{path}: {wrong[0]}")
    return dict(data)


def _known(options: Options) -> None:
    from aiconform.engine import registry

    _metrics(options)
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
    for requirement in options.mechanism:
        loaded = registry.load(requirement)
        named = [one.partition(":")[0] for one in options.mechanisms(requirement)]
        if len(named) > 1 and loaded.check.over != "some mechanism":
            raise usage(f"{requirement} takes one --mechanism, not {len(named)}: every accelerator is tried by it")
        if twice := next((name for name in named if named.count(name) > 1), ""):
            raise usage(f"--mechanism {requirement}={twice} is given twice: make a run for each of them")
        adapters = loaded.mechanisms()
        products = sorted(m.product for m in adapters)
        # Some mechanisms are named by objects of the cluster, which are not known yet.
        by_name = any(getattr(m, "named_in_cluster", False) for m in adapters)
        for name in named:
            if not by_name and name not in products:
                raise usage(f"{requirement} has no mechanism {name!r}: it has {', '.join(products)}")


def _metrics(options: Options) -> None:
    from aiconform.cluster.outside import checked_url

    if options.metrics_url:
        try:
            checked_url(options.metrics_url)
        except ValueError as error:
            raise usage(f"--metrics-url: {error}") from None
    if options.metrics_token_file:
        if not options.metrics_url.startswith("https://"):
            raise usage("--metrics-token-file needs a --metrics-url that begins with https://, or the token is exposed")
        if not Path(options.metrics_token_file).expanduser().is_file():
            raise usage(f"--metrics-token-file: there is no file {options.metrics_token_file}")


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


def _pairs(value: Any, flag: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if not isinstance(value, list | tuple):
        raise usage(f"{flag} needs names and values, not {value!r}")
    pairs = []
    for item in value:
        key, equals, text = str(item).partition("=")
        if not equals or not key:
            raise usage(f"--{flag.replace('_', '-')} needs NAME=VALUE, not {item!r}")
        pairs.append((key, text))
    return pairs


def _several(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """All values of each name, in their order; a file may have a list for a name."""
    found: dict[str, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).extend(value if isinstance(value, list) else [value])
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise usage(f"deadline {name} needs seconds, not {value!r}") from None
    if not seconds > 0:
        raise usage(f"deadline {name} must be above 0, not {value!r}")
    return seconds
