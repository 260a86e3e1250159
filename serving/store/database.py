"""One door to both stores, and one writer at a time in each.

SQLite has one writer by nature; on PostgreSQL an advisory lock makes it so, which keeps the
chain in order and every race between reviewers a matter of who comes first.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from labels.errors import MingbianError
from serving.store.schema import metadata

_WRITES = "mingbian_writes"
#: any number will do, as long as every server takes the same
_WRITER_LOCK = 0x6D62
_BUSY_SECONDS = 30
#: a writer that hangs holds up the others no longer than this
_POSTGRES_OPTIONS = (
    f"-c lock_timeout={_BUSY_SECONDS}s -c idle_in_transaction_session_timeout={_BUSY_SECONDS}s"
)
#: the newest migration
HEAD = "0004"
#: as Alembic makes it
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


class StoreError(MingbianError):
    """The store cannot be used."""

    code = "store_unusable"


class Database:
    """Connections to a store; safe to share between threads.

    Raises:
        StoreError: the URL is none, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        """Name a store without touching it: ``sqlite:///FILE`` or ``postgresql://...``."""
        self.url = _with_driver(url)
        # SQLite's own waiting is by sleep and retry, which under load starves somebody
        self._turn = threading.Lock()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 32}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": _BUSY_SECONDS}
        else:
            options["connect_args"] = {"options": _POSTGRES_OPTIONS}
        try:
            self._engine: Engine = create_engine(self.url, **options)
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise StoreError(
                f"store {url!r}: {error}", remedy="pip install 'mingbian[postgres]'"
            ) from None
        if self.is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; what is written in it is rolled back."""
        with self._engine.connect() as plain:
            connection = plain
            if not self.is_sqlite:
                connection = plain.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction, alone; committed when the block ends, undone when it raises."""
        with self._turn, self._engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"))
                yield connection

    def migrate(self) -> None:
        """Bring the tables up to date; two servers that start together do not collide.

        Raises:
            StoreError: the store cannot be reached, or is newer than this program.
        """
        try:
            with self.write() as connection:
                found = _revision(connection)
                if found is None:
                    _create(connection)
                elif found != HEAD:
                    _upgrade(connection)
        except OperationalError as error:
            raise StoreError(
                f"store {self.url.render_as_string()}: {error.orig}",
                remedy="check that it runs, and the URL, its user and its rights",
            ) from None

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


def new_id(prefix: str) -> str:
    """Unique, and ordered by time."""
    return f"{prefix}_{time.time_ns():016x}{secrets.token_hex(6)}"


def _with_driver(url: str) -> URL:
    try:
        found = make_url(url)
    except ArgumentError:
        raise StoreError(
            f"store {url!r}: not a URL", remedy="sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    if found.drivername in {"postgresql", "postgres"}:
        return found.set(drivername="postgresql+psycopg")
    if found.drivername == "sqlite" and found.database:
        folder = Path(found.database).parent
        if not folder.is_dir():
            raise StoreError(f"store {url!r}: there is no folder {folder}")
        return found
    raise StoreError(
        f"store {url!r}: {found.drivername} is not a kind of store",
        remedy="sqlite:///FILE or postgresql://USER@HOST/NAME",
    )


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy begins, see below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _create(connection: Connection) -> None:
    """An empty store begins with the newest tables; to load what migrates takes a third second."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(text(_VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  a start-up without migration does without
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the store cannot be brought up to date: {error}",
            remedy="it was made by a newer version; use that one",
        ) from None
