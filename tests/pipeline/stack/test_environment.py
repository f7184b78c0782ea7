"""What Airflow's processes inherit: each setting as its variable, read back as the same setting."""

from __future__ import annotations

from pipeline.settings import Settings, load_settings
from pipeline.stack.base import StackContext
from pipeline.stack.environment import for_components, training_slots
from pipeline.stack.secrets import load_or_generate


def test_lists_and_secrets_reach_airflow_as_they_were_set(tmp_path, monkeypatch):
    settings = Settings(
        state=tmp_path,
        notify={"slack", "log"},
        mail_to=("b@x.example", "a@x.example"),
        source_roots=("/data", "s3://bucket"),
        slack_webhook="https://hooks.example/secret",
        training_slots=3,
    )
    variables = for_components(StackContext(tmp_path, settings, {}, load_or_generate(tmp_path)))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = load_settings(tmp_path)
    for field in ("notify", "mail_to", "source_roots", "slack_webhook", "training_slots"):
        assert getattr(found, field) == getattr(settings, field), field


def test_slots_are_the_setting_else_the_gpus(tmp_path):
    assert training_slots(Settings(state=tmp_path, training_slots=3, device="cpu")) == 3
    assert training_slots(Settings(state=tmp_path, device="cpu")) == 0
