"""Settings: unknown variables, invalid addresses, unknown server names, and whether any server is configured.

That the settings can be read was checked before: without settings no check runs.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.doctor.base import Finding
from pipeline.settings import ENV_FILE, PREFIX, known_variables, set_variables
from pipeline.stack.existing import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

ADDRESSES = ("s3_endpoint", "mlflow_uri", "airflow_url")


def check_variables(settings: Settings) -> Iterator[Finding]:
    """Compare the variables that are set with the known ones, and check their values."""
    found = [*_unknown(settings), *_invalid_addresses(settings)]
    yield from found
    check_names(settings)
    file = settings.state.resolve() / ENV_FILE
    if settings.store.startswith("s3://") and not (settings.s3_endpoint or settings.s3_keys or file.is_file()):
        yield Finding(
            "warning",
            f"neither {file} nor a variable names a server",
            "",
            "run `trainshed up`, or set TRAINSHED_USE_EXISTING and the addresses (README.md)",
        )
    elif not found:
        where = str(file) if file.is_file() else "defaults only"
        yield Finding("ok", f"{len(set_variables())} variables are set, all known; the rest comes from {where}")


def _unknown(settings: Settings) -> Iterator[Finding]:
    """Variables and mounted files with our prefix that are not settings."""
    # without the prefix, which would make all names similar
    known = sorted(name.removeprefix(PREFIX) for name in known_variables())
    mounted = settings.secrets_dir.iterdir() if settings.secrets_dir else ()
    given = [(f"variable {name} is set", name) for name in set_variables()]
    given += [(f"there is a file {path}", path.name.upper()) for path in sorted(mounted) if path.name.upper().startswith(PREFIX)]
    for what, name in given:
        if name.removeprefix(PREFIX) not in known:
            near = get_close_matches(name.removeprefix(PREFIX), known, n=1)
            fix = f"did you mean {PREFIX}{near[0]}?" if near else "unset it; docs/settings.md lists them all"
            yield Finding("error", f"{what}, but there is no such setting", "", fix)


def _invalid_addresses(settings: Settings) -> Iterator[Finding]:
    """Addresses with an invalid port: a client would report their server as unreachable."""
    for field in ADDRESSES:
        address = getattr(settings, field)
        try:
            _ = urlsplit(address or "").port
        except ValueError as error:
            name = PREFIX + field.upper()
            yield Finding("error", f"setting {name} = {address!r} ({error})", "a URL such as http://127.0.0.1:8333", f"correct {name}")
