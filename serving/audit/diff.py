"""Two audits beside one another: two models, two packs, or two months."""

import math
from collections.abc import Iterator
from typing import Any

import duckdb

from labels.results import Suggestion
from labels.taxonomy import taxonomy
from serving.audit.layout import Layout
from serving.audit.plan import differing, read_plan
from serving.audit.summary import Row, quoted

#: posts named of each move
_EXAMPLES = 5


def difference(old: Layout, new: Layout) -> dict[str, Any]:
    """What differs in the plans, in shares of posts, and where posts of both moved.

    A post is the same where its ``data_id`` is. ``z`` compares two shares (two-proportion test):
    where the posts are others, as of two months, beyond 2 or so it is hardly chance.

    Raises:
        InputError: a folder holds no finished audit.
    """
    plans = differing(read_plan(old), read_plan(new))
    with duckdb.connect(":memory:") as connection:
        for name, layout in (("old", old), ("new", new)):
            layout.check_finished()
            source = quoted(layout.decisions_file)
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({source})")
        both = "old JOIN new USING (data_id)"
        return {
            "plans": plans,
            "posts": {
                "old": _count(connection, "old"),
                "new": _count(connection, "new"),
                "both": _count(connection, both),
            },
            "shares": list(_shares(connection)),
            "suggestions": _moves(connection, "suggestion"),
            "steps": _moves(connection, "step"),
        }


def _count(connection: duckdb.DuckDBPyConnection, of: str, where: str = "true") -> int:
    found = connection.execute(f"SELECT count(*) FROM {of} WHERE {where}").fetchone()
    return int(found[0]) if found else 0


def _shares(connection: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    """By suggestion, and by category that is to be reviewed."""
    conditions = {each.value: f"suggestion = '{each.value}'" for each in Suggestion}
    for entry in taxonomy().categories:
        names = ", ".join(f"'{clause.clause}'" for clause in entry.clauses)
        conditions[entry.code.value] = (
            f"suggestion IN ('review', 'act') AND list_has_any(clauses, [{names}])"
        )
    posts = _count(connection, "old"), _count(connection, "new")
    for name, where in conditions.items():
        found = _count(connection, "old", where), _count(connection, "new", where)
        yield {"name": name, "old": found[0], "new": found[1], "z": _z(found, posts)}


def _moves(connection: duckdb.DuckDBPyConnection, column: str) -> list[Row]:
    found = connection.execute(
        f"SELECT old.{column}, new.{column}, count(*), min(data_id, {_EXAMPLES}) "
        f"FROM old JOIN new USING (data_id) WHERE old.{column} <> new.{column} "
        "GROUP BY ALL ORDER BY ALL"
    )
    names = ("old", "new", "posts", "examples")
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _z(found: tuple[int, int], posts: tuple[int, int]) -> float | None:
    if not all(posts):
        return None
    pooled = sum(found) / sum(posts)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / posts[0] + 1 / posts[1]))
    return (found[1] / posts[1] - found[0] / posts[0]) / spread if spread else None
