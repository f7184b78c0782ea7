"""Make S3 clients: the only place that does, for the store, for sources and for the stack's probe.

Two settings of a developer's shell are ignored. A proxy would connect to its own 127.0.0.1 instead of ours. A missing
``AWS_PROFILE`` is an error to botocore even when keys are given.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from mypy_boto3_s3.client import S3Client

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CONNECTIONS = 16
CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@lru_cache(maxsize=8)
def s3_client(
    endpoint: str | None, region: str, keys: tuple[str, ...] | None, *, attempts: int = 1, connect_s: float = 5, read_s: float = 30
) -> S3Client:
    """A client, the same for the same arguments (clients may be shared by threads); nothing is sent.

    Args:
        endpoint: URL of the server; None means AWS itself.
        region: the bucket's region.
        keys: access key, secret key, and a session token for temporary keys; None uses boto3's credential chain.
        attempts: attempts that botocore makes; callers that retry themselves leave it at one.
        connect_s: longest wait for a connection, in seconds.
        read_s: longest wait for bytes, in seconds.

    Raises:
        BadInput: the endpoint is not a URL, or the profile of the environment does not exist.
    """
    import boto3  # 0.3 s
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"} if endpoint else {},
        connect_timeout=connect_s,
        read_timeout=read_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
        proxies={} if urlsplit(endpoint or "").hostname in LOOPBACK else None,
        # readers compare sha256 themselves; botocore's CRC would cost a second pass and abort a stream midway
        response_checksum_validation="when_required",
    )
    session_vars: dict[str, Any] | None = {"profile": (None, None, None, None)} if keys else None
    credentials = dict(zip(CREDENTIALS, keys or (), strict=False))
    try:
        # not boto3's default session, which is shared and not thread-safe
        base = botocore.session.Session(session_vars=session_vars)
        base.register_component("data_loader", _loader())
        session = boto3.Session(botocore_session=base)
        client: S3Client = session.client("s3", endpoint_url=endpoint, region_name=region, config=config, **credentials)  # type: ignore[call-overload]
    except ValueError as error:
        raise BadInput(
            f"S3 endpoint {endpoint!r} ({error})", "a URL such as http://127.0.0.1:8333", "correct TRAINSHED_S3_ENDPOINT"
        ) from error
    except BotoCoreError as error:
        raise BadInput(f"no S3 client: {error}", "", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from error
    return client


@lru_cache(maxsize=1)
def _loader() -> Loader:
    """One loader of botocore's JSON models for all sessions: parsing them takes a third of a second."""
    from botocore.loaders import Loader

    return Loader(include_default_search_paths=True)
