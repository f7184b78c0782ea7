"""A store in an S3 bucket, through boto3.

botocore's own retries give up after a few seconds, but an outage of a minute must not cost a training step. So botocore makes
one attempt with short timeouts, and `pipeline.retry` retries for ``s3_retry_s`` seconds.

A server whose own disk has damaged an object answers 500, or ends the body early, every time. An overloaded or unreachable
server answers 429 or 503, or not at all. So an object counts as damaged only if every attempt ended in the first way, a small
probe object can be written and read back, and one more attempt ends in the same way.
"""

from __future__ import annotations

import base64
import hashlib
import math
import uuid
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ResponseStreamingError,
)

from pipeline.artifacts.base import Conflict, CorruptObject, NotFound, Stat, Stored, no_beat
from pipeline.artifacts.s3_client import s3_client
from pipeline.artifacts.s3_errors import access_error
from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.retry import RetryPolicy, Unreachable, cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.settings import Settings

MULTIPART = 16 << 20
FULL = frozenset({"InsufficientStorage", "QuotaExceeded", "507"})
ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
CONDITION_FAILED = frozenset({"PreconditionFailed", "412"})
INTERNAL_ERROR = 500
CODE_IN_BODY = frozenset({400, 403})
# damaged on the way to the server: sending the bytes again is enough
DAMAGED_IN_TRANSIT = frozenset(
    {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody", "RequestTimeout"}
)

Result = TypeVar("Result")


class BrokenRead(Unreachable):
    """The server answered 500, or ended the body early: an outage, or damage on its disk."""


class S3Store:
    """Implements `pipeline.artifacts.base.Store` on a bucket and a prefix."""

    def __init__(self, settings: Settings) -> None:
        """Make the client; nothing is sent yet."""
        self.url = settings.store.rstrip("/")
        self.bucket, _, prefix = self.url.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self.endpoint = settings.s3_endpoint or "AWS"
        self.region = settings.s3_region
        self.retry = RetryPolicy(settings.s3_retry_s, f"S3 at {self.endpoint}", "", "start it, or set TRAINSHED_S3_ENDPOINT")
        self.client = s3_client(settings.s3_endpoint, settings.s3_region, settings.s3_keys)

    def get(self, key: str) -> Stored:
        """Read an object whole."""

        def read() -> Stored:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            return Stored(answer["Body"].read(), answer["ETag"])

        return self._read(read, key)

    def put(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write an object; see `Store.put`."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if if_absent else {"IfMatch": if_match} if if_match is not None else {}
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()

        def write() -> str:
            answer = self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=data, ChecksumSHA256=checksum, **condition)
            return answer["ETag"]

        try:
            return self._retried(write, key)
        except (Conflict, NotFound):
            # a retry after a lost response finds our own object: exactly these bytes mean success
            found = self._found(key)
            if found is not None and found.data == data:
                return found.etag
            raise Conflict(f"{key} exists already, or changed since it was read") from None

    def head(self, key: str) -> Stat | None:
        """Metadata of an object."""

        def look() -> Stat:
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in CODE_IN_BODY:
                    raise
                # an answer to HEAD has no body, so it cannot say whether keys are wrong or have expired; one to GET does
                self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"].close()
                raise Unreachable("HEAD was refused and GET was not") from error
            return Stat(key, answer["ContentLength"], answer["ETag"], answer["LastModified"])

        try:
            return self._retried(look, key)
        except NotFound:
            return None

    def list(self, prefix: str) -> Iterator[Stat]:
        """All objects whose key starts with ``prefix``, in order of their keys."""
        token: dict[str, Any] = {}
        while True:
            page = self._retried(lambda: self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix + prefix, **token), prefix)  # noqa: B023 - called at once
            for row in page.get("Contents", []):
                yield Stat(row["Key"].removeprefix(self.prefix), row["Size"], row["ETag"], row["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete an object; no error if it does not exist."""
        condition: dict[str, Any] = {"IfMatch": if_match} if if_match is not None else {}
        try:
            self._retried(lambda: self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key, **condition), key)
        except (Conflict, NotFound):
            # after a lost response, the retry of our own delete finds no object
            if self.head(key) is not None:
                raise Conflict(f"{key} changed since it was read") from None

    def upload(self, path: Path, key: str, *, replaces: Stat | None = None, beat: Callable[[], None] = no_beat) -> bool:
        """Put a file if the key is absent, or to replace an object; above 16 MB in parts, at most four of them in memory."""
        if replaces is None and self.head(key) is not None:
            return False
        size = path.stat().st_size
        part = _part_size(size, replaces)
        if part is None:
            try:
                self.put(key, path.read_bytes(), if_absent=replaces is None)
            except Conflict:
                return False
            beat()
            return True
        # the transfer manager takes no If-None-Match; a blob's key is its digest, so a second writer writes the same bytes
        config = TransferConfig(multipart_threshold=min(part, size), multipart_chunksize=part, max_concurrency=4)
        self._retried(
            lambda: self.client.upload_file(str(path), self.bucket, self.prefix + key, Config=config, Callback=lambda _: beat()), key
        )
        return True

    def chunks(self, key: str, size: int = 1 << 20) -> Iterator[bytes]:
        """Read an object piece by piece; a broken connection resumes at the same byte if the object is unchanged."""
        done, etag = 0, ""

        def begin() -> tuple[str, bytes, Iterator[bytes]]:
            condition: dict[str, Any] = {"Range": f"bytes={done}-", "IfMatch": etag} if done else {}
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key, **condition)
            pieces = answer["Body"].iter_chunks(size)
            # the first piece is read inside the retry: each turn of the loop below makes progress or raises
            return answer["ETag"], next(pieces, b""), pieces

        while True:
            etag, piece, pieces = self._read(begin, key)
            done += len(piece)
            yield piece
            try:
                for piece in pieces:
                    done += len(piece)
                    yield piece
            except (BotoCoreError, OSError):
                continue
            return

    def _found(self, key: str) -> Stored | None:
        try:
            return self.get(key)
        except NotFound:
            return None

    def _read(self, call: Callable[[], Result], key: str) -> Result:
        """Like `_retried`, but distinguishes an object that cannot be read from a store that is unreachable."""
        broken: list[bool] = []

        def attempt() -> Result:
            try:
                return self._once(call, key)
            except Unreachable as error:
                broken.append(isinstance(error, BrokenRead))
                raise

        try:
            return self.retry.call(attempt)
        except Unavailable as error:
            if not broken or not all(broken) or not self._probe():
                raise
            try:
                return attempt()
            except BrokenRead:
                raise CorruptObject(f"S3 at {self.endpoint} works but cannot read {key}") from error
            except Unreachable:
                raise error from None

    def _probe(self) -> bool:
        """Whether an object can be written and read back now."""
        bucket, key = self.bucket, f"{self.prefix}probe/{uuid.uuid4().hex}"

        def there_and_back() -> bytes:
            self.client.put_object(Bucket=bucket, Key=key, Body=b"probe")
            data = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
            self.client.delete_object(Bucket=bucket, Key=key)
            return data

        try:
            return self._once(there_and_back, "probe") == b"probe"
        except (Unreachable, TrainshedError):
            return False

    def _retried(self, call: Callable[[], Result], key: str) -> Result:
        return self.retry.call(lambda: self._once(call, key))

    def _once(self, call: Callable[[], Result], key: str) -> Result:
        try:
            return call()
        except ClientError as error:
            raise self._translate(error, key) from error
        except NoCredentialsError as error:
            raise BadInput(f"no credentials for {self.url}", "an access key", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from error
        except ParamValidationError as error:
            # the first line is a heading, and what follows the colon a regular expression
            what = str(error).partition("\n")[2].partition(":")[0] or str(error)
            raise BadInput(f"store {self.url}: {what}", "s3://bucket[/prefix]", "correct TRAINSHED_STORE") from error
        except KeyError as error:
            raise BadInput(
                f"no S3 at {self.endpoint!r}: it does not answer as S3 does (no {error})", "", "correct TRAINSHED_S3_ENDPOINT"
            ) from error
        except (BotoCoreError, OSError, Boto3Error) as error:
            # the transfer manager wraps the server's error
            if isinstance(error.__context__, ClientError):
                raise self._translate(error.__context__, key) from error
            raise (BrokenRead if isinstance(error, ResponseStreamingError | IncompleteReadError) else Unreachable)(cause(error)) from error

    def _translate(self, error: ClientError, key: str) -> TrainshedError | Unreachable:
        """Our error for an error response."""
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            return BadInput(f"no bucket {self.bucket!r} at {self.endpoint}", "", "create it, or correct TRAINSHED_STORE")
        if code in ABSENT or status == 404:
            return NotFound(f"no object {key} in {self.url}")
        if code in CONDITION_FAILED:
            return Conflict(f"{key}: the condition did not hold")
        refused = access_error(code, status, f"S3 at {self.endpoint}", self.region)
        if refused:
            return refused
        if code in FULL or status == 507:
            return Unavailable(f"S3 at {self.endpoint} is full", "", "free some space")
        if code in DAMAGED_IN_TRANSIT or status in {409, 408, 429} or status >= 500:
            return (BrokenRead if status == INTERNAL_ERROR else Unreachable)(f"HTTP {status} {code}")
        return BadInput(f"S3 at {self.endpoint} refused {key}: {code}", "", "see the server's log")


def _part_size(size: int, replaces: Stat | None) -> int | None:
    """Size of the parts in which to send a file; None for one request.

    The etag of an object in parts is computed from the parts and ends in their number. A replacement is cut differently than
    the object it replaces, so that its etag differs although the bytes are the same.
    """
    parts = int(replaces.etag.strip('"').partition("-")[2] or 0) if replaces else -1
    if size <= MULTIPART:
        return MULTIPART if parts == 0 and size else None
    return 2 * MULTIPART if parts == math.ceil(size / MULTIPART) else MULTIPART
