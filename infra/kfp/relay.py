"""The relay between a pipeline's containers and the servers of this machine, for the time of one run; see `pipeline/relay`.

Only the standard library is imported from this project: the kfp SDK has an environment of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = frozenset({"TRAINSHED_S3_ENDPOINT", "TRAINSHED_MLFLOW_URI"})
LOOPBACK = frozenset({"127.0.0.1", "localhost"})
INSIDE = "/run/trainshed"
PAUSE_S = 0.05


def network_of(pipeline: str) -> tuple[str, list[str]]:
    """The least network that the containers of a compiled pipeline need, and the servers of this machine that they ask."""
    executors = next(yaml.safe_load_all(pipeline))["deploymentSpec"]["executors"].values()
    variables = [found for one in executors for found in one["container"].get("env", ())]
    servers = {urlsplit(found["value"]) for found in variables if found["name"] in ADDRESSES}
    local = sorted({f"127.0.0.1:{server.port or 80}" for server in servers if server.hostname in LOOPBACK})
    return ("none" if len(local) == len(ADDRESSES) else "bridge"), local


@contextmanager
def relay(addresses: list[str]) -> Iterator[Path]:
    """Run the half on the machine; the folder with its sockets.

    Raises:
        OSError: it does not start.
    """
    with TemporaryDirectory() as folder:
        sockets = Path(folder) / "sockets"
        command = [sys.executable, "-m", "pipeline.relay.outside", str(sockets), *addresses]
        # in a session of its own: Ctrl-C must not end it before a container has checkpointed
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True) as process:
            try:
                while not sockets.is_dir() or len(list(sockets.iterdir())) < len(addresses):
                    if process.poll() is not None:
                        raise OSError(f"the relay ended with exit code {process.returncode}")
                    time.sleep(PAUSE_S)
                yield sockets
            finally:
                process.terminate()
