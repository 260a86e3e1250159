"""Scores that suggest anything are kept, each once, and open a case where a person must look."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from labels.cases import Case
from labels.records import Post
from labels.results import RejectedPost, Suggestion
from serving.engine import Judged
from serving.history import record_event
from serving.lineup import account_of
from serving.near import remember
from serving.queue import open_case
from serving.store.database import new_id
from serving.store.schema import decisions, posts


def keep(
    connection: Connection, found: Iterable[Judged | RejectedPost], now: datetime
) -> list[str | None]:
    """Keep what is not passed; the ids of the decisions, None where nothing was kept.

    The same content under the same model and policy is one decision, however often it is scored.
    """
    return [
        keep_one(connection, each, now)
        if isinstance(each, Judged) and suggests_anything(each)
        else None
        for each in found
    ]


def suggests_anything(found: Judged | RejectedPost) -> bool:
    """Whether there is something to keep."""
    return isinstance(found, Judged) and found.result.suggestion is not Suggestion.PASS


def keep_one(connection: Connection, judged: Judged, now: datetime) -> str:
    """The id of the decision on a post, kept now if it was not before."""
    post, result = judged.post, judged.result
    versions = f"{result.model.sha256} {result.policy.sha256}"
    content = post.content_sha256
    known = connection.scalar(
        select(decisions.c.decision_id).where(
            decisions.c.data_id == post.data_id,
            decisions.c.content_sha256 == content,
            decisions.c.versions == versions,
        )
    )
    if known is not None:
        return str(known)
    decision_id, account_id = new_id("dec"), account_of(post)
    _keep_post(connection, post, content, account_id, now)
    case = _case(decision_id, account_id, judged)
    connection.execute(
        insert(decisions).values(
            decision_id=decision_id,
            data_id=post.data_id,
            content_sha256=content,
            account_id=account_id,
            at=now,
            suggestion=result.suggestion.value,
            versions=versions,
            result=result.model_dump(mode="json"),
            case=case.model_dump(mode="json"),
        )
    )
    about: dict[str, Any] = {"account_id": account_id, "at": now}
    scored, proposed = f"{decision_id}.scored", f"{decision_id}.proposed"
    record_event(connection, "scored", event_id=scored, data_id=post.data_id, **about)
    step = result.proposed_sanction.step
    record_event(
        connection, "proposed", event_id=proposed, decision_id=decision_id, step=step, **about
    )
    if result.suggestion in {Suggestion.REVIEW, Suggestion.ACT}:
        open_case(connection, decision_id, account_id, result, now)
    return decision_id


def _keep_post(
    connection: Connection, post: Post, content: str, account_id: str, now: datetime
) -> None:
    known = select(posts.c.at).where(
        posts.c.data_id == post.data_id, posts.c.content_sha256 == content
    )
    if connection.execute(known).first() is None:
        connection.execute(
            insert(posts).values(
                data_id=post.data_id,
                content_sha256=content,
                account_id=account_id,
                at=now,
                post=post.model_dump(mode="json"),
            )
        )
        remember(connection, post, content)


def _case(decision_id: str, account_id: str, judged: Judged) -> Case:
    author = judged.post.author
    return Case(
        decision_id=decision_id,
        account_id=account_id,
        account_type=author.verified_as if author else None,
        scores=dict(judged.scores.heads),
        machine_written=judged.scores.machine_written,
        labels=judged.labels,
        model=judged.result.model,
    )
