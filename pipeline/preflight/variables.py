"""Settings: no variable that nobody reads, servers by their names, a stack to talk to.

That they can be read at all was seen before any check was asked: without settings there is nothing to check.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.preflight.base import Finding
from pipeline.settings import ENV_FILE, PREFIX, known_variables, set_variables
from pipeline.stack.existing import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings


def check_variables(settings: Settings) -> Iterator[Finding]:
    """Compare the variables that are set with those that are read."""
    known, given = known_variables(), set_variables()
    unknown = [name for name in given if name not in known]
    for name in unknown:
        # without the prefix, which would make all of them alike
        near = get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1)
        hint = f"did you mean {PREFIX}{near[0]}?" if near else "unset it; docs/settings.md lists them all"
        yield Finding("wrong", f"variable {name} is set, but no setting is called so", "a setting", hint)
    check_names(settings)
    file = settings.state.resolve() / ENV_FILE
    if settings.store.startswith("s3://") and not (settings.s3_endpoint or settings.s3_keys or file.is_file()):
        yield Finding(
            "warning",
            f"neither {file} nor a variable names a server",
            "a stack that was started here, or the addresses of servers that exist",
            "run `trainshed up`, or set TRAINSHED_USE_EXISTING and the addresses (README.md)",
        )
    elif not unknown:
        where = str(file) if file.is_file() else "the environment only"
        yield Finding("ok", f"{len(given)} variables are set, all known; the rest comes from {where}")
