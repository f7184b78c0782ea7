"""Passwords and keys of the local servers: generated once per state folder, stored with mode 0600, never logged.

They stay the same at each start, because browsers, shells and running tasks hold them: a restarted scheduler must accept the
tokens that the previous one signed.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from pipeline.stack.folder import write_private

if TYPE_CHECKING:
    from pathlib import Path

FILE = "stack/secrets.json"


@dataclass(frozen=True, repr=False)
class Secrets:
    """One value per purpose, so that a leaked one opens nothing else."""

    s3_access_key: str
    s3_secret_key: str
    s3_inner_key: str
    mlflow_password: str
    airflow_password: str
    airflow_users_key: str
    airflow_jwt_key: str
    airflow_session_key: str
    airflow_fernet_key: str


def user_password(known: Secrets, user: str) -> str:
    """The password of a further user of Airflow: a keyed hash of its name (HMAC-SHA256, 144 bits of it), so one opens no other."""
    mac = hmac.digest(known.airflow_users_key.encode(), user.encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:18]).decode()


def generate() -> Secrets:
    """Generate new secrets with the random generator of the operating system (at least 128 bits each)."""
    return Secrets(
        s3_access_key=secrets.token_hex(10).upper(),
        s3_secret_key=secrets.token_urlsafe(30),
        s3_inner_key=secrets.token_urlsafe(30),
        mlflow_password=secrets.token_urlsafe(18),
        airflow_password=secrets.token_urlsafe(18),
        airflow_users_key=secrets.token_urlsafe(32),
        airflow_jwt_key=secrets.token_urlsafe(48),
        airflow_session_key=secrets.token_urlsafe(32),
        airflow_fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    )


def load_or_generate(state: Path) -> Secrets:
    """Read the secrets of a state folder; generate and store those that are missing."""
    path = state / FILE
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        kept = {}  # none yet, or truncated by a full disk
    known = kept if isinstance(kept, dict) else {}
    merged = {**asdict(generate()), **{field.name: str(known[field.name]) for field in fields(Secrets) if field.name in known}}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if merged != known or path.stat().st_mode & 0o077:
        write_private(path, json.dumps(merged, indent=1) + "\n")
    return Secrets(**merged)
