"""What has been read so far: a SQLite file beside the results, committed a chunk at a time."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

_VARIABLES = 900
_TABLES = """
CREATE TABLE IF NOT EXISTS chunks (
    number INTEGER PRIMARY KEY, rows INTEGER, digest BLOB, first_input INTEGER, inputs INTEGER
);
CREATE TABLE IF NOT EXISTS inputs (digest BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (digest BLOB PRIMARY KEY, row INTEGER) WITHOUT ROWID;
"""


class Chunk(NamedTuple):
    """A run of rows that was read. ``digest`` is of the rows as they came.

    The inputs that were new in it are numbered from ``first_input`` on.
    """

    number: int
    rows: int
    digest: bytes
    first_input: int
    inputs: int


class Index:
    """Distinct inputs and ids of everything read, on disk, so that memory stays flat."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)

    def chunks(self) -> list[Chunk]:
        """Those that are whole, in order."""
        found = self._connection.execute("SELECT * FROM chunks ORDER BY number")
        return [Chunk(*row) for row in found]

    def inputs(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """The numbers of those inputs that were seen before."""
        return dict(self._known("SELECT digest, number FROM inputs WHERE digest IN", digests))

    def ids(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """The rows of those ids that were seen before."""
        return dict(self._known("SELECT digest, row FROM ids WHERE digest IN", digests))

    def add(self, chunk: Chunk, inputs: Mapping[bytes, int], ids: Mapping[bytes, int]) -> None:
        """Commit a chunk, with what was new in it."""
        with self._connection as writing:
            writing.executemany("INSERT INTO inputs VALUES (?, ?)", inputs.items())
            writing.executemany("INSERT INTO ids VALUES (?, ?)", ids.items())
            writing.execute("INSERT INTO chunks VALUES (?, ?, ?, ?, ?)", chunk)

    def _known(self, query: str, digests: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
        wanted: Sequence[bytes] = list(digests)
        for start in range(0, len(wanted), _VARIABLES):
            some = wanted[start : start + _VARIABLES]
            yield from self._connection.execute(f"{query} ({', '.join('?' * len(some))})", some)


@contextmanager
def open_index(path: Path) -> Iterator[Index]:
    """The index at a path, made if it is not there."""
    with closing(sqlite3.connect(path)) as connection:
        yield Index(connection)
