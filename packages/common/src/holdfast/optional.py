"""Packages that may or may not be installed."""

import importlib.util
from importlib.machinery import ModuleSpec


def find_package(name: str) -> ModuleSpec | None:
    """Find a package without importing it.

    Args:
        name: such as ``ray`` or ``nvidia.nvimgcodec``; the packages above it are imported.

    Returns:
        Where it is, or None where it or a package above it is missing.
    """
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
