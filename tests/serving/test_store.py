"""What is kept can be checked, copied, moved to the other store, and erased."""

import json
from pathlib import Path

import pytest
import yaml
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text, update

from labels.errors import InputError
from serving.desk import Desk
from serving.engine import Judged
from serving.keeping import keep
from serving.people import Role, add_user
from serving.store import upkeep
from serving.store.database import HEAD, Database, StoreError
from serving.store.schema import (
    bodies,
    cases,
    decisions,
    log,
    metadata,
    near,
    outbox,
    posts,
    sanctions,
)
from tests.conftest import FAKE_DOCTOR, Run
from tests.serving.conftest import new_postgres
from tests.serving.test_moderation import Staff, staff

__all__ = ["staff"]
MIGRATIONS = Path(upkeep.__file__).with_name("migrations")


def suspects(desk: Desk, number: int) -> list[str | None]:
    """Posts of as many accounts, kept."""
    author = FAKE_DOCTOR["author"]
    items = [
        json.dumps({**FAKE_DOCTOR, "data_id": f"p{n}", "author": {**author, "account_id": f"u{n}"}})
        for n in range(number)
    ]
    found = desk.engine.judge(items)
    assert all(isinstance(each, Judged) for each in found)
    with desk.database.write() as connection:
        from datetime import UTC, datetime  # noqa: PLC0415

        return keep(connection, found, datetime.now(UTC))


def faults(database: Database) -> tuple[str, ...]:
    """What does not verify."""
    with database.read() as connection:
        return upkeep.verify(connection).faults


@pytest.mark.parametrize("begun_at", [None, "0001"])
def test_a_new_store_and_a_migrated_one_have_the_same_tables(
    store_url: str, begun_at: str | None
) -> None:
    """Nothing is in the schema that a migration did not make, and the head is the newest."""
    database = Database(store_url)
    if begun_at:
        with database.write() as connection:
            _upgrade(connection, begun_at)
    for _ in range(2):
        database.migrate()
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    database.close()


def _upgrade(connection: Connection, revision: str) -> None:
    """Take the steps of Alembic from where a store is up to a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_a_store_of_before_learns_what_came_later(desk: Desk, tmp_path: Path) -> None:
    """Cases get clauses, risk and protected classes, kept posts their place among near copies."""
    kept, _ = suspects(desk, 2)
    with desk.database.write() as connection:
        mine = decisions.c.decision_id == kept
        result = connection.scalar(select(decisions.c.result).where(mine))
        classes = [{"code": code, "score": 0.9} for code in ("labelled_ai", "debunking_quote")]
        connection.execute(
            update(decisions).where(mine).values(result={**result, "protected": classes})
        )
        named = {"protected": True, "protected_classes": " labelled_ai debunking_quote "}
        connection.execute(update(cases).where(cases.c.decision_id == kept).values(named))
    later = {"clauses", "risk", "protected_classes"}
    old = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with old.write() as target, desk.database.read() as source:
        _upgrade(target, "0001")
        for table in (posts, decisions, cases):
            for row in source.execute(select(table)).mappings():
                known = {name: row[name] for name in row if name not in later}
                target.execute(insert(table).values(known))
    old.migrate()
    with old.read() as ours, desk.database.read() as theirs:
        for table in (cases, near):
            found = sorted(ours.execute(select(table)).all(), key=str)
            assert found == sorted(theirs.execute(select(table)).all(), key=str)
            assert found
    old.close()


def test_a_store_that_is_newer_than_the_program_is_refused(database: Database) -> None:
    """Rather than used."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        database.migrate()


@pytest.mark.parametrize("url", ["", "mysql://x/y", "sqlite:///no/such/folder/x.db", "nonsense"])
def test_a_store_that_is_none_is_told(url: str) -> None:
    """With what a URL looks like."""
    with pytest.raises(StoreError):
        Database(url)


def test_a_view_does_not_change_while_others_write(desk: Desk) -> None:
    """A backup is of one moment."""
    with desk.database.read() as connection:
        before = connection.scalar(select(func.count()).select_from(log))
        suspects(desk, 1)
        assert connection.scalar(select(func.count()).select_from(log)) == before


def test_every_change_of_the_log_is_seen(desk: Desk) -> None:
    """A body, an entry, an order, a gap."""
    suspects(desk, 3)
    assert faults(desk.database) == ()
    for change in (
        update(bodies).where(bodies.c.seq == 2).values(body="{}"),
        update(log).where(log.c.seq == 3).values(kind="decided"),
        update(log).where(log.c.seq == 4).values(previous="0" * 64),
        log.delete().where(log.c.seq == 1),
    ):
        with desk.database.read() as connection:
            connection.execute(bodies.delete().where(bodies.c.seq == 1))
            connection.execute(change)
            assert upkeep.verify(connection).faults


def test_an_erased_account_leaves_the_chain_whole(staff: Staff, desk: Desk) -> None:
    """Post, decision, sanction, appeal and body go; other accounts stay; it still verifies."""
    kept = suspects(desk, 2)
    taken = staff.sanctioned()
    staff.appeal(taken)
    with desk.database.write() as connection:
        assert upkeep.erase_account(connection, "u1") > 5
    assert faults(desk.database) == ()
    with desk.database.read() as connection:
        whole = " ".join(
            str(row)
            for table in (bodies, posts, decisions, sanctions, outbox)
            for row in connection.execute(table.select())
        )
    assert "'u1'" not in whole
    assert '"u1"' not in whole
    assert str(kept[0]) in whole
    staff.get("/v1/accounts/u1/record", staff.amy)


def test_a_backup_restores_into_either_store(desk: Desk, tmp_path: Path) -> None:
    """Everything, once, into an empty store only; an altered copy is refused."""
    suspects(desk, 3)
    copy = tmp_path / "copy"
    written = upkeep.backup(desk.database, copy)
    with pytest.raises(InputError, match="not empty"):
        upkeep.backup(desk.database, copy)
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    other.migrate()
    assert upkeep.restore(other, copy) == written
    assert faults(other) == ()
    with pytest.raises(InputError, match="not empty"):
        upkeep.restore(other, copy)
    file = copy / "bodies.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("u1", "u9"), encoding="utf-8")
    third = Database(f"sqlite:///{tmp_path / 'third.db'}")
    third.migrate()
    with pytest.raises(InputError, match="altered"):
        upkeep.restore(third, copy)
    with third.read() as connection:
        assert connection.execute(log.select()).first() is None
    other.close()
    third.close()


def test_a_restored_postgresql_knows_its_rows(postgres: str, tmp_path: Path) -> None:
    """Its planner has statistics at once, not when the server next gets round to it."""
    embedded, production = (
        Database(f"sqlite:///{tmp_path / 'a.db'}"),
        Database(new_postgres(postgres)),
    )
    for database in (embedded, production):
        database.migrate()
    with embedded.write() as connection:
        add_user(connection, "amy", [Role.MODERATOR])
    upkeep.backup(embedded, tmp_path / "copy")
    assert upkeep.restore(production, tmp_path / "copy") == 1
    with production.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_stats WHERE tablename = 'users'"))
    embedded.close()
    production.close()


def test_the_command_line_looks_after_a_store(call: Run, tmp_path: Path) -> None:
    """users, keys, store: one after the other."""
    added = call("users", "add", "amy", "--role", "scorer")
    assert added.stdout.startswith("mb_")
    assert "already" in call("users", "add", "amy", "--role", "scorer").stderr
    assert call("keys", "issue", "amy", "--role", "scorer").stdout.startswith("mb_")
    assert call("keys", "issue", "amy", "--role", "auditor").returncode == 2
    key_id = call("keys", "list").stdout.split()[0]
    assert call("keys", "revoke", key_id).returncode == 0
    assert "revoked" in call("keys", "list").stdout
    assert call("users", "disable", "ben").returncode == 2
    assert call("users", "disable", "amy").returncode == 0
    assert "0 faults" in call("store", "verify").stdout
    assert call("store", "backup", "copy").returncode == 0
    there = ["--store", "sqlite:///other.db"]
    assert "rows restored" in call("store", "restore", "copy", *there).stdout
    limits = {"posts": 30, "decisions": 365, "events": 30}
    (tmp_path / "keep.yaml").write_text(yaml.safe_dump(limits), encoding="utf-8")
    assert "0 rows erased" in call("store", "purge", "--retention", "keep.yaml").stdout
    assert call("store", "purge").returncode == 2
