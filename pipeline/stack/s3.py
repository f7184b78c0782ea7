"""The S3 server of a laptop: SeaweedFS ``weed mini``, persistent, authenticated, with conditional writes.

Its master, volume server, filer, S3 gateway and admin each open an HTTP and a gRPC port; all ten are moved together and
bound to 127.0.0.1. The gRPC partner is always 10000 above: the admin's worker dials that port whatever
``-admin.port.grpc`` says, and retries forever when it is elsewhere.

Switched off: WebDAV, the admin's pages, the Iceberg and Lance catalogs, creation of buckets by upload (a mistyped bucket
must be an error), and the master's telemetry. ``-idleTimeout=2``: it stops in 2 s instead of 30.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.errors import BadInput
from pipeline.stack.base import HOST
from pipeline.stack.http import LOOPBACK
from pipeline.stack.ports import PARTNER_OFFSET

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.stack.base import Site

PARTS = ("s3", "s3-master", "s3-volume", "s3-filer", "s3-admin")
"""Names of its ports. The gateway's is the one clients use."""

MLFLOW_BUCKET = "mlflow"
PROBE_KEY = "trainshed-probe"


def store_bucket(settings: Settings) -> str:
    """Return the bucket artifacts go to, or an empty string when they go to a folder."""
    parts = urlsplit(settings.store)
    return parts.netloc if parts.scheme == "s3" else ""


class S3:
    """SeaweedFS as one process."""

    name = "s3"
    group = "s3"
    needs: tuple[str, ...] = ()
    lasting = True

    def done(self, site: Site) -> bool:
        """It never ends by itself."""
        del site
        return False

    def finish(self, site: Site) -> None:
        """Nothing to note: it never ends by itself."""

    def command(self, site: Site) -> list[str]:
        """Return ``weed mini`` with every port moved and bound to loopback."""
        ports = [
            f"-{part.removeprefix('s3-')}.port{kind}={site.ports[part] + offset}"
            for part in PARTS
            for kind, offset in (("", 0), (".grpc", PARTNER_OFFSET))
        ]
        buckets = sorted({store_bucket(site.settings), MLFLOW_BUCKET} - {""})
        return [
            str(Path(sys.executable).with_name("weed")),
            "-logtostderr=true",
            "mini",
            f"-dir={site.state / 's3'}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            *ports,
            "-webdav=false",
            "-admin.ui=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            f"-s3.allowedOrigins=http://{HOST}",
            "-master.telemetry=false",
            "-idleTimeout=2",
            f"-bucket={','.join(buckets)}",
        ]

    def environment(self, site: Site) -> dict[str, str]:
        """Return the keys that become its admin identity."""
        return {"AWS_ACCESS_KEY_ID": site.secrets.s3_access_key, "AWS_SECRET_ACCESS_KEY": site.secrets.s3_secret_key}

    def files(self, site: Site) -> dict[Path, str]:
        """Return nothing to write; the data folder keeps itself."""
        (site.state / "s3").mkdir(mode=0o700, exist_ok=True)
        return {}

    def address(self, site: Site) -> str:
        """Return the gateway's URL."""
        return site.url("s3")

    def probe(self, site: Site, since: float) -> str:
        """Ask for the buckets and put an object: the port answers a second before a first write succeeds."""
        del since
        keys = (site.secrets.s3_access_key, site.secrets.s3_secret_key)
        buckets = sorted({store_bucket(site.settings), MLFLOW_BUCKET} - {""})
        return next(filter(None, (put_probe(site.url("s3"), bucket, "us-east-1", keys) for bucket in buckets)), "")


def put_probe(endpoint: str | None, bucket: str, region: str, keys: tuple[str, str] | None) -> str:
    """Put a small object and delete it; return what went wrong, or an empty string.

    Raises:
        BadInput: the endpoint is not a URL.
    """
    import boto3  # 0.3 s
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    local = urlsplit(endpoint or "").hostname in LOOPBACK
    patience = Config(
        connect_timeout=3,
        read_timeout=10,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"} if endpoint else {},
        proxies={} if local else None,
    )
    # With keys of its own the probe must not look at AWS_PROFILE: a profile that is missing here is an error to botocore.
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)} if keys else None)
    credentials = {"aws_access_key_id": keys[0], "aws_secret_access_key": keys[1]} if keys else {}
    try:
        client = boto3.Session(botocore_session=session).client(  # type: ignore[call-overload]
            "s3", region_name=region, endpoint_url=endpoint, config=patience, **credentials
        )
    except ValueError as error:
        raise BadInput(
            f"S3 endpoint {endpoint!r} ({error})", "a URL such as http://127.0.0.1:8333", "correct TRAINSHED_S3_ENDPOINT"
        ) from error
    except BotoCoreError as error:
        return str(error)
    try:
        client.put_object(Bucket=bucket, Key=PROBE_KEY, Body=b"")
        client.delete_object(Bucket=bucket, Key=PROBE_KEY)
    except ClientError as error:
        return f"bucket {bucket!r}: {error.response.get('Error', {}).get('Code', 'error')}"
    except BotoCoreError as error:
        return str(error)
    return ""
