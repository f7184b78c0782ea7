"""What S3 refuses because of keys, region or clock, told with the mend; by a server that answers as S3 does."""

from __future__ import annotations

import pytest
from fixtures.answers import answers

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, Unavailable
from pipeline.settings import Settings
from pipeline.sources.bucket import list_objects

__all__ = ["answers"]

CASES = [
    (400, "ExpiredToken", Unavailable, "the keys have expired (ExpiredToken)", "renew them where they come from"),
    (403, "RequestExpired", Unavailable, "the keys have expired", "goes on from the last checkpoint"),
    (403, "RequestTimeTooSkewed", BadInput, "the clocks differ too much", "set the clock here"),
    (400, "AuthorizationHeaderMalformed", BadInput, "not in region 'eu-west-1'", "correct TRAINSHED_S3_REGION"),
    (301, "PermanentRedirect", BadInput, "not in region 'eu-west-1'", "correct TRAINSHED_S3_REGION"),
    (403, "InvalidAccessKeyId", BadInput, "refused us (InvalidAccessKeyId)", "check AWS_ACCESS_KEY_ID"),
    (403, "SomethingNew", BadInput, "refused us (SomethingNew)", "check AWS_ACCESS_KEY_ID"),
]


@pytest.fixture
def settings(answers):
    return Settings(store="s3://bucket", s3_endpoint=answers.url, s3_region="eu-west-1", s3_access_key="key", s3_secret_key="planted")


def refuse(answers, status, code):
    for path in ("/bucket/key", "/bucket"):
        answers.of[path] = (status, f"<Error><Code>{code}</Code><Message>no</Message></Error>")


@pytest.mark.parametrize(("status", "code", "kind", "got", "fix"), CASES)
def test_the_store_and_a_source_tell_it_alike(answers, settings, status, code, kind, got, fix):
    refuse(answers, status, code)
    for ask in (lambda: open_store(settings).get("key"), lambda: list_objects("s3://bucket/data/", settings)):
        with pytest.raises(kind) as raised:
            ask()
        assert got in str(raised.value)
        assert fix in str(raised.value)
        assert "planted" not in str(raised.value)
