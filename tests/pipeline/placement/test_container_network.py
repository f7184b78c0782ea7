"""A container joins no network if a relay reaches all its servers. It joins the host's network only if the setting says so."""

import pytest

from pipeline.launchers.base import servers_of
from pipeline.placement.container_network import container_network
from pipeline.settings import Settings

S3, MLFLOW = "https://s3.example", "https://mlflow.example"
LOCAL_S3, LOCAL_MLFLOW = "http://127.0.0.1:8333", "http://localhost:5000"
BOTH = {"s3_endpoint": LOCAL_S3, "mlflow_uri": LOCAL_MLFLOW}


def of(tmp_path, **addresses) -> Settings:
    return Settings(**{"state": tmp_path, "store": "s3://pipeline", "launcher": "docker", "docker_url": "unix:///docker.sock", **addresses})


@pytest.mark.parametrize(
    ("addresses", "network", "relayed"),
    [
        ({"s3_endpoint": S3, "mlflow_uri": MLFLOW}, "bridge", []),
        ({"s3_endpoint": None, "mlflow_uri": MLFLOW}, "bridge", []),
        (BOTH, "none", ["127.0.0.1:5000", "127.0.0.1:8333"]),
        ({**BOTH, "mlflow_uri": "http://[::1]:5000"}, "none", ["127.0.0.1:8333", "::1:5000"]),
        ({**BOTH, "mlflow_uri": LOCAL_S3}, "none", ["127.0.0.1:8333"]),
        ({"s3_endpoint": LOCAL_S3, "mlflow_uri": MLFLOW}, "bridge", ["127.0.0.1:8333"]),
        ({"s3_endpoint": S3, "mlflow_uri": LOCAL_MLFLOW}, "bridge", ["127.0.0.1:5000"]),
        ({"s3_endpoint": None, "mlflow_uri": "http://127.0.0.1"}, "bridge", ["127.0.0.1:80"]),
        ({**BOTH, "container_s3_endpoint": S3}, "bridge", ["127.0.0.1:5000"]),
        ({**BOTH, "container_s3_endpoint": S3, "container_mlflow_uri": MLFLOW}, "bridge", []),
        ({**BOTH, "docker_network": "trainshed"}, "trainshed", ["127.0.0.1:5000", "127.0.0.1:8333"]),
        ({**BOTH, "docker_network": "host"}, "host", []),
        # its containers cannot have a socket of this machine
        ({**BOTH, "docker_url": "tcp://docker.example:2376"}, "bridge", []),
    ],
)
def test_the_network_follows_from_the_addresses_that_containers_get(tmp_path, addresses, network, relayed) -> None:
    found = container_network(of(tmp_path, **addresses))
    assert (found.mode, [str(address) for address in found.relayed]) == (network, relayed)


@pytest.mark.parametrize(
    ("settings", "servers"),
    [
        # nothing is known of the servers before `trainshed up` has started them
        ({}, {"relay"}),
        ({"use_existing": "s3,mlflow", "s3_endpoint": S3, "mlflow_uri": MLFLOW}, set()),
        ({"use_existing": "s3,mlflow", "s3_endpoint": S3, "mlflow_uri": LOCAL_MLFLOW}, {"relay"}),
        ({"use_existing": "mlflow", "mlflow_uri": MLFLOW}, {"relay"}),
        ({"docker_network": "host"}, set()),
        ({"launcher": "process"}, set()),
        ({"launcher": "dokcer"}, set()),
    ],
)
def test_the_stack_has_a_relay_where_containers_need_one(tmp_path, settings, servers) -> None:
    assert servers_of(of(tmp_path, **settings)) == servers
