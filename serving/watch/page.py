"""The report as one HTML page that needs nothing from outside, Chinese first."""

from collections.abc import Mapping
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from classifiers.rendering import content
from labels.records import Post
from labels.results import Suggestion
from labels.taxonomy import Category
from serving.charts import Chart, stacked
from serving.hidden import plain
from serving.names import named
from serving.pages import Name, render
from serving.store.schema import POST_OF_DECISION, decisions, posts
from serving.watch.told import GROUPS, clause_name
from serving.watch.verdicts import BY

_LEVELS = (Suggestion.ACT, Suggestion.REVIEW, Suggestion.PROMPT)
#: characters of an example, and surges that are told
_WORDS, _SURGES = 200, 10


def page(summary: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """HTML, Chinese first.

    Args:
        summary: of :func:`serving.watch.summary.summary`.
        words: of :func:`words_of`.
    """
    return render(
        "serving.watch",
        **summary,
        named=named,
        levels=_LEVELS,
        categories=list(Category),
        groups=[
            (GROUPS[group], list(rows))
            for group, rows in groupby(summary["drift"], lambda row: row["group"])
        ],
        chart=_chart(summary["days"]),
        tables=[
            (_KINDS[kind], [_named(kind, row) for row in summary["verdicts"][kind]]) for kind in BY
        ],
        told_surges=[
            (clause_name(row["clause"]), row) for row in (summary["surges"] or [])[:_SURGES]
        ],
        words=words,
        other_versions=_other_versions(summary["population"]),
    )


def words_of(connection: Connection, summary: Mapping[str, Any]) -> dict[str, str]:
    """What is shared, by the decision on one post that says it; its first characters."""
    wanted = [cluster["decision_id"] for cluster in summary["copies"]]
    asked = (
        select(decisions.c.decision_id, posts.c.post)
        .join(posts, POST_OF_DECISION)
        .where(decisions.c.decision_id.in_(wanted))
    )
    return {
        row.decision_id: plain(content(Post.model_validate(row.post, strict=False)), _WORDS)
        for row in connection.execute(asked)
    }


def _other_versions(population: Mapping[str, Any]) -> bool:
    """Whether model or policy changed between the periods."""
    now, before = (
        {(each["model"], each["policy"]) for each in population[when]["versions"]}
        for when in ("now", "before")
    )
    return bool(now and before) and now != before


_KINDS: dict[str, Name] = {
    "category": ("类别", "Category"),
    "clause": ("条款", "Clause"),
    "reviewer": ("审核员", "Reviewer"),
}


def _named(kind: str, row: Mapping[str, Any]) -> tuple[Name, Mapping[str, Any]]:
    if kind == "category":
        return named("category", row["name"]), row
    if kind == "clause":
        return clause_name(row["name"]), row
    return (plain(row["name"]), plain(row["name"])), row


def _chart(days: list[dict[str, Any]]) -> Chart | None:
    """Kept posts by day and suggestion."""
    if not days:
        return None
    columns = [{level.value: float(day[level.value]) for level in _LEVELS} for day in days]
    return stacked([day["day"][5:] for day in days], columns, partial(named, "bar"))
