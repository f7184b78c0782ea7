"""Airflow's configuration files: every option exists in the installed version, none is deprecated, and Airflow parses it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "infra" / "airflow"
FILES = sorted(FOLDER.glob("*.env"))
OTEL = {"OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_METRIC_EXPORT_INTERVAL"}
"""Of the OpenTelemetry SDK, which is installed with Airflow."""

ELSEWHERE = {
    "celery": {"broker_url", "result_backend", "worker_concurrency", "worker_prefetch_multiplier", "operation_timeout"},
    "celery_broker_transport_options": {"visibility_timeout"},
    "openlineage": {"namespace", "transport", "disable_source_code", "include_full_task_info"},
}
"""Sections of providers that only the image for Airflow holds (celery 3.26.0, openlineage 2.20.3): read there when this was written."""

SENSITIVE_ELSEWHERE = {("celery", "broker_url"), ("celery", "result_backend")}

EXECUTORS = {
    "executor-local.env": "airflow.executors.local_executor",
    "executor-kubernetes.env": "airflow.providers.cncf.kubernetes.executors.kubernetes_executor",
    "executor-celery.env": "airflow.providers.celery.executors.celery_executor",
}


def variables(path: Path) -> dict[str, str]:
    """As Docker Compose and systemd read such a file."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def options(path: Path) -> list[tuple[str, str]]:
    """Section and option of each of Airflow's variables, with the ending that says how it is given."""
    named = [re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z0-9_]+)", name) for name in variables(path) if name not in OTEL]
    assert all(named), path.name
    return [(found[1].lower(), found[2].lower()) for found in named]


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, dict]]:
    """Options by section, of Airflow and of the providers that are installed."""
    from airflow.configuration import retrieve_configuration_description

    described = retrieve_configuration_description(include_providers=True)
    return {section: body["options"] for section, body in described.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_option_exists_and_none_is_deprecated(path, known) -> None:
    for section, option in options(path):
        name = option.removesuffix("_cmd") if option not in known.get(section, {}) else option
        if section in ELSEWHERE and section not in known:
            assert name in ELSEWHERE[section], f"[{section}] {name}"
            assert option == name or (section, name) in SENSITIVE_ELSEWHERE
            continue
        assert name in known[section], f"[{section}] {name}"
        description = known[section][name]
        assert not description.get("version_deprecated"), f"[{section}] {name} is deprecated"
        # Airflow runs a command only for what it calls sensitive
        assert option == name or description.get("sensitive"), f"[{section}] {option}"


def test_no_file_holds_a_secret(known) -> None:
    for path in FILES:
        given = dict(options(path))
        sensitive = {(section, name) for section, body in known.items() for name, told in body.items() if told.get("sensitive")}
        assert not (sensitive | SENSITIVE_ELSEWHERE) & set(given.items()), path.name
        assert not re.search(r"(password|secret|key)=\S", path.read_text(), re.IGNORECASE)


@pytest.mark.parametrize("name", EXECUTORS)
def test_an_executor_is_found_where_its_provider_is_installed(name) -> None:
    from importlib.util import find_spec

    from airflow.executors.executor_loader import ExecutorLoader

    executor = variables(FOLDER / name)["AIRFLOW__CORE__EXECUTOR"]
    module, _, class_name = ExecutorLoader.executors[executor].rpartition(".")
    assert module == EXECUTORS[name]
    try:
        installed = find_spec(module) is not None
    except ModuleNotFoundError:
        installed = False
    if not installed:
        pytest.skip(f"the provider of {executor} is not installed here; the image for Airflow holds it")
    assert hasattr(__import__(module, fromlist=[class_name]), class_name)


@pytest.mark.parametrize("executor", [name for name in EXECUTORS if "celery" not in name])
def test_airflow_parses_each_configuration(executor, tmp_path) -> None:
    (tmp_path / "key").write_text("from-a-file")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "OTEL"))}
    for path in (FOLDER / "base.env", FOLDER / "secrets.env", FOLDER / executor):
        environment |= variables(path)
    environment |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__API_AUTH__JWT_SECRET_CMD": f"cat {tmp_path}/key"}
    environment |= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": f"printf sqlite:///{tmp_path}/airflow.db"}
    script = (
        "from airflow.configuration import conf; "
        "print(conf.get('core', 'executor'), conf.get('api_auth', 'jwt_secret'), conf.get('database', 'sql_alchemy_conn'), "
        "conf.getint('workers', 'max_failed_heartbeats'), conf.getfloat('scheduler', 'scheduler_idle_sleep_time'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:airflow.configuration", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    wanted = variables(FOLDER / executor)["AIRFLOW__CORE__EXECUTOR"]
    assert done.stdout.splitlines()[-1] == f"{wanted} from-a-file sqlite:///{tmp_path}/airflow.db 50 0.2"
    assert "Deprecat" not in done.stderr


def test_telemetry_uses_the_variables_of_the_sdk(known) -> None:
    given = variables(FOLDER / "telemetry.env")
    assert set(given) - OTEL == {"AIRFLOW__METRICS__OTEL_ON", "AIRFLOW__METRICS__LEGACY_NAMES_ON"}
    # the ways of old would win over the SDK's variables, or warn
    assert known["metrics"]["otel_host"]["version_deprecated"]
    from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL, OTEL_SERVICE_NAME

    assert {OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL, OTEL_SERVICE_NAME} <= set(given)
