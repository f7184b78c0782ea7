"""Objects of an S3 bucket as a source: listing them, and opening one at a pinned etag.

A bucket that keeps versions is listed with them. Then a run reads the version that it was planned with, also when the object was replaced or
deleted meanwhile. In any other bucket such a run is planned again.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.artifacts.s3_client import s3_client
from pipeline.artifacts.s3_errors import access_error
from pipeline.errors import BadInput, SourceChanged, Unavailable
from pipeline.sources.base import PinnedItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

    from pipeline.settings import Settings

log = logging.getLogger(__name__)

MISSING = {"404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion"}
CHANGED = {"412", "PreconditionFailed"}


def split_address(address: str) -> tuple[str, str]:
    """``s3://bucket/some/key`` → ``("bucket", "some/key")``.

    Raises:
        BadInput: no bucket is named.
    """
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not bucket:
        raise BadInput(f"no bucket in {address!r}", "s3://bucket/prefix", "correct data.source.path")
    return bucket, key


class S3Object(NamedTuple):
    """An object as a listing shows it."""

    address: str
    """``s3://bucket/key``."""

    etag: str
    size: int
    """In bytes."""

    version: str | None = None
    """Id of the version; None where the bucket keeps none."""

    @property
    def pinned(self) -> PinnedItem:
        """It as an item of a pin."""
        return PinnedItem(name=self.address, revision=f"etag:{self.etag}", size=self.size, version=self.version)


def list_objects(address: str, settings: Settings) -> list[S3Object]:
    """The object at an address; where there is none, or an empty one, the objects below it as a folder.

    ``s3://b/train`` never finds ``s3://b/train-old/x`` or ``s3://b/training``: S3 knows prefixes only, people mean folders.

    Raises:
        BadInput: no such bucket, or wrong credentials.
        Unavailable: the store is unreachable.
    """
    bucket, key = split_address(address)
    with translated(address, settings):
        client = _client(settings)
        if key and not key.endswith("/"):
            # an object's own key is the first of those that begin with it
            alone = _objects(bucket, client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1))
            if alone and alone[0].address == f"s3://{bucket}/{key}" and alone[0].size:
                return [one for one in _all(client, bucket, key) if one.address == alone[0].address]
            inside = _all(client, bucket, f"{key}/")
            return inside or [one for one in alone if one.address == f"s3://{bucket}/{key}"]
        return _all(client, bucket, key)


def _all(client: S3Client, bucket: str, prefix: str) -> list[S3Object]:
    if _keeps_versions(client, bucket):
        versions = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        latest = [found for page in versions for found in page.get("Versions", ()) if found["IsLatest"]]
        return [S3Object(f"s3://{bucket}/{one['Key']}", one["ETag"].strip('"'), one["Size"], one["VersionId"]) for one in latest]
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found for page in pages for found in _objects(bucket, page)]


def _keeps_versions(client: S3Client, bucket: str) -> bool:
    """Whether a bucket keeps versions; not if the keys may not ask."""
    from botocore.exceptions import ClientError

    try:
        return client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code not in {"AccessDenied", "403", "NotImplemented"}:
            raise
        log.info("%s says %s to GetBucketVersioning: its objects are pinned by etag only", bucket, code)
        return False


def _objects(bucket: str, page: ListObjectsV2OutputTypeDef) -> list[S3Object]:
    return [S3Object(f"s3://{bucket}/{found['Key']}", found["ETag"].strip('"'), found["Size"]) for found in page.get("Contents", ())]


def open_object(address: str, etag: str, settings: Settings, version: str | None = None) -> Any:  # noqa: ANN401 - botocore's StreamingBody
    """Open an object for reading: its version, or the object provided that it still has this etag.

    Raises:
        BadInput: wrong credentials.
        SourceChanged: the object changed or was deleted since it was planned.
        Unavailable: the store is unreachable.
    """
    bucket, key = split_address(address)
    with translated(address, settings):
        which: dict[str, Any] = {"VersionId": version} if version else {"IfMatch": f'"{etag}"'}
        return _client(settings).get_object(Bucket=bucket, Key=key, **which)["Body"]


@contextmanager
def translated(address: str, settings: Settings) -> Iterator[None]:
    """Turn botocore's errors into ours."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError, PartialCredentialsError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        refused = access_error(code, status, f"S3 at {settings.s3_endpoint or 'AWS'}: {address}", settings.s3_region)
        if refused:
            raise refused from error
        if code == "NoSuchBucket":
            raise BadInput(f"no bucket for {address}", "", "correct data.source.path") from error
        if code in CHANGED | MISSING:
            raise SourceChanged(
                f"{address} changed since it was planned", "the planned version", "run the recipe when nothing writes to it"
            ) from error
        raise Unavailable(f"S3 could not serve {address} ({code})", "", "try again later") from error
    except (NoCredentialsError, PartialCredentialsError, ParamValidationError) as error:
        raise BadInput(
            f"S3 cannot be asked for {address}: {error}", "a bucket and credentials", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except (BotoCoreError, HTTPError) as error:
        where = settings.s3_endpoint or "AWS"
        raise Unavailable(f"S3 at {where} is unreachable: {type(error).__name__}", "", "start it, or try again later") from error


def _client(settings: Settings) -> S3Client:
    """A client that retries for about ``s3_retry_s`` seconds, with a short timeout for each connection."""
    attempts = max(2, int(settings.s3_retry_s // 8))
    return s3_client(settings.s3_endpoint, settings.s3_region, settings.s3_keys, attempts=attempts, read_s=20)
