"""The value of ``TRAINSHED_DATABASES``: a JSON object from names to addresses, which may hold passwords."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pydantic import SecretStr

VARIABLE = "TRAINSHED_DATABASES"


def named_databases(value: SecretStr | None) -> dict[str, str]:
    """Name → URL; empty if it is not set. No message shows the value.

    Raises:
        BadInput: it is no such object.
    """
    text = value.get_secret_value() if value else ""
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(url, str) for url in found.values()):
        raise BadInput(f"{VARIABLE} is no JSON object from names to URLs", '{"crm": "postgresql://…"}', f"correct {VARIABLE}")
    return found
