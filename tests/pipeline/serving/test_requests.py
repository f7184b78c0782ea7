"""Requests as a server gets them: each is answered row by row, or refused in a message that says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pipeline.families.kinds import Head
from pipeline.models.build import HeadSpec
from pipeline.serving.package import package_model

TASKS: dict[str, tuple[str, dict[str, Any], HeadSpec | None]] = {
    "classification": (
        "bert",
        {"kind": "classification", "max_tokens": 40},
        HeadSpec(Head.SEQUENCE_CLASSIFICATION, ("carts", "files"), "single_label_classification", mean_pooling=True),
    ),
    "summarization": ("t5_copy", {"kind": "summarization", "max_source_tokens": 48, "max_target_tokens": 8}, None),
    "chat": ("llama", {"kind": "chat", "max_source_tokens": 48, "max_target_tokens": 8}, None),
    "tagging": ("bert", {"kind": "tagging"}, HeadSpec(Head.TOKEN_CLASSIFICATION, ("B-X", "I-X", "O"))),
    "language_model": ("gpt2", {"kind": "language_model", "max_new_tokens": 4}, None),
}
QUESTION = {"role": "user", "content": "Which file?"}
Ask = Callable[[str, Any], tuple[int, Any]]


@pytest.fixture(scope="module")
def ask(make_model, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Send a body to the server of a task; gives the status, and the rows of the answer or the message."""
    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    clients: dict[str, TestClient] = {}

    def send(task: str, body: Any) -> tuple[int, Any]:
        if task not in clients:
            family, section, head = TASKS[task]
            folder = tmp_path_factory.mktemp(task)
            (folder / "sources").mkdir()
            packaged = package_model(make_model(family, task=section, head=head), folder / "mlflow", folder / "sources", {}, {})
            app = scoring_server.init(mlflow.pyfunc.load_model(str(packaged)))
            clients[task] = TestClient(app, raise_server_exceptions=False)
        text = body if isinstance(body, str) else json.dumps(body)
        response = clients[task].post("/invocations", content=text, headers={"content-type": "application/json"})

        def no_constant(name: str) -> None:
            raise AssertionError(f"{name} is no JSON")

        found = json.loads(response.text, parse_constant=no_constant)
        return response.status_code, found["predictions"] if response.status_code == 200 else found["message"]

    return send


def rows(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"dataframe_records": list(cells)}


@pytest.mark.parametrize("task", ["classification", "summarization", "language_model"])
@pytest.mark.parametrize("text", ["Opens the file.", "", None, "a\x00b", "日本"])
def test_a_text_is_answered_alone_and_beside_others(ask, task, text) -> None:
    status, alone = ask(task, rows({"text": text}))
    assert (status, len(alone)) == (200, 1)
    status, both = ask(task, rows({"text": text}, {"text": "Closes it."}))
    assert (status, len(both)) == (200, 2)
    assert both[0].keys() == alone[0].keys() == both[1].keys()


def test_many_rows_are_answered_in_their_order(ask) -> None:
    texts = [f"Opens file {number % 50}." for number in range(10_000)]
    status, found = ask("classification", rows(*({"text": text} for text in texts)))
    assert (status, len(found)) == (200, 10_000)
    assert len({row["score"] for row in found}) > 10
    for place in range(50, 10_000, 997):
        assert found[place]["score"] == pytest.approx(found[place % 50]["score"], abs=1e-5)


def test_no_row_is_answered_by_no_row(ask) -> None:
    assert ask("classification", {"dataframe_split": {"columns": ["text"], "data": []}}) == (200, [])


@pytest.mark.parametrize("task", ["classification", "summarization", "chat", "language_model"])
def test_a_wrong_column_is_named(ask, task) -> None:
    status, message = ask(task, rows({"txt": "Opens the file."}))
    assert status == 400
    assert "Model is missing inputs" in message
    assert "'txt'" in message


def test_a_wrong_column_is_named_where_every_column_is_optional(ask) -> None:
    status, message = ask("tagging", rows({"txt": "Opens the file."}))
    assert (status, "the request has no column tokens or text; fix: name its columns" in message) == (400, True)


@pytest.mark.parametrize("cell", [{"tokens": ["Opens", "it"]}, {"text": "Opens it"}])
def test_tokens_and_texts_are_tagged(ask, cell) -> None:
    status, (found,) = ask("tagging", rows(cell))
    assert (status, len(found["tags"]), len(found["scores"])) == (200, 2, 2)


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([{"role": "robot", "content": "Which?"}], "messages: role 'robot', not one of system, user, assistant"),
        ([{"role": "system", "content": "Be brief."}], "messages: the conversation has no user message"),
        ([{"role": "user", "content": " "}], "messages: a message is empty"),
        ([QUESTION, {"role": "system", "content": "Be brief."}], "messages: a system message is not the first message"),
        ([{"role": "user"}], "Missing required properties"),
        ([{"role": "user", "content": 3}], "Expected type string"),
        (["Which file?"], "Expected data to be dictionary"),
        ("Which file?", "Expected data to be list"),
        (None, "Expected data to be list"),
    ],
)
def test_a_wrong_conversation_is_refused_with_the_reason(ask, messages, why) -> None:
    status, message = ask("chat", rows({"messages": messages}))
    assert (status, why in message) == (400, True), message


def test_a_conversation_is_answered_and_an_empty_one_by_nothing(ask) -> None:
    status, found = ask("chat", rows({"messages": [QUESTION]}, {"messages": []}))
    assert status == 200
    assert [bool(row["answer"]) for row in found] == [True, False]


@pytest.mark.parametrize("body", ["{", "[]", '{"rows": [1]}', '{"dataframe_records": 3}', "{}"])
def test_a_broken_body_is_refused(ask, body) -> None:
    status, message = ask("classification", body)
    assert status == 400
    assert "input" in message


@pytest.mark.parametrize("cell", [["Opens"], {"a": 1}, 3.5, b"Opens"])
def test_a_cell_that_is_no_text_is_refused(make_model, cell) -> None:
    from pipeline.errors import BadInput
    from pipeline.serving.answer import Answerer

    family, section, head = TASKS["classification"]
    answerer = Answerer.load(make_model(family, task=section, head=head))
    with pytest.raises(BadInput, match=r"column text holds .*; expected text; fix: correct the request"):
        answerer.answer([{"text": cell}])
    assert answerer.answer([{"text": float("nan")}]) == answerer.answer([{"text": None}]) == answerer.answer([{}])


def test_no_number_is_null_and_not_nan(ask) -> None:
    """A reply with NaN in it is no JSON: most clients cannot read any of it."""
    status, found = ask("language_model", rows({"text": None}, {"text": "Opens the file."}))
    assert status == 200
    assert found[0]["bits_per_byte"] is None
    assert found[1]["bits_per_byte"] > 0
