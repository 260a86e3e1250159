"""Posts in files: JSONL, CSV and Parquet, read as a stream of JSON items."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from labels.errors import InputError
from labels.records import Author, Declared, Post, PostError
from serving.engine import Item

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
STDIN = "-"

#: a post of 20,000 characters takes a fraction of this, file metadata included
MAX_ITEM_BYTES = 4 * 1024 * 1024
#: a row that holds more than this is not taken into memory
_MAX_CELL_BYTES = 64 * 1024 * 1024
_PARQUET_ROWS = 256
#: columns that a message names at most
_NAMED = 5

_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
_NESTED: dict[str, type[Author] | type[Declared]] = {"author": Author, "declared": Declared}
#: CSV cells that hold JSON rather than text
_JSON_CELLS = {"author.credentials", "metadata"} | {
    f"declared.{name}" for name in Declared.model_fields if name not in ("source", "event_date")
}


#: which column holds a field of a post, such as ``{"author.bio": "intro"}``; others are not read
Columns = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Items of one input. ``position`` counts up to ``total``; both are None for a stream."""

    items: Iterator[Item]
    total: int | None
    position: Callable[[], int]


@contextmanager
def open_source(path: str, form: Format | None) -> Iterator[Source]:
    """The posts in a file, or on standard input (``-``).

    Args:
        path: the file's end names its format unless ``form`` does; standard input is JSONL.
        form: the format, if the path does not tell.

    Raises:
        InputError: no such file, unknown format, unreadable container, or a column that is no
            field of a post. Faults of single rows come as items instead.
    """
    chosen = form or format_of(path)
    with _opened(path) as file:
        if chosen == "parquet":
            table = _parquet(file if path != STDIN else io.BytesIO(file.read()), path)
            yield _counted(_parquet_items(table, path, None), table.metadata.num_rows)
        else:
            total = None if path == STDIN else Path(path).stat().st_size
            items = read_items(file, chosen, path, None)
            yield Source(items, total, file.tell if total is not None else lambda: 0)


def read_items(file: BinaryIO, form: Format, name: str, columns: Columns | None) -> Iterator[Item]:
    """The posts of an open file, one item a row.

    Args:
        file: opened for reading bytes; seekable if it is Parquet.
        form: what it holds.
        name: how messages call it.
        columns: which columns to read, where they are not named as the fields of a post.

    Raises:
        InputError: as in :func:`open_source`; when it comes late, earlier rows were read.
    """
    if form == "jsonl":
        return _jsonl(file, columns)
    if form == "csv":
        return _csv(file, name, columns)
    return _parquet_items(_parquet(file, name), name, columns)


def format_of(path: str) -> Format:
    """What a name's end says; raises ``InputError`` if it says nothing."""
    if path == STDIN:
        return "jsonl"
    form = _SUFFIXES.get(Path(path).suffix.lower())
    if form is None:
        raise InputError(
            f"{path}: the name does not end in {', '.join(_SUFFIXES)}",
            remedy="rename it; score and precheck also take --format",
        )
    return form


def check_fields(names: Sequence[str], path: str) -> None:
    """Raises ``InputError`` if one of the names is no field of a post."""
    known = set(Post.model_fields)
    known |= {
        f"{outer}.{inner}" for outer, model in _NESTED.items() for inner in model.model_fields
    }
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"{path}: no field of a post: column {_some(unknown)}",
            remedy="drop or rename it; nested fields are spelt author.bio, declared.fiction",
        )


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        yield file


def _jsonl(file: BinaryIO, columns: Columns | None) -> Iterator[Item]:
    first = True
    while line := file.readline(MAX_ITEM_BYTES + 1):
        if len(line) > MAX_ITEM_BYTES:
            _skip_rest_of_line(file, line)
            yield PostError("too_long", "", f"line of over {MAX_ITEM_BYTES} bytes", None)
            continue
        if first:
            line, first = line.removeprefix(b"\xef\xbb\xbf"), False
        if not line.strip():
            yield PostError("blank", "", "blank line", None)
        else:
            line = line.strip(b"\r\n")
            yield line if columns is None else _picked(line, columns)


def _skip_rest_of_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_ITEM_BYTES)


def _picked(line: bytes, columns: Columns) -> Item:
    """The fields of a post out of a JSON object with other names."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return PostError("invalid_json", "", str(error), None)
    if not isinstance(found, dict):
        return PostError("invalid_type", "", "no JSON object", None)
    cells = {field: found[column] for field, column in columns.items() if column in found}
    return json.dumps(_unflattened(cells))


def _csv(file: BinaryIO, name: str, columns: Columns | None) -> Iterator[Item]:
    csv.field_size_limit(_MAX_CELL_BYTES)
    # undecodable bytes become lone surrogates, which the JSON parser refuses row by row
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text)
    try:
        fields = _fields(next(rows, []), name, columns)
        for row in rows:
            yield _csv_item(fields, row)
    except csv.Error as error:
        raise InputError(f"{name}: line {rows.line_num}: not CSV: {error}") from None
    finally:
        text.detach()


def _csv_item(fields: Sequence[str | None], row: list[str]) -> Item:
    if not row:
        return PostError("blank", "", "blank line", None)
    if len(row) != len(fields):
        return PostError("invalid_csv", "", f"{len(row)} cells under {len(fields)} columns", None)
    if sum(map(len, row)) > MAX_ITEM_BYTES:
        return PostError("too_long", "", f"row of over {MAX_ITEM_BYTES} characters", None)
    named = zip(fields, row, strict=True)
    return json.dumps(_unflattened({f: _cell(f, cell) for f, cell in named if f and cell}))


def _cell(name: str, cell: str) -> Any:
    if name not in _JSON_CELLS:
        return cell
    try:
        return json.loads(cell.lower() if name.startswith("declared.") else cell)
    except (ValueError, RecursionError):
        return cell  # refused as a post, with its pointer


def _parquet(file: BinaryIO, name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{name}: not Parquet: {error}") from None


def _parquet_items(table: pq.ParquetFile, name: str, columns: Columns | None) -> Iterator[Item]:
    names = table.schema_arrow.names
    found = zip(names, _fields(names, name, columns), strict=True)
    fields = {column: field for column, field in found if field}
    try:
        for batch in table.iter_batches(batch_size=_PARQUET_ROWS, columns=list(fields)):
            for row in batch.to_pylist():
                yield _parquet_item({fields[column]: cell for column, cell in row.items()})
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: broken Parquet: {error}") from None


def _counted(items: Iterator[Item], total: int) -> Source:
    done = 0

    def counted() -> Iterator[Item]:
        nonlocal done
        for item in items:
            done += 1
            yield item

    return Source(counted(), total, lambda: done)


def _parquet_item(row: Mapping[str, Any]) -> Item:
    try:
        return json.dumps(_unflattened(row), default=_json_value)
    except TypeError as error:
        return PostError("invalid_type", "", str(error), None)


def _json_value(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _fields(names: Sequence[str], path: str, columns: Columns | None) -> list[str | None]:
    """What of a post each column holds; None where it is not read."""
    if columns is None:
        check_fields(names, path)
        return list(names)
    missing = [column for column in columns.values() if column not in names]
    if missing:
        raise InputError(f"{path}: no column {_some(missing)}", remedy="mend the column mapping")
    field_of = {column: field for field, column in columns.items()}
    return [field_of.get(name) for name in names]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more


def _unflattened(cells: Mapping[str, Any]) -> dict[str, Any]:
    """``{"author.bio": x}`` as ``{"author": {"bio": x}}``."""
    item: dict[str, Any] = {}
    for name, value in cells.items():
        outer, _, inner = name.partition(".")
        if not inner:
            item[name] = value
        elif value is not None:
            item.setdefault(outer, {})[inner] = value
    return item
