"""Pages of rows by cursor: stable while rows are added, and as fast at the end as at the start."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Select, tuple_

from serving.refusal import UnprocessableError


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and where the next page begins; None at the end."""

    rows: Sequence[RowMapping]
    next_cursor: str | None


def page(
    connection: Connection,
    asked: Select[Any],
    by: Sequence[Column[Any]],
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> Page:
    """A page of a query.

    Args:
        connection: to read from.
        asked: the query, with the columns ``by`` among its own.
        by: columns that together are unique and order the rows; JSON can hold their values.
        limit: rows of a page, >= 1.
        cursor: from the page before, or None for the first.
        newest_first: descending.

    Raises:
        UnprocessableError: the cursor is none of ours.
    """
    key = tuple_(*by)
    if cursor is not None:
        after = _read(cursor, by)
        asked = asked.where(key < after if newest_first else key > after)
    order = [column.desc() if newest_first else column.asc() for column in by]
    found = connection.execute(asked.order_by(*order).limit(limit + 1)).mappings().all()
    rows = found[:limit]
    if len(found) <= limit:
        return Page(rows, None)
    return Page(rows, _write([rows[-1][column.name] for column in by]))


def _write(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _read(cursor: str, by: Sequence[Column[Any]]) -> tuple[Any, ...]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error, RecursionError):
        values = None
    if not isinstance(values, list) or not _fit(values, by):
        raise UnprocessableError(
            "cursor_invalid",
            "cursor is not one that this server gave",
            pointer="/cursor",
            remedy="leave it out for the first page",
        )
    return tuple(values)


def _fit(values: list[Any], by: Sequence[Column[Any]]) -> bool:
    """A printable text or a number for each column."""
    return len(values) == len(by) and all(
        type(value) is column.type.python_type
        and (not isinstance(value, str) or value.isprintable())
        for value, column in zip(values, by, strict=True)
    )
