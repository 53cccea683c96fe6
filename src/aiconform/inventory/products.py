"""The product table, `products.yaml`."""

from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache
def table() -> dict[str, Any]:
    """Products and their signs, platforms, what is no accelerator, and what workloads name."""
    text = resources.files(__package__).joinpath("products.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return data
