"""The log of inputs: what it writes, and that it neither slows nor fails a prediction."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from fixtures.tiny import sentences

from pipeline.artifacts import open_store
from pipeline.corpus.documents import Document
from pipeline.errors import BadInput
from pipeline.monitoring.served_texts import read_window
from pipeline.serving.input_log import BUFFER, InputLog, open_input_log
from pipeline.serving.package import package_model
from pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fixtures.s3 import S3Server


def document(row: Mapping[str, Any]) -> Document:
    return Document("", "", "", row["text"], row.get("pair"), None)


def rows(count: int) -> list[dict[str, str]]:
    return [{"text": f"text {place}"} for place in range(count)]


def make(send: Callable[[str, bytes], None], rate: float = 1.0, seed: int | None = 0) -> InputLog:
    made = InputLog(send, document, rate, seed)
    made._thread = threading.current_thread()  # nothing but the test flushes
    return made


def test_a_batch_is_redacted_lines_of_json() -> None:
    sent: dict[str, bytes] = {}
    log = make(sent.__setitem__)
    log.add([{"text": "from a@b.example", "pair": "to c@d.example"}, {"text": "ü"}])
    log.flush()
    log.flush()
    ((key, data),) = sent.items()
    assert key.endswith("-1.jsonl")
    assert [(row["text"], row["pair"]) for row in map(json.loads, data.splitlines())] == [("from <email>", "to <email>"), ("ü", None)]


def test_the_seed_decides_which_rows_are_kept() -> None:
    kept = []
    for seed in (1, 1, 2):
        log = make(lambda _, data: kept.append(data.count(b"\n")), rate=0.2, seed=seed)
        log.add(rows(1000))
        log.flush()
    assert kept[0] == kept[1] != kept[2]
    assert all(140 < count < 260 for count in kept)


def test_a_full_buffer_drops_and_counts() -> None:
    """The sender hangs; requests go on."""
    entered, release = threading.Event(), threading.Event()

    def hang(_: str, __: bytes) -> None:
        entered.set()
        release.wait(60)

    log = make(hang)
    log.add(rows(10))
    writer = threading.Thread(target=log.flush, daemon=True)
    writer.start()
    assert entered.wait(60)
    log.add(rows(BUFFER + 7))
    assert log.dropped == 7
    release.set()
    writer.join()


def test_a_store_that_fails_loses_rows_and_no_prediction(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: str, __: bytes) -> None:
        raise OSError("no such bucket")

    log = make(fail)
    log.add(rows(3))
    log.flush()
    assert log.dropped == 3
    assert "lost 3 rows, 3 in all: OSError: no such bucket" in caplog.text


def test_the_end_of_the_process_writes_the_last_rows() -> None:
    sent: dict[str, bytes] = {}
    log = InputLog(sent.__setitem__, document, 1.0, 0)
    log.add(rows(2))
    log.close()
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TRAINSHED_INPUT_LOG_RATE": "2"}, "TRAINSHED_INPUT_LOG_RATE = 2.0; expected a share above 0, 1 at most"),
        ({"TRAINSHED_INPUT_LOG_RATE": "often"}, "TRAINSHED_INPUT_LOG_RATE = 'often'; expected a number"),
        ({"TRAINSHED_INPUT_LOG_SEED": "1.5"}, "TRAINSHED_INPUT_LOG_SEED = '1.5'; expected a number"),
        ({"TRAINSHED_INPUT_LOG": "nowhere://x"}, "TRAINSHED_INPUT_LOG = 'nowhere://x': Could not find a registered artifact repository"),
    ],
)
def test_a_wrong_variable_is_one_line(environment: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_input_log(document, {"TRAINSHED_INPUT_LOG": "file:///tmp/x", **environment})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_an_address_there_is_no_log() -> None:
    assert open_input_log(document, {}) is None


def test_a_served_model_logs_where_the_monitor_reads(make_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow.pyfunc

    (tmp_path / "sources").mkdir()
    package = package_model(make_model("t5_copy"), tmp_path / "mlflow", tmp_path / "sources", {}, {})
    monkeypatch.setenv("TRAINSHED_INPUT_LOG", f"file://{tmp_path}/store/served/m")
    monkeypatch.setenv("TRAINSHED_INPUT_LOG_RATE", "1")
    loaded = mlflow.pyfunc.load_model(str(package))
    texts = sorted({f"{text} Ask me@mail.example." for _, text, _ in sentences(20)})
    loaded.predict(pd.DataFrame([{"text": text, "name": "n"} for text in texts]))
    loaded.unwrap_python_model().input_log.close()
    window = read_window(open_store(Settings(store=f"file://{tmp_path}/store")), "m", "", 10)
    assert sorted(window.texts) == sorted(text.replace("me@mail.example", "<email>") for text in texts)
    assert window.until.startswith("served/m/2")


def test_s3_is_written_by_mlflows_client(s3_server: S3Server, s3_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "MLFLOW_S3_ENDPOINT_URL": s3_server.endpoint,
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for key, value in values.items():
        monkeypatch.setenv(key, value)
    log = open_input_log(document, {"TRAINSHED_INPUT_LOG": f"{s3_settings.store}/served/m", "TRAINSHED_INPUT_LOG_RATE": "1"})
    assert log is not None
    log.add(rows(2))
    log.close()
    assert log.dropped == 0
    assert sorted(read_window(open_store(s3_settings), "m", "", 10).texts) == ["text 0", "text 1"]
