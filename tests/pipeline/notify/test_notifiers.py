"""Notifiers, with real servers on loopback; one that fails is logged and changes nothing."""

from __future__ import annotations

import logging

import pytest
from fixtures.mlflow import free_port
from fixtures.receiver import http_receiver, smtp_receiver
from fixtures.shipped import RECIPES

from pipeline.errors import BadInput
from pipeline.notify import NOTIFIERS
from pipeline.notify.send import send
from pipeline.recipe import Event, Notify, find_recipe
from pipeline.recipe.recipe import check_recipe
from pipeline.settings import Settings

DETAIL = "version 3: no gain <0.1> & no more"


@pytest.fixture(scope="module")
def recipe():
    return find_recipe(RECIPES[0], Settings().recipe_folders)


def told(recipe, settings: Settings, event: Event = Event.REFUSED, **notify) -> None:
    send(event, recipe.model_copy(update={"notify": Notify(**notify)} if notify else {}), "notes-1", DETAIL, settings)


def test_the_webhook_gets_every_part(recipe):
    with http_receiver() as receiver:
        told(recipe, Settings(notify_webhook=receiver.url, notify={"webhook"}))
    model = recipe.registration.model
    assert receiver.bodies == [
        {
            "event": "refused",
            "recipe": recipe.name,
            "run": "notes-1",
            "model": model,
            "detail": DETAIL,
            "text": f"{recipe.name}: the challenger of {model} was not promoted (notes-1)\n{DETAIL}",
        }
    ]


def test_slack_gets_text_without_markup(recipe):
    with http_receiver() as receiver:
        told(recipe, Settings(slack_webhook=receiver.url), via=["slack"])
    (body,) = receiver.bodies
    assert body["text"].endswith("version 3: no gain &lt;0.1&gt; &amp; no more")


def test_an_e_mail_goes_to_the_recipes_receivers(recipe):
    with smtp_receiver() as receiver:
        settings = Settings(smtp_host="127.0.0.1", smtp_port=receiver.port, smtp_tls=False, mail_from="trainshed@here.example")
        told(recipe, settings, via=["mail"], to=["a@here.example", "b@here.example"])
        told(recipe, settings.model_copy(update={"mail_to": ("c@here.example",)}), via=["mail"])
    assert [line for line in receiver.commands if line.startswith("rcpt")] == [f"rcpt TO:<{name}@here.example>" for name in "abc"]
    assert f"Subject: {recipe.name}: the challenger of" in receiver.bodies[0]
    assert DETAIL in receiver.bodies[0]


def test_a_failure_is_an_error_in_the_log(recipe, caplog):
    with caplog.at_level(logging.INFO):
        told(recipe, Settings(), Event.FAILED)
        told(recipe, Settings(), Event.FINISHED)
    said = [(record.levelname, "run failed" in record.message) for record in caplog.records if record.name == "pipeline.notify.log"]
    assert said == [("ERROR", True), ("INFO", False)]


def test_only_the_events_that_the_recipe_names_are_sent(recipe):
    with http_receiver() as receiver:
        settings = Settings(notify_webhook=receiver.url)
        for event in Event:
            told(recipe, settings, event, via=["webhook"], on=["failed", "waiting"])
    assert [body["event"] for body in receiver.bodies] == ["failed", "waiting"]


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("webhook", {}, "webhook has no address; fix: set TRAINSHED_NOTIFY_WEBHOOK"),
        ("slack", {"slack_webhook": "planted-secret"}, "the address of slack is not a URL"),
        ("slack", {"slack_webhook": "http://127.0.0.1:{dead}/planted-secret"}, "slack is unreachable: ConnectionError"),
        ("mail", {}, "e-mail is not set up; expected TRAINSHED_SMTP_HOST"),
        ("mail", {"smtp_host": "127.0.0.1", "smtp_port": "{dead}"}, "cannot send by the SMTP server 127.0.0.1:"),
    ],
)
def test_one_that_fails_is_logged_without_its_secret_and_the_others_are_told(recipe, caplog, name, settings, says):
    dead = free_port()
    given = {field: value.format(dead=dead) for field, value in settings.items()}
    common = {"mail_from": "t@here.example", "mail_to": ("c@here.example",)} if given else {}
    with caplog.at_level(logging.INFO):
        told(recipe, Settings(**given, **common), via=[name, "log"])
    found = next(record for record in caplog.records if record.name == "pipeline.notify.send")
    assert found.levelname == "WARNING"
    warning = found.message
    assert warning.startswith(f"notifier {name} failed: {says}")
    assert "planted-secret" not in caplog.text
    assert "was not promoted" in caplog.text


@pytest.mark.parametrize(
    ("status", "says"), [(500, "webhook answers HTTP 500"), (404, "fix: correct TRAINSHED_NOTIFY_WEBHOOK"), (302, "HTTP 302")]
)
def test_a_server_that_refuses_is_logged(recipe, caplog, status, says):
    with http_receiver() as receiver:
        receiver.status = status
        told(recipe, Settings(notify_webhook=receiver.url), via=["webhook"])
    assert says in caplog.text
    assert "planted-secret" not in caplog.text


@pytest.mark.parametrize(
    ("command", "says"), [("RCPT", "refused the message: SMTPRecipientsRefused"), ("MAIL", "cannot send by the SMTP server")]
)
def test_a_mail_server_that_refuses_is_logged(recipe, caplog, command, says):
    with smtp_receiver(command) as receiver:
        settings = Settings(smtp_host="127.0.0.1", smtp_port=receiver.port, smtp_tls=False, mail_from="t@here.example")
        told(recipe, settings, via=["mail"], to=["a@here.example"])
    assert receiver.bodies == []
    assert says in caplog.text


def test_encryption_is_not_given_up_silently(recipe, caplog):
    """The server offers no STARTTLS."""
    with smtp_receiver() as receiver:
        told(
            recipe,
            Settings(smtp_host="127.0.0.1", smtp_port=receiver.port, mail_from="t@here.example"),
            via=["mail"],
            to=["a@here.example"],
        )
    assert receiver.bodies == []
    assert "refused the message: SMTPNotSupportedError" in caplog.text


def test_whatever_a_notifier_of_a_package_raises_is_logged(recipe, caplog, monkeypatch):
    monkeypatch.setattr("pipeline.notify.log.notify", lambda message, settings: 1 / 0)
    told(recipe, Settings())
    assert "notifier log failed: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("notify", "says"),
    [
        ({"via": ["slak"]}, r"unknown .*'slak'.*did you mean 'slack'"),
        ({"via": []}, "notify.via"),
        ({"via": ["log"], "on": ["promotd"]}, "notify.on"),
        ({"via": ["log"], "late_after_h": 0}, "notify.late_after_h = 0"),
        ({"to": ["a@b.example"]}, "no notify.via"),
    ],
)
def test_a_wrong_section_is_refused_in_one_line(recipe, notify, says):
    with pytest.raises(BadInput, match=says) as caught:
        check_recipe({**recipe.model_dump(mode="json"), "notify": notify}, "x.yaml")
    assert "\n" not in str(caught.value)


def test_every_notifier_of_the_table_exists():
    assert [callable(NOTIFIERS.load(name)) for name in NOTIFIERS] == [True] * 4
