"""torchrun with the component's exit code: ``python -m pipeline.runtime.torchrun [torchrun's options] -m components.<stage> ...``.

It takes torchrun's options and variables (``PET_*``, which Kubeflow Trainer sets) and starts the ranks of this node with torch's
agent. Three things differ from torchrun:

- torchrun exits with 1 whatever the exit codes of its ranks; 1 means a bug here.
- On SIGTERM it kills the ranks after 30 s, which may be too short for a checkpoint.
- Its rendezvous store listens on every interface, even if all ranks run on one machine.
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
"""How long ranks may take to checkpoint after SIGTERM, in seconds: less than a pod's grace period."""

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Run the ranks of this node until they end; return the exit code of the training."""
    set_up_logs()
    arguments: Namespace = parse_args(sys.argv[1:])  # type: ignore[no-untyped-call]
    arguments.shutdown_timeout = arguments.shutdown_timeout or GRACE_S
    # torch would set the same value, and print a banner; the training loop sets its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    store = _loopback_store(arguments)
    try:
        run(arguments)  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        return exit_code({rank: failure.exitcode for rank, failure in error.failures.items()})
    except SignalException as error:
        return Interrupted.exit_code if error.sigval is signal.SIGINT else Unavailable.exit_code
    except (RendezvousError, DistError, TimeoutError) as error:
        log.error("%s", Unavailable(f"the nodes of this training did not connect: {error}", "", "see the logs of the other nodes"))  # noqa: TRY400
        return Unavailable.exit_code
    finally:
        del store
    return 0


def exit_code(codes: Mapping[int, int]) -> int:
    """Exit code of the training, from the exit codes of its failed ranks.

    The first code that a retry cannot fix decides. A rank that lost another one exits with 75, and so does the training
    when a rank died of a signal.
    """
    for rank, code in sorted(codes.items()):
        if code < 0:
            log.warning("rank %d died of %s; if it is SIGKILL, check for out of memory", rank, signal.Signals(-code).name)
    final = [code for _, code in sorted(codes.items()) if code > 0 and code != Unavailable.exit_code]
    return final[0] if final else Unavailable.exit_code


def _loopback_store(arguments: Namespace) -> TCPStore | None:
    """On one machine, start the rendezvous store on loopback only; torch finds it by its port and uses it.

    Returns:
        The store, to be kept while the ranks run; None if the ranks rendezvous elsewhere.
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
