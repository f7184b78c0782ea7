"""Installed versions, and whether a server's version is close enough."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from pipeline.doctor.base import Finding


def installed(name: str) -> str | None:
    """Public version of a distribution (without ``+cpu``); None if it is not installed."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


def compare(server: str, reported: str, name: str) -> Finding | None:
    """A warning if a server's major or minor version differs from that of the distribution ``name`` here.

    Args:
        server: its name, for the message.
        reported: the version it reports; empty if it reports none.
        name: of the distribution.
    """
    here = installed(name)
    if here is None or minor(reported) == minor(here):
        return None
    return Finding(
        "warning",
        f"{server} is version {reported or 'unknown'}",
        f"{name} {minor(here)}.*, as installed here",
        f"install {here} on the server",
    )


def minor(version_: str) -> str:
    """Major and minor number: ``3.17.2`` → ``3.17``."""
    return ".".join(version_.split(".")[:2])
