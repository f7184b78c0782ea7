"""Stops what an earlier plan of the same run and step left running.

A retry after a redeployment has another fingerprint, and so another name: the earlier pod or TrainJob would run on, unfollowed, and hold
its node. It is found by its labels and deleted; the new one is created when it is gone.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.launchers.kubernetes.pod_name import is_outdated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.launchers.kubernetes.cluster import PodApi, Workload

log = logging.getLogger(__name__)

RUN, STEP = "trainshed/run", "trainshed/step"
LOST_AFTER_S = 60
"""A pod that still exists this long after its grace has lost its node: nobody is left to report its end."""


def stop_outdated(apis: Sequence[PodApi], name: str, labels: Mapping[str, str], pause: Callable[[], None]) -> None:
    """Delete pods and TrainJobs of the same run and step that work on another fingerprint; returns once they are gone.

    Args:
        apis: of the kinds that are searched.
        name: of the pod or TrainJob that this attempt creates.
        labels: its labels.
        pause: waits between two looks; raises when the task has to end.
    """
    selector = ",".join(f"{label}={labels[label]}" for label in (RUN, STEP))
    for api in apis:
        for found in api.find(selector):
            if is_outdated(found.name, name):
                log.warning("deleting %s: it works on another fingerprint, of an earlier plan of this run", found.name)
                api.delete(found.name, found.uid)
                _wait_until_gone(api, found, pause)


def _wait_until_gone(api: PodApi, deleted: Workload, pause: Callable[[], None]) -> None:
    while (found := api.read(deleted.name)) is not None and found.uid == deleted.uid:
        remove_if_lost(api, found)
        pause()


def remove_if_lost(api: PodApi, found: Workload) -> bool:
    """Remove a pod that no kubelet will remove; if it still runs somewhere, its lease expires and it cannot commit.

    Returns:
        Whether it was removed.
    """
    deletion = found.deletion_time
    if deletion is None or (datetime.now(UTC) - deletion).total_seconds() < LOST_AFTER_S:
        return False
    api.delete(found.name, found.uid, grace_s=0)
    return True
