"""Translate S3's refusals into our errors: wrong keys, expired keys, wrong region, clock skew."""

from __future__ import annotations

from pipeline.errors import BadInput, TrainshedError, Unavailable

CREDENTIALS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "Forbidden", "InvalidToken"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
SKEWED = frozenset({"RequestTimeTooSkewed"})
WRONG_REGION = frozenset(
    {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect", "301"}
)
FORBIDDEN = 403


def access_error(code: str, status: int, what: str, region: str) -> TrainshedError | None:
    """The error for a refusal that concerns keys, region or clock; None for any other refusal.

    Args:
        code: S3's.
        status: HTTP's, for answers without a body.
        what: the server, or the request; the message begins with it.
        region: the region the request was signed for.
    """
    if code in EXPIRED:
        # retriable: the next attempt reads the keys again, from a file or a connection that may have been renewed
        return Unavailable(
            f"{what}: the keys have expired ({code})",
            "keys that are valid",
            "renew them at their source (docs/secrets.md) and run again; training resumes from the last checkpoint",
        )
    if code in SKEWED:
        return BadInput(f"{what}: the clocks differ too much ({code})", "", "set the clock of this machine by NTP")
    if code in WRONG_REGION:
        return BadInput(f"{what}: not in region {region!r} ({code})", "the bucket's region", "correct TRAINSHED_S3_REGION")
    if code in CREDENTIALS or status == FORBIDDEN:
        return BadInput(f"{what}: permission denied ({code})", "valid credentials", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return None
