"""Sheets (CSV) of posts that people judge: written empty, read when they are filled in."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labels.errors import InputError
from labels.records import Post
from labels.samples import SampleAnswer
from serving.audit.summary import Row

#: a spreadsheet would run cells that begin so
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FROM_POST = ("title", "text", "platform")
_FROM_AUTHOR = ("display_name", "bio", "verified_as")
_FROM_DECISION = ("row", "stratum", "data_id", "suggestion")
_COLUMNS = (
    *_FROM_DECISION, "suspected", *_FROM_POST, *_FROM_AUTHOR,
    "verdict", "clauses", "annotator", "note",
)  # fmt: skip


def write_csv(path: Path, sample: Iterable[tuple[Row, Post]], why: Sequence[str] = ()) -> int:
    """A sheet for people to fill in ``verdict``, ``clauses``, ``annotator``; how many rows.

    Args:
        path: of the sheet.
        sample: decisions with their posts.
        why: further columns of the decisions, which say why these posts.
    """
    rows = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, (*_COLUMNS, *why))
        writer.writeheader()
        for row, post in sample:
            cells = _cells(row, post) | {name: str(row[name]) for name in why}
            writer.writerow({name: _safe(cell) for name, cell in cells.items()})
            rows += 1
    return rows


def read_csv(path: Path) -> Iterator[SampleAnswer]:
    """The rows of a sheet that were answered.

    Raises:
        InputError: no such sheet, or an answer that is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                if row.get("verdict"):
                    yield _answer(row, f"{path}:{number}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _cells(row: Row, post: Post) -> dict[str, str]:
    return {
        **{name: str(row[name]) for name in _FROM_DECISION},
        "suspected": " ".join(row["clauses"]),
        **{name: getattr(post, name) or "" for name in _FROM_POST},
        **{name: getattr(post.author, name, None) or "" for name in _FROM_AUTHOR},
    }


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _answer(row: Mapping[str, Any], where: str) -> SampleAnswer:
    try:
        return SampleAnswer.model_validate(
            {
                **{name: row[name] for name in ("row", "stratum", "annotator", "note")},
                "data_id": row["data_id"].removeprefix("'"),
                "verdict": row["verdict"].strip(),
                "clauses": tuple(row["clauses"].split()),
            },
            strict=False,
        )
    except (ValidationError, KeyError) as error:
        raise InputError(f"{where}: no answer: {error}") from None
