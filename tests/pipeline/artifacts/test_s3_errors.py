"""S3 refusals because of keys, region or clock become errors with a fix; the server answers as S3 does."""

from __future__ import annotations

import pytest
from fixtures.answers import answers

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, Unavailable
from pipeline.settings import Settings
from pipeline.sources.bucket import list_objects

__all__ = ["answers"]

CASES = [
    (400, "ExpiredToken", Unavailable, "the keys have expired (ExpiredToken)", "renew them at their source"),
    (403, "RequestExpired", Unavailable, "the keys have expired", "resumes from the last checkpoint"),
    (403, "RequestTimeTooSkewed", BadInput, "the clocks differ too much", "set the clock of this machine"),
    (400, "AuthorizationHeaderMalformed", BadInput, "not in region 'eu-west-1'", "correct TRAINSHED_S3_REGION"),
    (301, "PermanentRedirect", BadInput, "not in region 'eu-west-1'", "correct TRAINSHED_S3_REGION"),
    (403, "InvalidAccessKeyId", BadInput, "permission denied (InvalidAccessKeyId)", "check AWS_ACCESS_KEY_ID"),
    (403, "SomethingNew", BadInput, "permission denied (SomethingNew)", "check AWS_ACCESS_KEY_ID"),
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
