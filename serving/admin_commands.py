"""``mingbian store``, ``mingbian users`` and ``mingbian keys``: what an operator does by hand."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from labels.errors import InputError
from labels.yamlfile import read_yaml
from serving import people
from serving.people import PER_MINUTE, Role
from serving.store import upkeep
from serving.store.database import Database

store_option = click.option(
    "--store",
    default="sqlite:///mingbian.db",
    show_default=True,
    envvar="MINGBIAN_STORE",
    help="sqlite:///FILE or postgresql://USER@HOST/NAME.",
)
_roles_option = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    required=True,
    help="What it may do; repeat for several.",
)


def open_store(url: str) -> Database:
    """A store, its tables up to date, to be closed."""
    database = Database(url)
    database.migrate()
    return database


@click.group()
def users() -> None:
    """Add and disable the persons and systems that may ask."""


@users.command("add")
@click.argument("name")
@_roles_option
@click.option("--password", is_flag=True, help="Ask for a password too, for the console.")
@store_option
def add_user(name: str, roles: tuple[str, ...], store: str, *, password: bool) -> None:
    """Add NAME and print a key for it, this once.

    From the first user on, everybody who asks the server needs a key.
    """
    secret = _ask_password() if password else None
    wanted = [Role(role) for role in roles]
    with closing(open_store(store)) as database, database.write() as connection:
        people.add_user(connection, name, wanted, secret)
        _, key = people.issue_key(connection, name, wanted)
    click.echo(key)


@users.command("password")
@click.argument("name")
@store_option
def set_password(name: str, store: str) -> None:
    """Give NAME a new password for the console, which ends their sessions."""
    secret = _ask_password()
    with closing(open_store(store)) as database, database.write() as connection:
        people.set_password(connection, name, secret)


@users.command("disable")
@click.argument("name")
@store_option
def disable_user(name: str, store: str) -> None:
    """No key or session of NAME works from now on; what they did stays."""
    with closing(open_store(store)) as database, database.write() as connection:
        people.disable_user(connection, name)


def _ask_password() -> str:
    found: str = click.prompt("密码 password", hide_input=True, confirmation_prompt=True)
    return found


@click.group()
def keys() -> None:
    """Issue, list and revoke keys."""


@keys.command("issue")
@click.argument("user")
@_roles_option
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC).")
@click.option("--per-minute", type=click.IntRange(1), default=PER_MINUTE, show_default=True)
@store_option
def issue_key(
    user: str, roles: tuple[str, ...], expires: datetime | None, per_minute: int, store: str
) -> None:
    """Print a further key of USER, this once."""
    with closing(open_store(store)) as database, database.write() as connection:
        _, secret = people.issue_key(
            connection,
            user,
            [Role(role) for role in roles],
            expires_at=expires and upkeep.end_of_day(expires),
            per_minute=per_minute,
        )
    click.echo(secret)


@keys.command("list")
@store_option
def list_keys(store: str) -> None:
    """Every key, without its secret."""
    with closing(open_store(store)) as database, database.read() as connection:
        for row in people.keys_of(connection, None):
            state = "revoked" if row["revoked_at"] else "works"
            click.echo(f"{row['key_id']}  {row['user_id']}  {','.join(row['roles'])}  {state}")


@keys.command("revoke")
@click.argument("key_id")
@store_option
def revoke_key(key_id: str, store: str) -> None:
    """KEY_ID stops working with the next request."""
    with closing(open_store(store)) as database, database.write() as connection:
        people.revoke_key(connection, key_id)


@click.group()
def store() -> None:
    """Verify, back up, restore and purge what the server keeps."""


@store.command()
@store_option
def verify(store: str) -> None:
    """Check the chain of the log, and that the list of sanctions follows from it."""
    with closing(open_store(store)) as database, database.read() as connection:
        found = upkeep.verify(connection)
    for fault in found.faults:
        click.echo(fault, err=True)
    click.echo(
        f"{found.entries} entries, {found.erased} of them erased, {found.accounts} accounts, "
        f"{len(found.faults)} faults"
    )
    if found.faults:
        raise InputError("the store is not as it was written")


@store.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@store_option
def backup(folder: Path, store: str) -> None:
    """Write every table into FOLDER (one JSONL file each), while the server runs."""
    with closing(open_store(store)) as database:
        click.echo(f"{upkeep.backup(database, folder)} rows in {folder}")


@store.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@store_option
def restore(folder: Path, store: str) -> None:
    """Fill an empty store from FOLDER, of either kind, and verify it."""
    with closing(open_store(store)) as database:
        click.echo(f"{upkeep.restore(database, folder)} rows restored")


@store.command()
@click.option("--account", help="Erase all that is known of this account.")
@click.option(
    "--retention",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Erase what is older than this file (YAML) allows.",
)
@store_option
def purge(account: str | None, retention: Path | None, store: str) -> None:
    """Erase personal data; the chain of the log still verifies."""
    if (account is None) == (retention is None):
        raise click.UsageError("name --account or --retention")
    limits = read_yaml(retention, upkeep.Retention) if retention else None
    with closing(open_store(store)) as database, database.write() as connection:
        if account is not None:
            erased = upkeep.erase_account(connection, account)
        elif limits is not None:
            erased = upkeep.erase_old(connection, limits)
    click.echo(f"{erased} rows erased")
