"""``trainshed artifacts``: list, show, verify, fetch and collect the artifacts of the store."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest

Stage = Annotated[str, typer.Argument(help="Stage of the artifact, e.g. tokenization.")]
VERIFY_RETRY_S = 10.0
Prefix = Annotated[str, typer.Argument(help="First digits of the fingerprint; add /DIGEST for a result that is not the current one.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="List, show, verify, fetch and delete artifacts.")
    for command in (ls, show, explain, verify, get, gc):
        group.command()(command)
    app.add_typer(group, name="artifacts")


def ls(stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None) -> None:
    """List artifacts, newest first."""
    from rich.filesize import decimal

    from pipeline.cli.console import new_table, open_console

    _check(stage)
    console = open_console()
    table = new_table(console, "stage", "fingerprint", "digest", "size", "made", "run", right=frozenset({"size"}))
    rows = sorted(_artifacts(read_only=True).manifests(stage), key=lambda manifest: manifest.provenance.finished, reverse=True)
    for row in rows:
        made = row.provenance.finished.strftime("%Y-%m-%d %H:%M")
        table.add_row(row.stage, row.fingerprint[:12], row.digest[:12], decimal(row.size), made, row.provenance.run)
    console.print(table)


def show(stage: Stage, fingerprint: Prefix) -> None:
    """Print the manifest of an artifact."""
    typer.echo(_one(_artifacts(read_only=True), stage, fingerprint).model_dump_json(indent=2))


def explain(stage: Stage, fingerprint: Prefix) -> None:
    """Show how an artifact differs from the most similar one of its stage."""
    from pipeline.planning.explain import nearest
    from pipeline.runs.names import recipe_of_run

    artifacts = _artifacts(read_only=True)
    manifest = _one(artifacts, stage, fingerprint)
    found = nearest(artifacts, manifest.parts, recipe_of_run(manifest.provenance.run))
    if found is None:
        typer.echo(f"{stage} {manifest.fingerprint[:12]} is the only artifact of its stage")
        return
    typer.echo(f"{stage} {manifest.fingerprint[:12]} differs from {found[0].fingerprint[:12]} in:")
    for line in found[1]:
        typer.echo(f"  {line}")


def verify(stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None) -> None:
    """Read every byte and compare digests. Damaged artifacts are quarantined."""
    from rich.progress import track

    from pipeline.errors import BadInput, Damaged

    # a server with a damaged disk keeps answering 500; a person should not wait for it as long as a training does
    _check(stage)
    artifacts = _artifacts(VERIFY_RETRY_S)
    damaged = 0
    manifests = list(artifacts.manifests(stage))
    for manifest in track(manifests, description="verifying", transient=True):
        for damage in artifacts.verify_and_record(manifest):
            damaged += 1
            typer.echo(f"damaged: {manifest.stage} {manifest.fingerprint[:12]} {damage}")
    if not manifests:
        raise BadInput(
            f"no artifacts{f' of {stage}' if stage else ''} in {artifacts.store.url}",
            "",
            "run a recipe, or correct TRAINSHED_STORE",
        )
    if damaged:
        raise Damaged(f"{damaged} damaged files; their artifacts are quarantined", "", "run the recipe again; it rebuilds them")
    typer.echo(f"{len(manifests)} artifacts are intact")


def get(
    stage: Stage, fingerprint: Prefix, folder: Annotated[Path, typer.Argument(help="New folder for the files; must not exist.")]
) -> None:
    """Fetch and verify the files of an artifact."""
    import shutil

    from pipeline.errors import BadInput

    if folder.exists():
        raise BadInput(f"{folder} exists", "", "choose a folder that does not exist")
    artifacts = _artifacts(read_only=True)
    manifest = _one(artifacts, stage, fingerprint)
    hidden = folder.absolute().with_name(f".{folder.name}.partial")
    try:
        artifacts.open(manifest, hidden / "opened")
        # copies, not links: changes to them must not change the cache
        shutil.copytree(hidden / "opened", hidden / "copied")
        (hidden / "copied").rename(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    typer.echo(f"{len(manifest.files)} files in {folder}")


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Mark unused objects, and delete those marked long enough ago.")] = False,
    days: Annotated[float, typer.Option(help="Keep what a run younger than this many days relied on.")] = 30.0,
    grace_hours: Annotated[float, typer.Option(help="Time between mark and deletion.")] = 24.0,
) -> None:
    """Count unused objects; delete them with --delete.

    An object is unused if no recent run, champion or rollback relies on it. So are served texts older than TRAINSHED_SERVED_DAYS. --delete marks unused objects, and deletes those
    that were marked at least --grace-hours ago.
    """
    from datetime import timedelta

    from rich.filesize import decimal

    from pipeline.artifacts.gc import Ages, collect, find_garbage
    from pipeline.registry.forgotten_versions import released_entries
    from pipeline.settings import load_settings

    served = timedelta(days=load_settings().served_days)
    ages = Ages(runs=timedelta(days=days), grace=timedelta(hours=grace_hours), served=served)
    released = released_entries(_artifacts(read_only=True))
    if not delete:
        garbage = find_garbage(_artifacts(read_only=True), ages, released=released)
        typer.echo(f"{len(garbage.keys)} objects ({decimal(garbage.size)}) are unused; {garbage.kept} are in use")
        return
    done = collect(_artifacts(), ages, released=released)
    removed, marked = (decimal(sum(stat.size for stat in stats)) for stats in (done.removed, done.marked))
    typer.echo(f"{len(done.removed)} objects ({removed}) deleted")
    if done.marked:
        typer.echo(f"{len(done.marked)} unused objects ({marked}) are marked; run this again in {grace_hours:g} hours to delete them")


def _artifacts(retry_s: float | None = None, *, read_only: bool = False) -> Artifacts:
    from pipeline.artifacts import open_artifacts
    from pipeline.settings import load_settings

    settings = load_settings()
    if retry_s is not None:
        settings = settings.model_copy(update={"s3_retry_s": min(retry_s, settings.s3_retry_s)})
    return open_artifacts(settings, read_only=read_only)


def _check(stage: str | None) -> None:
    """Check that the stage exists; the answer to a mistyped one must not be "no artifacts"."""
    from components import COMPONENTS
    from pipeline.errors import unknown_name

    if stage is not None and stage not in COMPONENTS:
        raise unknown_name("stage", stage, COMPONENTS)


def _one(artifacts: Artifacts, stage: str, prefix: str) -> Manifest:
    """The current result of the one fingerprint that starts with ``prefix``, or the one result that ``prefix`` names by digest."""
    from pipeline.errors import BadInput

    _check(stage)
    found = [address for address, _ in artifacts.manifest_store.references(f"{stage}/{prefix}")]
    fingerprints = {fingerprint for _, fingerprint, _ in found}
    manifest = artifacts.find(stage, found[0][1]) if len(fingerprints) == 1 and "/" not in prefix else None
    if manifest is None and len(found) == 1:
        manifest = artifacts.manifest_store.get(*found[0])
    if manifest is None:
        raise BadInput(f"{len(found)} artifacts of {stage} start with {prefix!r}", "exactly one", "run `trainshed artifacts ls`")
    return manifest
