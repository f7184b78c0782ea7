"""A container joins the host's network only where a server that it needs listens on 127.0.0.1."""

import pytest

from pipeline.placement.container_network import container_network
from pipeline.settings import Settings

S3, MLFLOW = "https://s3.example", "https://mlflow.example"


@pytest.mark.parametrize(
    ("addresses", "network"),
    [
        ({"s3_endpoint": S3, "mlflow_uri": MLFLOW}, "bridge"),
        ({"s3_endpoint": None, "mlflow_uri": MLFLOW}, "bridge"),
        ({"s3_endpoint": "http://127.0.0.1:8333", "mlflow_uri": MLFLOW}, "host"),
        ({"s3_endpoint": S3, "mlflow_uri": "http://localhost:5000"}, "host"),
        ({"s3_endpoint": "http://127.0.0.1:8333", "container_s3_endpoint": S3, "mlflow_uri": MLFLOW}, "bridge"),
        ({"s3_endpoint": "http://127.0.0.1:8333", "mlflow_uri": MLFLOW, "docker_network": "trainshed"}, "trainshed"),
    ],
)
def test_the_network_follows_from_the_addresses_that_containers_get(tmp_path, addresses, network) -> None:
    assert container_network(Settings(state=tmp_path, store="s3://pipeline", **addresses)) == network
