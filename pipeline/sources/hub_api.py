"""What the Hugging Face hub says of a dataset: the commit of a revision, its files, its card.

Two routes of its documented API are asked, by the machinery of files of the web: retries, checked redirects, one line for each error. The library
`huggingface_hub` would bring 25 MB to the images of ingestion and of Airflow, and copies each file to disk before it is read. Tests compare what is
read with what that library reads from the same server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from pipeline.errors import BadInput, Unavailable
from pipeline.sources.hub_layout import CARD
from pipeline.sources.web import HUB, ask, retry_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from pipeline.settings import Settings

COMMIT = re.compile(r"[0-9a-f]{40}")
CARD_BYTES = 1 << 20
"""Of a card that are read."""
MAX_FILES = 100_000
"""Files of a repository; listing more takes minutes."""
DENIED = {401, 403, 404}


class HubFile(NamedTuple):
    """A file of a repository."""

    path: str
    size: int
    """In bytes."""

    revision: str
    """``sha256:`` of its bytes, or ``blob:``, git's digest of them, for a file that git keeps itself."""


class Repository:
    """A dataset of the hub."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Nothing is asked yet.

        Args:
            name: ``owner/name``.
            settings: endpoint, token, allowed roots.
        """
        self.name, self._settings = name, settings
        self._endpoint = endpoint(settings)

    def commit(self, revision: str) -> str:
        """The commit of a branch, a tag or a commit.

        Raises:
            BadInput: there is no such dataset or revision, or it is not public.
            Unavailable: the hub does not answer.
        """
        if COMMIT.fullmatch(revision):
            return revision
        found = self._json(f"{self._endpoint}/api/datasets/{self.name}/revision/{quote(revision, safe='')}", revision)[0]
        sha = found.get("sha") if isinstance(found, dict) else None
        if not isinstance(sha, str) or not COMMIT.fullmatch(sha):
            raise self._no_hub()
        return sha

    def files(self, commit: str) -> Iterator[HubFile]:
        """All files at a commit.

        Raises:
            BadInput: there is no such commit, or it has too many files.
            Unavailable: the hub does not answer.
        """
        address: str | None = f"{self._endpoint}/api/datasets/{self.name}/tree/{commit}?recursive=true"
        count = 0
        while address:
            page, address = self._json(address, commit)
            try:
                found = [_file(entry) for entry in page if entry["type"] == "file"]
            except (KeyError, TypeError) as error:
                raise self._no_hub() from error
            count += len(found)
            yield from found
            if count > MAX_FILES:
                raise BadInput(f"{self.name} has more than {MAX_FILES} files", "", "download a part of it, and name the folder")

    def card(self, commit: str) -> str:
        """The text of its card."""
        with self._ask(self.address(commit, CARD), commit) as answer:
            return answer.raw.read(CARD_BYTES).decode("utf-8", "replace")

    def root(self, commit: str) -> str:
        """The address below which the files of a commit are."""
        return f"{self._endpoint}/datasets/{self.name}/resolve/{commit}/"

    def address(self, commit: str, path: str) -> str:
        """The address of a file."""
        return self.root(commit) + quote(path)

    def _json(self, address: str, revision: str) -> tuple[Any, str | None]:
        """An answer, and the address of the next page."""
        with self._ask(address, revision) as answer:
            following = answer.links.get("next", {}).get("url")
            try:
                return answer.json(), following
            except ValueError as error:
                raise self._no_hub() from error

    def _no_hub(self) -> BadInput:
        return BadInput(f"{self._endpoint} does not answer as a hub does for {self.name}", "", "correct HF_ENDPOINT")

    def _ask(self, address: str, revision: str) -> requests.Response:
        if self._settings.hub_offline:
            raise _offline(self.name, "HF_HUB_OFFLINE is set")
        try:
            answer = retry_policy(address, self._settings).call(lambda: ask("GET", address, {}, self._settings))
        except Unavailable as error:
            raise _offline(self.name, error.got) from error
        if answer.status_code in DENIED:
            answer.close()
            raise BadInput(
                f"the hub has no dataset {self.name}@{revision[:40]}, or it is not public",
                "",
                "correct data.source.path or data.source.revision, or set HF_TOKEN and accept its terms",
            )
        if not answer.ok:
            answer.close()
            raise BadInput(f"the hub answers {answer.status_code} for {self.name}", "", "correct data.source.path")
        return answer


def endpoint(settings: Settings) -> str:
    """Where the hub is."""
    return (settings.hub_endpoint or HUB).rstrip("/")


def _file(entry: dict[str, Any]) -> HubFile:
    large = entry.get("lfs")
    revision = f"sha256:{large['oid']}" if large else f"blob:{entry['oid']}"
    return HubFile(entry["path"], entry["size"], revision)


def _offline(name: str, why: str) -> Unavailable:
    return Unavailable(
        f"the hub is unreachable for {name}: {why}",
        "",
        "try again later, or download it where there is a network, and name the folder in data.source.path: ./folder",
    )
