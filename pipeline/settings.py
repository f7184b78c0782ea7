"""Where things run: the only reader of the environment.

Settings say *where* (addresses, folders, launcher, limits) and never *what*: nothing here enters a fingerprint. Each field
is read from ``TRAINSHED_<NAME>``, or from the names boto3 and MLflow users already have (``AWS_ACCESS_KEY_ID``, ...). What
the environment leaves open is read from ``<state>/env``, the 0600 file that ``trainshed up`` writes with the addresses and
credentials of the local stack, so that a shell beside a running stack needs no set-up at all. The borrowed names come
last: keys that a shell carries for AWS itself must not be offered to the local S3 server, unless ``TRAINSHED_USE_EXISTING``
says that servers exist elsewhere. A ``TRAINSHED_`` name in the environment always wins; behind it come mounted files, one a
setting, in the folder that ``TRAINSHED_SECRETS_DIR`` names. `docs/secrets.md` tells the whole of where keys come from.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import BadInput

ENV_FILE = "env"
PREFIX = "TRAINSHED_"
INTERNAL = frozenset({"TRAINSHED_MLFLOW_LOGIN", "TRAINSHED_STACK", "TRAINSHED_STACK_SERVER", "TRAINSHED_STACK_CONFIGURATION"})
"""Variables of our name that the stack gives to its own processes: no settings, and no mistakes."""


class Settings(BaseSettings):
    """Everything that may differ between a laptop and a cluster."""

    model_config = SettingsConfigDict(env_prefix="TRAINSHED_", frozen=True, extra="ignore", populate_by_name=True)

    state: Path = Path(".trainshed")
    """Folder of all local state: the stack's data and logs, the cache, recipes that were handed in."""

    home: Path = Path(__file__).resolve().parent.parent
    """Folder that holds `dags/` and `components/`: the checkout."""

    secrets_dir: Path | None = None
    """Folder of mounted files, one a setting, each called like the setting's variable; unset means that there is none."""

    store: str = "s3://pipeline"
    """Where artifacts lie: ``s3://bucket[/prefix]``, or ``file:///folder``."""

    s3_endpoint: str | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"))
    """URL of the S3 server; unset means AWS itself."""

    s3_region: str = Field("us-east-1", validation_alias=AliasChoices("TRAINSHED_S3_REGION", "AWS_DEFAULT_REGION"))
    """Region the bucket lies in."""

    s3_access_key: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID"))
    """S3 access key; unset leaves the search to boto3's own chain (instance role, profile)."""

    s3_secret_key: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"))
    """S3 secret key."""

    s3_session_token: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_S3_SESSION_TOKEN", "AWS_SESSION_TOKEN"))
    """Token that belongs to temporary S3 keys; unset where the keys are lasting ones."""

    s3_connection: str | None = None
    """Airflow connection of type aws that holds the S3 keys of tasks and of what they start; unset means that none is asked."""

    s3_retry_s: float = 90.0
    """How long a store that is away is waited for before a step ends with 75, in seconds."""

    mlflow_uri: str = Field("http://127.0.0.1:5000", validation_alias=AliasChoices("TRAINSHED_MLFLOW_URI", "MLFLOW_TRACKING_URI"))
    """Address of the MLflow server."""

    mlflow_username: str | None = Field(None, validation_alias=AliasChoices("TRAINSHED_MLFLOW_USERNAME", "MLFLOW_TRACKING_USERNAME"))
    """MLflow user, where the server asks for one."""

    mlflow_password: SecretStr | None = Field(None, validation_alias=AliasChoices("TRAINSHED_MLFLOW_PASSWORD", "MLFLOW_TRACKING_PASSWORD"))
    """MLflow password."""

    mlflow_connection: str | None = None
    """Airflow connection of type http that holds user and password of MLflow for tasks and what they start; unset means that none is asked."""

    mlflow_retry_s: float = 60.0
    """How long an MLflow server that is away is waited for before a step ends with 75, in seconds."""

    airflow_url: str = "http://127.0.0.1:8080"
    """Address of Airflow's API server, as the command line reaches it."""

    airflow_username: str = "admin"
    """Airflow user of the command line."""

    airflow_password: SecretStr | None = None
    """Password of that user."""

    launcher: str = "process"
    """How Airflow starts a component; a name from `pipeline.launchers`."""

    machines: Path = Path("infra/machines.yaml")
    """File that says what the names of machine sizes mean; a relative path is looked up in the checkout."""

    images: str = "trainshed/{stage}:{version}"
    """Image of a component's container: a reference in which ``{stage}`` and ``{version}`` (of this package) are filled in."""

    container_s3_endpoint: str | None = None
    """URL of the S3 server as containers reach it; unset means the same as here."""

    container_mlflow_uri: str | None = None
    """Address of the MLflow server as containers reach it; unset means the same as here."""

    docker_url: str = Field("unix:///var/run/docker.sock", validation_alias=AliasChoices("TRAINSHED_DOCKER_URL", "DOCKER_HOST"))
    """Address of the Docker engine that runs containers."""

    docker_network: str = "host"
    """Network of the containers; ``host`` reaches servers that listen on 127.0.0.1."""

    docker_volume: str = "trainshed"
    """Docker volume in which containers keep their cache and the files they are making."""

    docker_connection: str | None = None
    """Airflow connection of type docker with the log-in to the images' registry; unset means that none is needed."""

    image_digest: str | None = None
    """Digest of the image a component runs in, for the provenance; launchers set it."""

    code_version: str | None = None
    """Commit of the code, for the provenance, where there is no checkout to ask; images carry it."""

    kubernetes_connection: str = "kubernetes_default"
    """Airflow connection of the cluster; without one of that name the kubeconfig or the worker's own service account is used."""

    kubernetes_namespace: str = "trainshed"
    """Namespace pods are started in."""

    kubernetes_secret: str = "trainshed-{stage}"  # noqa: S105 - a name
    """Kubernetes Secret with a stage's S3 keys and MLflow password, named like their variables; empty where pods have an identity of their own."""

    trainjob_runtime: str = "trainshed"
    """Kubeflow TrainingRuntime that the launcher trainjob fills in."""

    kubernetes_retry_min: float = 30.0
    """How long a Kubernetes API server that is away is waited for before a task ends with 75 and leaves its pod to the next, in minutes."""

    kubernetes_queue_min: float = 1440.0
    """How long a pod may wait for quota, for admission and for a node before its task ends with 75, in minutes."""

    cache_limit_mb: int = 4096
    """Size above which the local cache drops what was used longest ago, in megabytes."""

    lease_ttl_s: float = 15.0
    """How long a lease outlives its holder's last sign of life, in seconds."""

    watchdog_min: float = 15.0
    """A step without progress for this long ends with 75, in minutes."""

    threads: int | None = None
    """CPU threads of a training step; unset means all the cores the process may use."""

    device: str = "auto"
    """Where tensors live: ``cpu``, ``cuda``, or ``auto`` (CUDA where there is one)."""

    rank: int = Field(0, ge=0, validation_alias=AliasChoices("TRAINSHED_RANK", "RANK"))
    """Which of the processes of a training this one is, from 0; torchrun sets it, and the next three."""

    world_size: int = Field(1, ge=1, validation_alias=AliasChoices("TRAINSHED_WORLD_SIZE", "WORLD_SIZE"))
    """How many processes train together."""

    local_rank: int = Field(0, ge=0, validation_alias=AliasChoices("TRAINSHED_LOCAL_RANK", "LOCAL_RANK"))
    """Which of those on this machine this one is, from 0: number of its GPU."""

    local_world_size: int = Field(1, ge=1, validation_alias=AliasChoices("TRAINSHED_LOCAL_WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    """How many of them are on this machine."""

    s3_port: int = 8333
    """First port the local S3 server tries."""

    mlflow_port: int = 5000
    """First port the local MLflow server tries."""

    airflow_port: int = 8080
    """First port the local Airflow API server tries."""

    use_existing: Annotated[frozenset[str], NoDecode] = frozenset()
    """Servers `trainshed up` must not start because they exist already: any of ``s3,mlflow,airflow``."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put our own names first, mounted files next, and the borrowed names behind the stack's file; see the module's text."""
        ours = EnvSettingsSource(settings_cls)
        ours.env_vars = {name: value for name, value in ours.env_vars.items() if name.startswith("trainshed_")}
        rest = (env_settings, dotenv_settings) if "trainshed_use_existing" in ours.env_vars else (dotenv_settings, env_settings)
        return (init_settings, ours, file_secret_settings, *rest)

    @field_validator("use_existing", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Read a list as a person writes it in a variable, with commas."""
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @field_validator("store", "s3_endpoint", "mlflow_uri", "airflow_url", "docker_url", "container_s3_endpoint", "container_mlflow_uri")
    @classmethod
    def _splits(cls, value: str | None) -> str | None:
        """Refuse what cannot even be taken apart (``http://[``); whether it leads to a server, its client says.

        An address stands in messages, manifests and pods, so it may hold no password.
        """
        if "@" in urlsplit(value or "").netloc:
            raise ValueError("an address without user and password, which have variables of their own")
        return value

    @property
    def s3_keys(self) -> tuple[str, ...] | None:
        """Access key, secret key, and a session token if there is one, in the clear; None where boto3's own chain has to find them."""
        given = (self.s3_access_key, self.s3_secret_key, self.s3_session_token)
        if given[0] and given[1]:
            return tuple(key.get_secret_value() for key in given if key)
        return None

    @cached_property
    def dags_folder(self) -> Path:
        """Folder of the DAG files, which is also Airflow's DAG folder."""
        return self.home / "dags"

    @cached_property
    def machines_file(self) -> Path:
        """The file of machine sizes."""
        return self.home / self.machines

    @cached_property
    def recipe_folders(self) -> tuple[Path, ...]:
        """Folders searched for recipes: those in git, then those handed to the running stack."""
        return (self.dags_folder / "recipes", self.state.resolve() / "recipes")

    @cached_property
    def cache_folder(self) -> Path:
        """Folder of the verified local cache."""
        return self.state.resolve() / "cache"

    def file_cache_path(self, topic: str) -> Path:
        """Where it is remembered what local files hold, for one kind of question; may be deleted at any time."""
        return self.state.resolve() / "file_cache" / f"{topic}.json"


def known_variables() -> frozenset[str]:
    """Every variable of our prefix that is a setting."""
    return frozenset(PREFIX + name.upper() for name in Settings.model_fields)


def set_variables() -> list[str]:
    """The variables of our prefix that the environment holds, whether or not they are settings; read without regard to case."""
    return sorted(name.upper() for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in INTERNAL)


def load_settings(state: Path | None = None) -> Settings:
    """Read settings from the environment, from mounted files, then from ``<state>/env``.

    Args:
        state: the state folder; by default ``TRAINSHED_STATE`` or ``.trainshed`` below the working directory.

    Raises:
        BadInput: a variable or a file cannot be read as what it should be.
    """
    folder = state or Path(os.environ.get("TRAINSHED_STATE", ".trainshed"))
    mounted = os.environ.get("TRAINSHED_SECRETS_DIR") or None
    try:
        if mounted:
            _check_mounted(Path(mounted))
        return Settings(state=folder, _env_file=folder / ENV_FILE, _secrets_dir=mounted)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"TRAINSHED_{name.upper()}"
        raise BadInput(f"setting {variable} = {_shown(first['input'])}", first["msg"].lower(), f"correct {variable}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _not_mounted(str(mounted), str(error)) from error


def _check_mounted(folder: Path) -> None:
    """See that every file can be read as one: pydantic would warn of those that cannot, and go on without them."""
    root = folder.resolve()
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue  # Kubernetes keeps the files themselves in hidden folders, and links to them
        if not path.is_file() or root not in path.resolve().parents:
            raise _not_mounted(str(folder), f"{path.name} is no file of this folder")


def _not_mounted(folder: str, why: str) -> BadInput:
    return BadInput(
        f"TRAINSHED_SECRETS_DIR = {folder!r}: {why}", "a folder of files that can be read, each called like a variable", "correct it"
    )


def _shown(value: object) -> str:
    """A value as a message may show it: without what stands before the @ of an address."""
    return re.sub(r"//[^/@]*@", "//...@", repr(value))
