"""The S3 server of a laptop: SeaweedFS ``weed mini``, persistent, authenticated, with conditional writes.

Its master, volume server, filer, S3 gateway and admin each open an HTTP and a gRPC port. All ten are moved together and bound to
127.0.0.1, which every user and every container on the host's network can reach. The gateway asks for keys. The other nine ports
accept only clients with the certificate of `pipeline.stack.certificates`: without it, ``weed shell`` could delete any object.

The gRPC port is always 10000 above the HTTP port: the admin's worker dials that port, whatever ``-admin.port.grpc`` says, and
retries forever when it is another one.

Switched off: WebDAV, the admin's pages, the Iceberg and Lance catalogs, creation of buckets by upload (a mistyped bucket
must be an error), and the master's telemetry. ``-idleTimeout=2``: it stops in 2 s instead of 30.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.artifacts.s3_client import s3_client
from pipeline.stack.base import HOST, LastingServer
from pipeline.stack.certificates import AUTHORITY, CERTIFICATE, KEY, load_or_generate
from pipeline.stack.ports import PARTNER_OFFSET

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.stack.base import StackContext

PARTS = ("s3", "s3-master", "s3-volume", "s3-filer", "s3-admin")
"""Names of its ports. The gateway's is the one clients use."""

INNER_KEYS = tuple(f"WEED_JWT_{part}SIGNING_{kind}KEY" for part in ("", "FILER_") for kind in ("", "READ_"))
"""Variables of the key that signs requests of the gateway to the volume server and the filer."""

GRPC = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "CLIENT")
HTTPS = ("MASTER", "VOLUME", "FILER", "ADMIN", "CLIENT")
"""Sections of SeaweedFS's ``security.toml`` that name a certificate; CLIENT is what the others present when they connect."""

MLFLOW_BUCKET = "mlflow"
PROBE_KEY = "trainshed-probe"


def store_bucket(settings: Settings) -> str:
    """Return the bucket artifacts go to, or an empty string when they go to a folder."""
    parts = urlsplit(settings.store)
    return parts.netloc if parts.scheme == "s3" else ""


class S3(LastingServer):
    """SeaweedFS as one process."""

    name = "s3"
    group = "s3"
    needs: tuple[str, ...] = ()

    def command(self, context: StackContext) -> list[str]:
        """Return ``weed mini`` with every port moved and bound to loopback."""
        ports = [
            f"-{part.removeprefix('s3-')}.port{kind}={context.ports[part] + offset}"
            for part in PARTS
            for kind, offset in (("", 0), (".grpc", PARTNER_OFFSET))
        ]
        buckets = sorted({store_bucket(context.settings), MLFLOW_BUCKET} - {""})
        return [
            str(Path(sys.executable).with_name("weed")),
            "-logtostderr=true",
            "mini",
            f"-dir={context.state / 's3'}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            *ports,
            "-webdav=false",
            "-admin.ui=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            f"-s3.config={_identities(context)}",
            f"-s3.allowedOrigins=http://{HOST}",
            "-master.telemetry=false",
            "-idleTimeout=2",
            f"-bucket={','.join(buckets)}",
        ]

    def environment(self, context: StackContext) -> dict[str, str]:
        """Return ``security.toml`` as variables, so that a file of that name elsewhere on the machine changes nothing.

        The keys of clients are in a file: as variables, SeaweedFS would print them in its log.
        """
        authority, certificate, key = (str(_certificates(context) / name) for name in (AUTHORITY, CERTIFICATE, KEY))
        pairs = [f"WEED_{kind}_{part}" for kind, parts in (("GRPC", GRPC), ("HTTPS", HTTPS)) for part in parts]
        return {
            **dict.fromkeys(INNER_KEYS, context.secrets.s3_inner_key),
            "WEED_GRPC_CA": authority,
            "WEED_HTTPS_CLIENT_ENABLED": "true",
            **{f"WEED_HTTPS_{part}_CA": authority for part in HTTPS},
            **{f"{pair}_CERT": certificate for pair in pairs},
            **{f"{pair}_KEY": key for pair in pairs},
        }

    def files(self, context: StackContext) -> dict[Path, str]:
        """Return the one identity that may do everything, and the certificate of the ports behind the gateway."""
        (context.state / "s3").mkdir(mode=0o700, exist_ok=True)
        keys = {"accessKey": context.secrets.s3_access_key, "secretKey": context.secrets.s3_secret_key}
        identity = {"name": "trainshed", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        return {_identities(context): json.dumps({"identities": [identity]}) + "\n", **load_or_generate(_certificates(context))}

    def address(self, context: StackContext) -> str:
        """Return the gateway's URL."""
        return context.url("s3")

    def probe(self, context: StackContext, since: float) -> str:
        """Ask for the buckets and put an object: the port answers a second before a first write succeeds."""
        del since
        keys = (context.secrets.s3_access_key, context.secrets.s3_secret_key)
        buckets = sorted({store_bucket(context.settings), MLFLOW_BUCKET} - {""})
        return next(filter(None, (put_probe(context.url("s3"), bucket, "us-east-1", keys) for bucket in buckets)), "")


def _identities(context: StackContext) -> Path:
    """The file of its keys, mode 0600."""
    return context.state / "stack" / "s3.json"


def _certificates(context: StackContext) -> Path:
    """The folder of its certificate, mode 0700."""
    return context.state / "stack" / "s3-tls"


def put_probe(endpoint: str | None, bucket: str, region: str, keys: tuple[str, ...] | None) -> str:
    """Put a small object and delete it; return what went wrong, or an empty string.

    Raises:
        BadInput: the endpoint is not a URL.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = s3_client(endpoint, region, keys, connect_s=3, read_s=10)
    try:
        client.put_object(Bucket=bucket, Key=PROBE_KEY, Body=b"")
        client.delete_object(Bucket=bucket, Key=PROBE_KEY)
    except ClientError as error:
        return f"bucket {bucket!r}: {error.response.get('Error', {}).get('Code', 'error')}"
    except BotoCoreError as error:
        return str(error)
    return ""
