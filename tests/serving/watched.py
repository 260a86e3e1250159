"""Five weeks of a platform, written into a store as the server would have kept them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
from sqlalchemy import insert

from labels.records import Post
from labels.results import Finding, ScoredPost, Suggestion
from labels.taxonomy import Category, taxonomy
from serving.engine import Engine
from serving.keeping import account_of
from serving.store.database import Database
from serving.store.schema import decisions, posts
from serving.watch.periods import BEIJING
from tests.conftest import FAKE_DOCTOR, make_post

NOW = date(2026, 11, 22)
BEFORE = date(2026, 10, 25)
WEEK = ("--from", "2026-11-22", "--to", "2026-11-28")

_numbers = count()
_TOPICS = ("血压", "股票", "台风", "地铁", "彩礼", "维生素", "电动车", "高考", "房贷", "医保")
_DOINGS = (
    "内部消息说",
    "专家告诉我",
    "刚刚发生",
    "千万别信",
    "亲测有效",
    "全网都在传",
    "快转给家人",
)


@dataclass(frozen=True)
class Draft:
    """A post that was flagged."""

    day: date
    account: str | None
    text: str
    clause: str = "2.1"
    score: float = 0.6
    suggestion: Suggestion = Suggestion.REVIEW
    platform: str | None = "weibo"
    protected: tuple[str, ...] = ()


def ordinary(
    first: date, days: int, random: np.random.Generator, a_day: int = 12
) -> Iterator[Draft]:
    """Days on which nothing special happens: other accounts, the usual topics."""
    clauses = list(taxonomy().clauses)[:8]
    for n in range(days):
        for _ in range(random.poisson(a_day)):
            words = [random.choice(_DOINGS) + random.choice(_TOPICS) for _ in range(4)]
            yield Draft(
                day=first + timedelta(days=n),
                account=f"u{random.integers(10**9)}",
                text="，".join([*words, str(random.integers(10**12))]),
                clause=str(random.choice(clauses)),
                score=float(random.beta(4, 3)),
                platform=str(random.choice(["weibo", "douyin"])),
            )


def write(database: Database, engine: Engine, drafts: Iterable[Draft]) -> int:
    """Keep drafts; how many."""
    (judged,) = engine.judge([make_post(**FAKE_DOCTOR).model_dump_json()])
    assert not hasattr(judged, "error")
    result, rows, texts = judged.result, [], []
    for draft in drafts:
        number = next(_numbers)
        author = {"account_id": draft.account, "verified_as": "none"} if draft.account else None
        post = make_post(
            data_id=f"d{number}", text=draft.text, platform=draft.platform, author=author
        )
        at = datetime.combine(draft.day, datetime.min.time(), BEIJING) + timedelta(hours=9)
        rows.append(_decision(number, draft, post, at, result))
        texts.append(_post(post, at))
    with database.write() as connection:
        if rows:
            connection.execute(insert(decisions), rows)
            connection.execute(insert(posts), texts)
    return len(rows)


def _decision(
    number: int, draft: Draft, post: Post, at: datetime, result: ScoredPost
) -> dict[str, Any]:
    category = taxonomy().category_of[draft.clause]
    finding = Finding(
        category=category,
        clause=draft.clause,
        score=draft.score,
        threshold=0.2,
        level=draft.suggestion,
    )
    scores = {each: draft.score if each is category else 0.01 for each in Category}
    protected = [{"code": code, "score": 0.9} for code in draft.protected]
    told = result.model_copy(
        update={
            "data_id": post.data_id,
            "scores": scores,
            "labels": (finding,),
            "suggestion": draft.suggestion,
        }
    ).model_dump(mode="json")
    return {
        "decision_id": f"dec_{number:08}",
        "data_id": post.data_id,
        "content_sha256": post.content_sha256,
        "account_id": account_of(post),
        "at": at,
        "suggestion": draft.suggestion.value,
        "versions": "m p",
        "result": told | {"protected": protected},
        "case": {},
    }


def _post(post: Post, at: datetime) -> dict[str, Any]:
    return {
        "data_id": post.data_id,
        "content_sha256": post.content_sha256,
        "account_id": account_of(post),
        "at": at,
        "post": post.model_dump(mode="json"),
    }


def flood(drafts: list[Draft], account: str) -> list[Draft]:
    """The same posts, all by one account."""
    return [replace(draft, account=account) for draft in drafts]
