"""The options that run, observe and plan share: written once, and put into each command's signature."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiconform.cli import pulling
from aiconform.cli import settings as s
from aiconform.cli.target import Connect, probe_image, target
from aiconform.model import Options


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The cluster and the settings that the flags came to."""

    connect: Connect
    options: Options


def _flags(
    kubeconfig: s.Kubeconfig = None,
    context: s.Context = None,
    lab: s.LabName = None,
    only: s.Only = None,
    skip: s.Skip = None,
    checklist: s.ChecklistVersion = "",
    timeout_factor: s.TimeoutFactor = None,
    deadlines: s.Deadlines = None,
    fast: s.Fast = False,
    accelerator: s.AcceleratorNames = None,
    mechanism: s.Mechanisms = None,
    image: s.ProbeImage = None,
    node_selector: s.NodeSelector = None,
    allow: s.Allow = None,
    image_map: pulling.ImageMap = None,
    registry: pulling.Registry = "",
    pull_secret: pulling.PullSecret = "",
    operators: s.Operators = None,
    metrics_url: s.MetricsUrl = "",
    metrics_token_file: s.MetricsTokenFile = "",
    config: s.ConfigFile = None,
) -> Chosen:
    options = s.make_options(
        only=only,
        skip=skip,
        checklist=checklist,
        timeout_factor=timeout_factor,
        deadlines=deadlines,
        fast=fast or None,
        accelerator=accelerator,
        mechanism=mechanism,
        probe_image=probe_image(image, lab),
        node_selector=node_selector,
        allow=allow,
        image_map=image_map,
        registry=registry,
        pull_secret=pull_secret,
        operators=operators,
        metrics_url=metrics_url,
        metrics_token_file=metrics_token_file,
        config=config,
    )
    pulling.image_rules(options.image_map, options.registry, options.pull_secret)
    return Chosen(connect=target(kubeconfig, context, lab), options=options)


def takes_run_options(command: Callable[..., int]) -> Callable[..., int]:
    """Gives a command all of these flags; its first parameter then receives a Chosen."""
    shared = inspect.signature(_flags, eval_str=True)
    own = inspect.signature(command, eval_str=True)
    rest = list(own.parameters.values())[1:]

    @functools.wraps(command)
    def wrapped(**given: Any) -> int:
        flags = {name: given.pop(name) for name in shared.parameters}
        return command(_flags(**flags), **given)

    parameters = [*shared.parameters.values(), *rest]
    wrapped.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return wrapped
