"""Run a compiled pipeline on this machine with the kfp SDK's DockerRunner: each task is a container.

``.venv-kfp/bin/python infra/kfp/run_here.py pydocs.yaml``, with the keys of the servers in the environment, for instance by
``set -a; . .trainshed/env``. The file has addresses, images and the recipe, but no keys. Images of this machine are used as they
are; kfp pulls the others. Containers reach servers on 127.0.0.1 by a relay and nothing else. kfp's runner gives them neither limits nor GPUs. Ctrl-C sends SIGTERM to the running container and
waits until it has checkpointed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path

import docker
from docker.errors import DockerException
from docker.types import Mount
from kfp import components, local
from relay import INSIDE, network_of, relay

KEYS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MLFLOW_TRACKING_PASSWORD"),
    *("TRAINSHED_S3_ACCESS_KEY", "TRAINSHED_S3_SECRET_KEY", "TRAINSHED_S3_SESSION_TOKEN", "TRAINSHED_MLFLOW_PASSWORD"),
)
HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "init": True}
# kfp's runner passes its command as arguments to the entry point; an empty one removes the image's, as a cluster does
COMMAND_ALONE = {"entrypoint": [""]}
LABEL = "trainshed.kfp"
GRACE_S = 60
INTERRUPTED = 130


def main() -> int:
    """Run the pipeline; 0 when every task ended well."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # the docstring says that limits have no effect here; kfp would warn for every task
    warnings.filterwarnings("ignore", message=".*no effect in the current local runner.*")
    session = secrets.token_hex(8)
    keys = {name: os.environ[name] for name in KEYS if name in os.environ}
    options = {"environment": keys, "labels": {LABEL: session}}
    try:
        network, addresses = network_of(given.file.read_text())
        options["network_mode"] = given.network or network
        root = given.root.resolve()
        root.mkdir(parents=True, exist_ok=True)
        # containers write their outputs as another user
        root.chmod(0o1777)
        with ExitStack() as stack:
            relayed = COMMAND_ALONE
            if addresses and given.network != "host":
                sockets = Mount(INSIDE, str(stack.enter_context(relay(addresses))), type="bind", read_only=True)
                relayed = {"entrypoint": ["python", "-m", "pipeline.relay.inside", *addresses, "--"], "mounts": [sockets]}
            local.init(local.DockerRunner(**options, **relayed, **HARDENED), pipeline_root=str(root))
            try:
                components.load_component_from_file(str(given.file))()
            except KeyboardInterrupt:
                _stop(session)
                raise
    except (DockerException, OSError, RuntimeError, ValueError) as error:
        print(f"run_here: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run_here: interrupted; the running step has checkpointed", file=sys.stderr)
        return INTERRUPTED
    return 0


def _stop(session: str) -> None:
    """Stop the containers of this session: they outlive the runner that started them."""
    for left in docker.from_env().containers.list(filters={"label": f"{LABEL}={session}"}):
        left.stop(timeout=GRACE_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run_here", description="Run a pipeline compiled by `trainshed compile --to kfp` here.")
    parser.add_argument("file", type=Path, help="the compiled pipeline")
    parser.add_argument("--root", type=Path, default=Path("build/kfp"), help="folder for the outputs of tasks (build/kfp)")
    parser.add_argument("--network", help="Docker network of the containers (none if S3 and MLflow listen on 127.0.0.1, else bridge)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
