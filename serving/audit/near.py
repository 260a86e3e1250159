"""Near-duplicates: contents that share most of their words, by MinHash (Broder 1997).

They are put together for people to look at and never share a score. The same words alone are
ordinary speech: a cluster is a reason to look for common control (clauses 1.6 and 4.5).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.rendering import content, content_digest
from labels.disguise import fold
from labels.records import Post
from serving.audit.tables import write

#: shorter contents say too little to be copies of one another
MIN_CHARS = 20
#: contents of which at least this share of three-character pieces is common are near
SIMILARITY = 0.5
_HASHES, _BANDS = 64, 16
SIGNATURES = pa.schema(
    [
        pa.field("content", pa.binary(16)),
        pa.field("signature", pa.binary(_HASHES * 4)),
        pa.field("bands", pa.list_(pa.uint64(), _BANDS)),
    ]
)

_random = np.random.Generator(np.random.PCG64(20250729))
_MULTIPLIERS = _random.integers(1, 2**63, _HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_PIECE = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HIGH = np.uint64(32)

Signature = npt.NDArray[np.uint32]


def write_signatures(path: Path, posts: Sequence[Post]) -> None:
    """Signatures of contents that are long enough, each once."""
    texts = {content_digest(post): content(post) for post in posts}
    found = {key: signature(text) for key, text in texts.items() if len(text) >= MIN_CHARS}
    columns: dict[str, Sequence[Any]] = {
        "content": list(found),
        "signature": [each.tobytes() for each in found.values()],
        "bands": [bands(each) for each in found.values()],
    }
    write(path, columns, SIGNATURES)


def signature(text: str) -> Signature:
    """Shape (64,): equal in as many places as two texts have pieces in common, on average."""
    codes = np.frombuffer((fold(text) or text).encode("utf-32-le"), dtype=np.uint32).astype(
        np.uint64
    )
    pieces = np.lib.stride_tricks.sliding_window_view(np.pad(codes, (1, 1)), 3) * _PIECE
    hashed = np.unique(pieces.sum(axis=1, dtype=np.uint64))
    hashed = (hashed ^ (hashed >> _HIGH)) * _MIX
    spread = (hashed[None, :] * _MULTIPLIERS[:, None]) >> _HIGH
    return np.asarray(spread.min(axis=1), dtype=np.uint32)


def bands(of: Signature) -> npt.NDArray[np.uint64]:
    """Shape (16,): near texts agree in one of them, others hardly ever."""
    rows = of.reshape(_BANDS, -1).astype(np.uint64)
    weights = _MULTIPLIERS[: rows.shape[1]]
    return np.asarray((rows * weights).sum(axis=1, dtype=np.uint64))


def clusters(files: Path, connection: duckdb.DuckDBPyConnection) -> dict[bytes, bytes]:
    """For each content that is near another: the first content of its cluster.

    Args:
        files: glob of signature files.
        connection: that may spill to disk.
    """
    connection.execute(
        "CREATE TEMP TABLE signed AS SELECT content, any_value(signature) AS signature, "
        f"any_value(bands) AS bands FROM read_parquet('{files}') GROUP BY content"
    )
    heads: dict[bytes, bytes] = {}
    for first, second, one, other in _pairs(connection):
        same = np.frombuffer(one, np.uint32) == np.frombuffer(other, np.uint32)
        if same.mean() >= SIMILARITY:
            _join(heads, first, second)
    return {member: _head(heads, member) for member in sorted(heads)}


def _pairs(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """Contents that agree in a band with the first of all that do."""
    found = connection.execute(
        """
        WITH banded AS (
            SELECT content, unnest(bands) AS band, generate_subscripts(bands, 1) AS place
            FROM signed
        ), grouped AS (
            SELECT content, min(content) OVER (PARTITION BY place, band) AS head FROM banded
        ), pairs AS (SELECT DISTINCT head, content FROM grouped WHERE head <> content)
        SELECT pairs.head, pairs.content, a.signature, b.signature
        FROM pairs JOIN signed a ON a.content = pairs.head JOIN signed b
            ON b.content = pairs.content
        ORDER BY 1, 2
        """
    )
    while rows := found.fetchmany(10_000):
        yield from rows


def _join(heads: dict[bytes, bytes], first: bytes, second: bytes) -> None:
    for each in (first, second):
        heads.setdefault(each, each)
    low, high = sorted((_head(heads, first), _head(heads, second)))
    heads[high] = low


def _head(heads: dict[bytes, bytes], member: bytes) -> bytes:
    while heads[member] != member:
        heads[member] = heads[heads[member]]
        member = heads[member]
    return member
