"""``mingbian serve``."""

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifiers.bundle import read_manifest
from classifiers.cache import ScoreCache
from labels.errors import InputError
from policy.pack import load_pack
from serving import people, releases
from serving.addresses import LOCAL_HOSTS
from serving.admin_commands import open_store, store_option
from serving.following import Follower
from serving.loading import Loading, engine_options
from serving.model_commands import models_option, open_registry
from serving.registry import Registry
from serving.store.database import Database

if TYPE_CHECKING:
    from serving.oidc import OidcVerifier


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@store_option
@models_option
@click.option("--oidc-issuer", help="Identity provider (URL) whose tokens name users too.")
@click.option("--oidc-audience", help="Whom its tokens must be meant for.")
@click.option("--oidc-claim", default="sub", show_default=True, help="What in them is the user.")
@click.option("--private-webhooks", is_flag=True, help="Let webhooks lead to private addresses.")
@click.option(
    "--shadow",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Candidate pack: counted at /v1/shadow, without effect.",
)
@click.option(
    "--watched",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the reports of mingbian watch, whose alarms the console shows.",
)
@click.option(
    "--cache-mb",
    type=click.IntRange(0, 1_000_000),
    default=64,
    show_default=True,
    help="Memory for the scores of exact reposts; 0 scores every post anew.",
)
@engine_options
def serve(  # noqa: PLR0913, PLR0917  one argument an option
    host: str,
    port: int,
    store: str,
    models: Path | None,
    private_webhooks: bool,
    shadow: Path | None,
    watched: Path | None,
    oidc_issuer: str | None,
    oidc_audience: str | None,
    oidc_claim: str,
    cache_mb: int,
    loading: Loading,
) -> None:
    """Run the API on this machine.

    Without users nobody needs a key, and only this machine may ask; other addresses need users.
    """
    gc.disable()  # what is made before the first request lives on
    local = host in LOCAL_HOSTS
    database = open_store(store)
    with database.read() as connection:
        if not local and not people.has_users(connection):
            raise InputError(
                f"--host {host}: beyond 127.0.0.1 everybody needs a key, and there are no users",
                remedy="mingbian users add NAME --role ROLE",
            )
    registry = open_registry(models, store)
    loading = _starting(loading, database, registry)
    cache = ScoreCache(cache_mb << 20) if cache_mb else None
    with ThreadPoolExecutor(1) as aside:
        # graphs are loaded without Python's lock, under which the rest of the server loads
        loaded = aside.submit(loading.engine, load_pack(shadow) if shadow else None, cache)
        from serving.app import Settings  # noqa: PLC0415
        from serving.desk import open_desk  # noqa: PLC0415
        from serving.running import run  # noqa: PLC0415

        engine = loaded.result()
    known = registry.has(engine.lineup.champion.version.sha256)
    follower = Follower(engine, registry, loading.threads, None if known else loading.model, cache)
    desk = open_desk(engine, database, loading.policy.read_text(encoding="utf-8"), follower)
    settings = Settings(
        threads=loading.threads,
        local_only=local,
        private_webhooks=private_webhooks,
        watched=watched,
        cache=cache,
        oidc=_verifier(oidc_issuer, oidc_audience, oidc_claim),
    )
    run(desk, settings, host, port)


def _starting(loading: Loading, database: Database, registry: Registry) -> Loading:
    """With the champion of the store, which after the first start need not be ``--model``."""
    with database.read() as connection:
        champion = releases.standing(connection).champion
    if champion is None:
        return loading
    given = read_manifest(loading.model).version
    if champion == given.sha256:
        return loading
    if not registry.has(champion):
        raise InputError(
            f"{registry.folder(champion)}: the champion of the store is not there",
            remedy="name the folder of its models with --models, or add the bundle again",
        )
    click.echo(
        f"{loading.model}: {given.id} {given.version} is not the champion of the store and does "
        "not answer; see mingbian models list",
        err=True,
    )
    return replace(loading, model=registry.folder(champion))


def _verifier(issuer: str | None, audience: str | None, claim: str) -> "OidcVerifier | None":
    if issuer is None:
        return None
    if audience is None:
        raise click.UsageError("--oidc-issuer needs --oidc-audience, or it would take any token")
    try:
        from serving.oidc import OidcVerifier  # noqa: PLC0415  of an extra
    except ModuleNotFoundError as error:
        raise InputError(
            f"--oidc-issuer needs {error.name}", remedy="pip install 'mingbian[oidc]'"
        ) from None
    return OidcVerifier(issuer, audience, claim)
