"""Open a study with the prices of the machine sizes; a DAG file that is parsed imports this, so what it needs is imported when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.machine_sizes import machine

if TYPE_CHECKING:
    from pipeline.experiments.trial import PriceOf
    from pipeline.planning.study import OpenStudy
    from pipeline.settings import Settings


def open_study(study: str, settings: Settings) -> OpenStudy:
    """The study of this name.

    Raises:
        BadInput: there is none.
    """
    from pipeline.planning.study import OpenStudy

    return OpenStudy(study, settings, prices(settings))


def prices(settings: Settings) -> PriceOf:
    """Price of an hour of a machine size; the file of sizes is read when the first one is asked for."""
    return lambda size: machine(size, settings).price_h
