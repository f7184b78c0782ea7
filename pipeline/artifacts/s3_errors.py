"""What S3's refusals mean to a person: keys that are wrong, or have run out, another region, a clock that is off."""

from __future__ import annotations

from pipeline.errors import BadInput, TrainshedError, Unavailable

CREDENTIALS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "Forbidden", "InvalidToken"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
SKEWED = frozenset({"RequestTimeTooSkewed"})
ELSEWHERE = frozenset(
    {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect", "301"}
)
FORBIDDEN = 403


def refusal(code: str, status: int, what: str, region: str) -> TrainshedError | None:
    """The error that a refusal stands for; None where it is about something else than who asks, where and when.

    Args:
        code: S3's.
        status: HTTP's, for answers without a body.
        what: what refuses, or is refused, to begin the message with.
        region: the region that was asked.
    """
    if code in EXPIRED:
        # whoever tries again reads keys anew, from a file or a connection that may have been renewed meanwhile
        return Unavailable(
            f"{what}: the keys have expired ({code})",
            "keys that are valid",
            "renew them where they come from (docs/secrets.md) and run again: it goes on from the last checkpoint",
        )
    if code in SKEWED:
        return BadInput(f"{what}: the clocks differ too much ({code})", "the same time on both machines", "set the clock here by NTP")
    if code in ELSEWHERE:
        return BadInput(f"{what}: not in region {region!r} ({code})", "the region the bucket lies in", "correct TRAINSHED_S3_REGION")
    if code in CREDENTIALS or status == FORBIDDEN:
        return BadInput(f"{what} refused us ({code})", "valid credentials", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return None
