"""Who is notified about the runs of a recipe. No part of any fingerprint; addresses and passwords of channels are settings."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pipeline.section import Section


class Event(StrEnum):
    """What people may want to know about a run."""

    FINISHED = "finished"
    """It succeeded without a decision about a model, e.g. because nothing had changed."""

    PROMOTED = "promoted"
    """Its model is the new champion."""

    REFUSED = "refused"
    """Its model was not promoted: by the gate, by people, or because nobody answered in time."""

    FAILED = "failed"
    """A step failed for good."""

    WAITING = "waiting"
    """Its model passed the gate and waits for approval."""

    LATE = "late"
    """It has not ended in time; see ``late_after_h``."""


class Notify(Section):
    """Who is notified about the runs of this recipe; without it, the setting ``TRAINSHED_NOTIFY`` names the channels for all events."""

    via: tuple[str, ...] = Field(min_length=1)
    """Channels: ``log``, ``mail``, ``slack``, ``webhook``, or one of an installed package."""

    on: tuple[Event, ...] | None = None
    """Events; unset: all."""

    to: tuple[str, ...] = ()
    """Receivers of ``mail``; empty: those of ``TRAINSHED_MAIL_TO``."""

    remind_days: float | None = Field(None, ge=1)
    """Days after which a proposal that still waits for people is notified again as ``waiting``, and again. Unset: once only."""

    late_after_h: float | None = Field(None, gt=0)
    """A run that has not ended this many hours after it was queued is late. Unset: no run is."""
