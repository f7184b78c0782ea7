"""Both stores do what the protocol says."""

from pathlib import Path

import pytest
from fixtures.store_suite import StoreSuite
from pydantic import SecretStr

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Store
from pipeline.errors import BadInput, Unavailable
from pipeline.settings import Settings


class TestFolder(StoreSuite):
    @pytest.fixture
    def store(self, folder_settings: Settings) -> Store:
        return open_store(folder_settings)


class TestS3(StoreSuite):
    @pytest.fixture
    def store(self, s3_settings: Settings) -> Store:
        return open_store(s3_settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"s3_secret_key": SecretStr("wrong-and-secret")}, "permission denied"),
        ({"s3_access_key": SecretStr("nobody")}, "permission denied"),
        ({"store": "s3://nowhere/x"}, "no bucket 'nowhere'"),
    ],
)
def test_a_wrong_setting_is_one_line_without_the_secret(s3_server, tmp_path: Path, changes: dict, words: str) -> None:
    store = open_store(s3_server.settings(tmp_path, **changes))
    for call in (lambda: store.put("k", b""), lambda: store.get("k")):
        with pytest.raises(BadInput) as caught:
            call()
        assert words in str(caught.value)
        assert "wrong-and-secret" not in str(caught.value)


def test_a_store_that_is_away_is_given_up_after_the_patience(s3_server, tmp_path: Path) -> None:
    store = open_store(s3_server.settings(tmp_path, s3_endpoint="http://127.0.0.1:9", s3_retry_s=0.5))
    with pytest.raises(Unavailable, match="does not answer"):
        store.get("k")


def test_an_unknown_scheme_is_answered(folder_settings) -> None:
    with pytest.raises(BadInput, match="unknown store 'gs'"):
        open_store(folder_settings.model_copy(update={"store": "gs://x"}))
