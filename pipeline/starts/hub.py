"""A repository of the Hugging Face hub, pinned by a commit. Only safetensors, configuration and tokenizer are downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput, Unavailable
from pipeline.sources.base import Pin, PinnedItem
from pipeline.starts.base import FIELD, choose_files, report_or_stop
from pipeline.starts.network import check_internet

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe.start import Start
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings


class HubStart:
    """Implements `pipeline.starts.base.StartKind`."""

    def __init__(self, start: Start, settings: Settings) -> None:
        self.address, self.settings = start.address, settings
        self.name, self.revision = start.fields()["name"], start.fields()["revision"]

    def pin(self) -> Pin:
        """The commit; nothing is asked of the hub."""
        return Pin(kind="hub", items=(PinnedItem(name=self.name, revision=f"commit:{self.revision}"),))

    def look(self) -> None:
        """Nothing is asked of the hub while a run is planned."""

    def fetch(self, pin: Pin, folder: Path, reporter: Reporter) -> Path:  # noqa: ARG002 - the address holds the whole pin
        """Download the files of the commit, one after the other."""
        check_internet(self.address, self.settings)
        from httpx2 import HTTPError
        from huggingface_hub import HfApi
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            LocalEntryNotFoundError,
            OfflineModeIsEnabled,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        try:
            api = HfApi()
            inside = {one.rfilename: one for one in api.model_info(self.name, revision=self.revision, files_metadata=True).siblings or []}
            chosen = [inside[name] for name in choose_files((name for name in inside if "/" not in name), self.address)]
            done, total = 0, sum(one.size or 0 for one in chosen)
            for one in chosen:
                report_or_stop(reporter, done, total)
                api.hf_hub_download(self.name, one.rfilename, revision=self.revision, local_dir=folder)
                done += one.size or 0
        except (RepositoryNotFoundError, RevisionNotFoundError, GatedRepoError) as error:
            raise BadInput(
                f"{FIELD}: the hub has no {self.name}@{self.revision[:12]}, or it is not public", "", "correct model.start"
            ) from error
        except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, HTTPError) as error:
            raise Unavailable(
                f"{FIELD}: the hub is unreachable for {self.name} ({type(error).__name__})",
                "",
                "download the folder where there is a network, and name it in model.start",
            ) from error
        return folder
