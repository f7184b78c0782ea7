"""POST a small JSON object. The address may be a secret, as Slack's are, so no message contains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from pipeline.errors import BadInput, Unavailable
from pipeline.notify.base import TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr


def post(name: str, variable: str, address: SecretStr | None, body: Mapping[str, Any]) -> None:
    """Send the body.

    Args:
        name: of the notifier, for messages.
        variable: the setting with the address, for messages.
        address: the URL.
        body: a JSON object.

    Raises:
        BadInput: no address, or it is not a URL, or the server refused the body.
        Unavailable: the server is unreachable or has an error of its own.
    """
    if address is None:
        raise BadInput(f"{name} has no address", "", f"set {variable} where Airflow runs")
    try:
        response = requests.post(address.get_secret_value(), json=dict(body), timeout=TIMEOUT_S, allow_redirects=False)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
        raise BadInput(f"the address of {name} is not a URL", "", f"correct {variable}") from None
    except requests.RequestException as error:
        # without the cause: its text contains the address
        raise Unavailable(f"{name} is unreachable: {type(error).__name__}") from None
    if response.status_code >= requests.codes.internal_server_error:
        raise Unavailable(f"{name} answers HTTP {response.status_code}")
    if response.status_code >= requests.codes.multiple_choices:
        raise BadInput(f"{name} answers HTTP {response.status_code}", "", f"correct {variable}")
