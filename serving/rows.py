"""A row of the store by its name."""

from sqlalchemy import Connection, RowMapping, Table, select

from serving.refusal import NotFoundError


def find_row(connection: Connection, table: Table, name: str, noun: str) -> RowMapping:
    """The row whose primary key is ``name``; raises ``NotFoundError``, which says ``noun``."""
    (key,) = table.primary_key.columns
    row = connection.execute(select(table).where(key == name)).mappings().first()
    if row is None:
        raise NotFoundError(noun, name)
    return row
