"""Settings: where things run. This module is the only reader of the environment.

Settings say *where* (addresses, folders, launcher, limits) and never *what*, so none of them enters a fingerprint.
A setting is read from the first of these places that has it:

1. the variable ``TRAINSHED_<NAME>``;
2. a file in the folder ``TRAINSHED_SECRETS_DIR``, named like the variable (of place 1 or 4);
3. ``<state>/env``, the file with mode 0600 where ``trainshed up`` writes addresses and credentials of the local stack;
4. a variable that boto3 and MLflow users already have (``AWS_ACCESS_KEY_ID``, ...).

Place 4 comes last because keys for AWS itself must not be sent to the local S3 server. ``TRAINSHED_USE_EXISTING`` swaps
places 3 and 4. `docs/secrets.md` explains all of this.
"""

from __future__ import annotations

import os
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import BadInput

ENV_FILE = "env"
PREFIX = "TRAINSHED_"
INTERNAL = frozenset({"TRAINSHED_MLFLOW_LOGIN", "TRAINSHED_STACK", "TRAINSHED_STACK_SERVER", "TRAINSHED_STACK_CONFIGURATION"})
"""Variables with our prefix that the stack passes to its own processes; they are not settings."""


class Settings(BaseSettings):
    """Everything that may differ between a laptop, a server and a cluster."""

    model_config = SettingsConfigDict(env_prefix="TRAINSHED_", frozen=True, extra="ignore", populate_by_name=True)

    state: Path = Path(".trainshed")
    """Folder of all local state: data and logs of the stack, cache, submitted recipes."""

    home: Path = Path(__file__).resolve().parent.parent
    """Checkout: the folder that holds `dags/` and `components/`."""

    secrets_dir: Path | None = None
    """Folder of mounted secrets: one file per setting, named like its variable. Unset: no mounted secrets."""

    store: str = "s3://pipeline"
    """Where artifacts are stored: ``s3://bucket[/prefix]`` or ``file:///folder``."""

    s3_endpoint: str | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"))
    """URL of the S3 server. Unset: AWS."""

    s3_region: str = Field("us-east-1", validation_alias=AliasChoices("TRAINSHED_S3_REGION", "AWS_DEFAULT_REGION"))
    """Region of the bucket."""

    s3_access_key: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID"))
    """S3 access key. Unset: boto3 searches for credentials itself (instance role, profile)."""

    s3_secret_key: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"))
    """S3 secret key."""

    s3_session_token: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_SESSION_TOKEN", "AWS_SESSION_TOKEN"))
    """Session token of temporary S3 keys. Unset: the keys are permanent."""

    s3_connection: str | None = None
    """Airflow connection (type aws) with the S3 keys for tasks and components. Unset: no connection is read."""

    s3_retry_s: float = 90.0
    """How long a step retries an unreachable S3 server before it ends with exit code 75, in seconds."""

    mlflow_uri: str = Field("http://127.0.0.1:5000", validation_alias=AliasChoices("TRAINSHED_MLFLOW_URI", "MLFLOW_TRACKING_URI"))
    """URL of the MLflow server."""

    mlflow_username: str | None = Field(None, validation_alias=AliasChoices("TRAINSHED_MLFLOW_USERNAME", "MLFLOW_TRACKING_USERNAME"))
    """MLflow user, if the server requires a log-in."""

    mlflow_password: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_MLFLOW_PASSWORD", "MLFLOW_TRACKING_PASSWORD"))
    """Password of the MLflow user."""

    mlflow_connection: str | None = None
    """Airflow connection (type http) with the MLflow log-in for tasks and components. Unset: no connection is read."""

    mlflow_retry_s: float = 60.0
    """How long a step retries an unreachable MLflow server before it ends with exit code 75, in seconds."""

    airflow_url: str = "http://127.0.0.1:8080"
    """URL of the Airflow API server, as the command line reaches it."""

    airflow_username: str = "admin"
    """Airflow user of the command line."""

    airflow_password: SecretStr | None = None
    """Password of the Airflow user."""

    launcher: str = "process"
    """How Airflow starts a component: a name from `pipeline.launchers`."""

    machines: Path = Path("infra/machines.yaml")
    """File that defines the machine sizes. A relative path starts at the checkout."""

    images: str = "trainshed/{stage}:{version}"
    """Image of a component: a reference with the placeholders ``{stage}`` and ``{version}`` (of this package)."""

    container_s3_endpoint: str | None = None
    """URL of the S3 server as containers reach it. Unset: same as `TRAINSHED_S3_ENDPOINT`."""

    container_mlflow_uri: str | None = None
    """URL of the MLflow server as containers reach it. Unset: same as `TRAINSHED_MLFLOW_URI`."""

    docker_url: str = Field("unix:///var/run/docker.sock", validation_alias=AliasChoices("TRAINSHED_DOCKER_URL", "DOCKER_HOST"))
    """Address of the Docker engine."""

    docker_network: str | None = None
    """Network of the containers. Unset: ``none`` where S3 and MLflow listen on 127.0.0.1 (containers reach these two and nothing else), else Docker's default, ``bridge``."""

    docker_volume: str = "trainshed"
    """Docker volume for the cache and the working files of containers."""

    docker_connection: str | None = None
    """Airflow connection (type docker) with the log-in to the image registry. Unset: no log-in."""

    container_network: str | None = None
    """Docker network that a component's container joined; ``none``: it reaches S3 and MLflow only. The launcher docker sets it."""

    image_digest: str | None = None
    """Digest of the image that a component runs in, for its provenance. Launchers set it."""

    code_version: str | None = None
    """Commit of the code, for the provenance, where there is no git checkout. Images set it."""

    kubernetes_connection: str = "kubernetes_default"
    """Airflow connection of the cluster. If it does not exist: the kubeconfig, or the service account of the worker."""

    kubernetes_namespace: str = "trainshed"
    """Namespace of the pods."""

    kubernetes_secret: str = "trainshed-{stage}"  # noqa: S105 - a name
    """Kubernetes Secret with the S3 keys and MLflow password of a stage, named like their variables. Empty: pods have their own identity."""

    trainjob_runtime: str = "trainshed"
    """Kubeflow TrainingRuntime that the launcher trainjob uses."""

    kubernetes_retry_min: float = 30.0
    """How long a task retries an unreachable Kubernetes API server before it ends with exit code 75, in minutes. The pod keeps running; the next attempt reattaches to it."""

    kubernetes_queue_min: float = 1440.0
    """How long a pod may wait for quota, admission and a node before its task ends with exit code 75, in minutes."""

    cache_limit_mb: int = 4096
    """Size limit of the local cache, in megabytes. Above it, the least recently used files are deleted."""

    lease_ttl_s: float = 15.0
    """How long a lease is valid after the last heartbeat of its holder, in seconds."""

    watchdog_min: float = 15.0
    """A step without progress for this long ends with exit code 75, in minutes."""

    threads: int | None = None
    """CPU threads of a training step. Unset: all cores that the process may use."""

    device: str = "auto"
    """Device for tensors: ``cpu``, ``cuda``, or ``auto`` (CUDA if available)."""

    served_days: float = Field(30.0, gt=0)
    """Days that garbage collection keeps the texts of the log of inputs. They are personal data."""

    training_slots: int | None = Field(None, ge=1)
    """How many training steps Airflow runs at the same time, over all recipes: the slots of its pool ``trainshed-training``. Unset: `trainshed up` takes the number of GPUs; without one there is no such pool."""

    notify: Annotated[frozenset[str], NoDecode] = frozenset({"log"})
    """Who is notified about runs of recipes that do not say it themselves: any of ``log,mail,slack,webhook``."""

    slack_webhook: SecretStr | None = None
    """Incoming webhook of Slack, for the notifier ``slack``."""

    notify_webhook: SecretStr | None = None
    """URL that the notifier ``webhook`` posts to."""

    smtp_host: str | None = None
    """SMTP server of the notifier ``mail``."""

    smtp_port: int = 587
    """Port of the SMTP server."""

    smtp_tls: bool = True
    """Whether the SMTP server is asked for encryption (STARTTLS)."""

    smtp_username: str | None = None
    """SMTP user, if the server requires a log-in."""

    smtp_password: SecretStr | None = None
    """Password of the SMTP user."""

    mail_from: str | None = None
    """Sender of e-mails."""

    mail_to: Annotated[tuple[str, ...], NoDecode] = ()
    """Receivers of e-mails about recipes that name none, with commas."""

    serving_precision: str = "fp32"
    """What a registered model computes in where it is loaded: ``fp32``, ``bf16``, or ``auto`` (bf16 if the hardware multiplies in it)."""

    rank: int = Field(0, ge=0, validation_alias=AliasChoices("TRAINSHED_RANK", "RANK"))
    """Rank of this training process, from 0. torchrun sets this and the next three settings."""

    world_size: int = Field(1, ge=1, validation_alias=AliasChoices("TRAINSHED_WORLD_SIZE", "WORLD_SIZE"))
    """Number of processes that train together."""

    local_rank: int = Field(0, ge=0, validation_alias=AliasChoices("TRAINSHED_LOCAL_RANK", "LOCAL_RANK"))
    """Rank of this process on its machine, from 0; also the number of its GPU."""

    local_world_size: int = Field(1, ge=1, validation_alias=AliasChoices("TRAINSHED_LOCAL_WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    """Number of training processes on this machine."""

    s3_port: int = 8333
    """Preferred port of the local S3 server."""

    mlflow_port: int = 5000
    """Preferred port of the local MLflow server."""

    airflow_port: int = 8080
    """Preferred port of the local Airflow API server."""

    source_roots: Annotated[tuple[str, ...], NoDecode] = ()
    """Folders and ``s3://`` prefixes that sources may be read from, with commas; unset allows all but hidden and system folders."""

    hub_endpoint: str | None = Field(None, validation_alias=AliasChoices("TRAINSHED_HUB_ENDPOINT", "HF_ENDPOINT"))
    """URL of the Hugging Face hub, or of a mirror. Unset: huggingface.co."""

    hub_token: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_HUB_TOKEN", "HF_TOKEN"))
    """Token of the hub, for datasets that are not public."""

    hub_offline: bool = Field(default=False, validation_alias=AliasChoices("TRAINSHED_HUB_OFFLINE", "HF_HUB_OFFLINE"))
    """Whether the hub may not be asked for datasets."""

    databases: SecretStr | None = None
    """URLs of the databases that sources of kind ``sql`` read, as a JSON object from name to URL. They may hold passwords."""

    database_connections: Annotated[tuple[str, ...], NoDecode] = ()
    """Airflow connections (type postgres, for example) of databases, with commas; a source names one by its id. Empty: no connection is read."""

    use_existing: Annotated[frozenset[str], NoDecode] = frozenset()
    """Servers that `trainshed up` does not start because they already exist: any of ``s3,mlflow,airflow``."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources as the docstring of this module says."""
        ours = EnvSettingsSource(settings_cls)
        ours.env_vars = {name: value for name, value in ours.env_vars.items() if name.startswith("trainshed_")}
        rest = (env_settings, dotenv_settings) if "trainshed_use_existing" in ours.env_vars else (dotenv_settings, env_settings)
        return (init_settings, ours, file_secret_settings, *rest)

    @field_validator("use_existing", "source_roots", "notify", "mail_to", "database_connections", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a comma-separated list."""
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @field_validator("store", "s3_endpoint", "mlflow_uri", "airflow_url", "docker_url", "container_s3_endpoint", "container_mlflow_uri")
    @classmethod
    def _splits(cls, value: str | None) -> str | None:
        """Reject an address that cannot be parsed (``http://[``) or that contains a password.

        Messages, manifests and pod specs show addresses. Whether a server answers there, its client finds out.
        """
        if "@" in urlsplit(value or "").netloc:
            raise ValueError("an address without user and password, which have separate variables")
        return value

    @property
    def s3_keys(self) -> tuple[str, ...] | None:
        """Access key, secret key and, if set, session token, in clear text; None: boto3 searches for credentials itself."""
        given = (self.s3_access_key, self.s3_secret_key, self.s3_session_token)
        if given[0] and given[1]:
            return tuple(key.get_secret_value() for key in given if key)
        return None

    @cached_property
    def dags_folder(self) -> Path:
        """Folder of the DAG files, which is Airflow's DAG folder too."""
        return self.home / "dags"

    @cached_property
    def machines_file(self) -> Path:
        """The file of machine sizes."""
        return self.home / self.machines

    @cached_property
    def recipe_folders(self) -> tuple[Path, ...]:
        """Folders of recipes: the one in git, then the one of submitted recipes."""
        return (self.dags_folder / "recipes", self.state.resolve() / "recipes")

    @cached_property
    def cache_folder(self) -> Path:
        """Folder of the verified local cache."""
        return self.state.resolve() / "cache"

    def file_cache_path(self, topic: str) -> Path:
        """File of `pipeline.file_cache` for one kind of fact; it may be deleted at any time."""
        return self.state.resolve() / "file_cache" / f"{topic}.json"


def known_variables() -> frozenset[str]:
    """The variables that are settings."""
    return frozenset(PREFIX + name.upper() for name in Settings.model_fields)


def set_variables() -> list[str]:
    """The variables of the environment with our prefix, settings or not, in upper case (settings ignore case)."""
    return sorted(name.upper() for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in INTERNAL)


def load_settings(state: Path | None = None) -> Settings:
    """Read settings from the environment, from mounted files, then from ``<state>/env``.

    Args:
        state: the state folder; by default ``TRAINSHED_STATE`` or ``.trainshed`` below the working directory.

    Raises:
        BadInput: a variable or a file has a value that its setting cannot have, or a file cannot be read.
    """
    folder = state or Path(os.environ.get("TRAINSHED_STATE", ".trainshed"))
    mounted = os.environ.get("TRAINSHED_SECRETS_DIR") or None
    written = _written(folder / ENV_FILE)
    try:
        if mounted:
            _check_mounted(Path(mounted))
            return Settings(state=folder, _env_file=folder / ENV_FILE, _secrets_dir=mounted)
        return _settings(folder, *written, tuple(os.environ.items()))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"TRAINSHED_{name.upper()}"
        raise BadInput(f"setting {variable} = {_shown(first['input'])}", first["msg"].lower(), f"correct {variable}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _not_mounted(str(mounted), str(error)) from error


@lru_cache(maxsize=4)
def _settings(state: Path, _text: str, _working: Path, _variables: tuple[tuple[str, str], ...]) -> Settings:
    """The settings that follow from all of this. To read them takes as long as several requests, and a task does so at least twice."""
    return Settings(state=state, _env_file=state / ENV_FILE)


def _written(file: Path) -> tuple[str, Path]:
    """Text of the stack's env file, empty if there is none, and the working folder, where relative paths start."""
    try:
        here = Path.cwd()
    except FileNotFoundError as error:
        raise BadInput("the working folder was deleted", "", "change to another folder") from error
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else "", here
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: {error}", "a file as `trainshed up` writes it", "delete it, and run `trainshed up`") from error


def _check_mounted(folder: Path) -> None:
    """Check that every mounted secret is a readable file; pydantic would only warn and ignore the others."""
    root = folder.resolve()
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue  # Kubernetes mounts links; the files themselves are in hidden folders
        if not path.is_file() or root not in path.resolve().parents:
            raise _not_mounted(str(folder), f"{path.name} is not a file of this folder")


def _not_mounted(folder: str, why: str) -> BadInput:
    return BadInput(
        f"TRAINSHED_SECRETS_DIR = {folder!r}: {why}",
        "a folder of readable files, each named like a variable",
        "correct TRAINSHED_SECRETS_DIR",
    )


def _shown(value: object) -> str:
    """A value without user and password of an address, for messages."""
    return re.sub(r"//[^/@]*@", "//...@", repr(value))
