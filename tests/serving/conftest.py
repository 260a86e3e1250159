"""A server on a real store of either kind, and the people who ask it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from benchmarks.browser import CHROMIUM
from classifiers.scorer import Scorer
from policy.pack import default_pack_path, load_pack
from serving import people
from serving.app import Settings, create_app
from serving.desk import Desk, open_desk
from serving.engine import Engine
from serving.following import Follower
from serving.people import Role
from serving.registry import Registry
from serving.store.database import Database

_numbers = count()
#: a machine of one's own may have none; where every change is checked, none is a failure
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no chromium on this machine"
)
PACK_SOURCE = default_pack_path().read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the tests' own; its URL without a database."""
    pgserver = pytest.importorskip("pgserver", reason="no PostgreSQL for this Python")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return new_postgres(request.getfixturevalue("postgres"))


def new_postgres(server: str) -> str:
    """A new database on a server."""
    import psycopg  # noqa: PLC0415  not on every Python

    name = f"t{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """Migrated and empty."""
    found = Database(store_url)
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def desk(database: Database, scorer: Scorer, tmp_path: Path) -> Desk:
    """The shipped model and pack on an empty store, the folder of models yet empty."""
    engine = Engine(scorer, load_pack(default_pack_path()))
    follower = Follower(engine, Registry(tmp_path / "models"), threads=1)
    return open_desk(engine, database, PACK_SOURCE, follower)


@contextmanager
def serving(desk: Desk, settings: Settings | None = None) -> Iterator[TestClient]:
    """A client of a server that runs."""
    app = create_app(desk, settings or Settings())
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


Headers = dict[str, str]
AddUser = Callable[..., Headers]


def add_user(desk: Desk, name: str, *roles: Role) -> Headers:
    """A user with a key of all their roles; the header that carries it."""
    with desk.database.write() as connection:
        people.add_user(connection, name, roles)
        _, secret = people.issue_key(connection, name, roles)
    return {"Authorization": f"Bearer {secret}"}


PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


def give_password(desk: Desk, *names: str) -> None:
    """So that they can sign in at the console."""
    with desk.database.write() as connection:
        for name in names:
            people.set_password(connection, name, PASSWORD)
