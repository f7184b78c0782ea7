"""Versions: what is installed here, and whether another version is near enough."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from pipeline.doctor.base import Finding


def installed(name: str) -> str | None:
    """Public version of a distribution (without ``+cpu``); None when it is not installed."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


def compare(server: str, told: str, name: str) -> Finding | None:
    """A warning when a server's version differs from the distribution ``name`` here in more than the last part.

    Args:
        server: what to call it.
        told: the version it tells; empty when it tells none.
        name: the distribution.
    """
    here = installed(name)
    if here is None or minor(told) == minor(here):
        return None
    return Finding(
        "warning", f"{server} is version {told or 'unknown'}", f"{name} {minor(here)}.*, as installed here", f"install {here} on the server"
    )


def minor(version_: str) -> str:
    """Major and minor number: ``3.17.2`` → ``3.17``."""
    return ".".join(version_.split(".")[:2])
