"""torchrun whose exit code is the component's: ``python -m pipeline.runtime.torchrun [torchrun's options] -m components.<stage> ...``.

It takes torchrun's own options and variables (``PET_*``, which Kubeflow Trainer sets) and starts the ranks of this node by torch's own
agent. Three things differ. torchrun ends with 1 whatever its processes ended with, and 1 means a bug here; told to stop it kills them
after half a minute, which may be too short for a checkpoint; and the store at which they meet listens on every interface, also where
all of them are on one machine.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous import RendezvousError
from torch.distributed.run import parse_args, parse_min_max_nnodes, run

from pipeline.errors import Interrupted, Unavailable
from pipeline.runtime.logs import set_up_logs

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

log = logging.getLogger("pipeline.runtime.torchrun")

GRACE_S = 110
"""How long ranks that were told to stop may take to checkpoint: less than what a pod is given."""

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Run the ranks of this node to their end; the exit code says how the training ended."""
    set_up_logs()
    arguments: Namespace = parse_args(sys.argv[1:])  # type: ignore[no-untyped-call]
    arguments.shutdown_timeout = arguments.shutdown_timeout or GRACE_S
    # a number that torch would set too, with a banner; the loop sets its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    kept = _meet_on_loopback(arguments)
    try:
        run(arguments)  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        return exit_code({rank: failure.exitcode for rank, failure in error.failures.items()})
    except SignalException as error:
        return Interrupted.exit_code if error.sigval is signal.SIGINT else Unavailable.exit_code
    except (RendezvousError, DistError, TimeoutError) as error:
        log.error("%s", Unavailable(f"the nodes of this training did not meet: {error}", "all of them", "see the other nodes' logs"))  # noqa: TRY400
        return Unavailable.exit_code
    finally:
        del kept
    return 0


def exit_code(codes: Mapping[int, int]) -> int:
    """How a training ended whose ranks ended so; only those that failed are given, by number.

    The first one that cannot be helped by trying again decides: a rank that lost another ends with 75, and so does the training
    when one died of a signal.
    """
    for rank, code in sorted(codes.items()):
        if code < 0:
            log.warning("process %d of this training died of %s: look for lack of memory", rank, signal.Signals(-code).name)
    final = [code for _, code in sorted(codes.items()) if code > 0 and code != Unavailable.exit_code]
    return final[0] if final else Unavailable.exit_code


def _meet_on_loopback(arguments: Namespace) -> TCPStore | None:
    """Where nobody else can come, have nobody else hear: a store that torch then finds and uses, because it looks for one by its port.

    Returns:
        What has to be kept while the ranks run; None where they meet elsewhere.
    """
    if arguments.rdzv_backend != "static" or arguments.rdzv_endpoint:
        return None
    if parse_min_max_nnodes(arguments.nnodes) == (1, 1):
        arguments.master_addr, arguments.master_port, arguments.node_rank = LOOPBACK, 0, 0
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    if arguments.master_addr != LOOPBACK or arguments.node_rank:
        return None
    listening = socket.create_server((LOOPBACK, arguments.master_port))
    port = arguments.master_port = listening.getsockname()[1]
    return TCPStore(LOOPBACK, port, None, True, wait_for_workers=False, multi_tenant=True, master_listen_fd=listening.detach())


if __name__ == "__main__":
    sys.exit(main())
