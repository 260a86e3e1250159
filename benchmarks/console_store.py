"""A store as it is after years: decisions by the ten thousand, copies among them, cases waiting."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, insert

from classifiers.bundle import default_model_folder
from classifiers.rendering import content
from classifiers.scorer import load_scorer
from labels.cases import Aggravator, Case, ClaimStatus, Findings
from labels.dataset import corpus_folder, load_corpus, posts
from labels.records import Author, Post
from labels.results import Step, Suggestion
from policy.pack import default_pack_path, load_pack
from policy.replay import decision
from serving import packs, people, queue, reports
from serving.appeals import answer, file_appeal
from serving.desk import Desk, open_desk
from serving.engine import Engine, Judged
from serving.following import Follower
from serving.history import record_event
from serving.keeping import keep_one
from serving.near import keys
from serving.people import Caller, Role
from serving.queue import CaseKind, CaseState, classes_of, clauses_of
from serving.registry import Registry
from serving.shapes import Decide
from serving.store import schema, upkeep
from serving.store.database import Database
from serving.verdict import carry_out

REVIEWER, PASSWORD = "amy", "correct horse battery"
#: an account with a long record
BUSY = "busy"
_SEED = 20250729
_SCORED, _CHUNK = 1_500, 1_000
_ACCOUNTS, _DAYS = 20_000, 700
#: one of so many decisions is on the busy account, one of so many cases that wait was reported
_BUSY, _REPORTED = 200, 10
_APPEALS, _APPEALED_DAYS, _ANSWERED, _SECONDS = 60, 150, 20, 20
_BEN, _CAT = (Caller(name, frozenset({Role.MODERATOR}), None) for name in ("ben", "cat"))
_ENDS = ("，转给家里人", "！！", "，求扩散", "，大家怎么看", "，有图有真相", "，亲测")


def fill(url: str, decisions: int, waiting: int) -> None:
    """Decided cases and, on top, as many that wait: some reported, some for a second person.

    Of the decisions the newest were appealed, and a pack was proposed that rules otherwise.
    """
    database = Database(url)
    pack = default_pack_path()
    engine = Engine(load_scorer(default_model_folder(), threads=1), load_pack(pack))
    # the server enters its own bundle when it starts
    follower = Follower(engine, Registry(Path("unused")), threads=1)
    desk = open_desk(engine, database, pack.read_text(encoding="utf-8"), follower)
    flagged = _flagged(engine, waiting)
    with database.write() as connection:
        roles = [Role.MODERATOR, Role.SENIOR, Role.POLICY_ADMIN]
        people.add_user(connection, REVIEWER, roles, PASSWORD)
    rows = _decided(desk, flagged, decisions)
    while some := list(islice(rows, _CHUNK)):
        with database.write() as connection:
            _enter(connection, some)
    now = datetime.now(UTC)
    for start in range(0, waiting, _CHUNK):
        with database.write() as connection:
            for number in range(start, min(start + _CHUNK, waiting)):
                judged = flagged[number % len(flagged)]
                kept = keep_one(connection, _varied(judged, f"w{number}", number), now)
                if number % _REPORTED == 0:
                    reports.intake(connection, kept, f"r{number % 50}", "内容不实", None, now)
    with database.write() as connection:
        _appeal(connection, decisions, now)
        _find_first(connection, desk, now)
        _propose(connection, pack.read_text(encoding="utf-8"), now)
    database.close()


def _propose(connection: Connection, source: str, now: datetime) -> None:
    """A pack that takes a clause of common cases more seriously."""
    harsher = source.replace('"4.3": {severity: S2', '"4.3": {severity: S3')
    harsher = harsher.replace('version: "', 'version: "proposed ', 1)
    packs.propose(connection, packs.read_source(harsher), harsher, _BEN, now)


def _appeal(connection: Connection, decided: int, now: datetime) -> None:
    """The owners of the newest prompts contradict; some are answered, half of them overturned."""
    lately = decided * (_DAYS - _APPEALED_DAYS) // _DAYS
    prompted = [place for place in range(lately, decided) if place % 3]
    busy = [place for place in prompted if _account(place) == BUSY][:1]
    for number, place in enumerate(dict.fromkeys([*prompted[-_APPEALS:], *busy])):
        decision_id = _decision_id(place)
        file_appeal(connection, decision_id, _account(place), "我发的内容有出处，请复核。", now)
        if number < _ANSWERED:
            asked = schema.cases.select().where(
                schema.cases.c.decision_id == decision_id,
                schema.cases.c.kind == CaseKind.APPEAL,
            )
            case_id = connection.execute(asked).mappings().one()["case_id"]
            queue.claim(connection, case_id, _CAT, now)
            answer(connection, case_id, _CAT, "已复核", now, overturned=bool(number % 2))


def _find_first(connection: Connection, desk: Desk, now: datetime) -> None:
    """Ben wants long mutes, for which a second person is needed."""
    found = Findings(
        clauses=("4.3",),
        claim_status=ClaimStatus.FALSE,
        evidence=("《中国高血压防治指南》",),
        sentence="三个疗程停掉降压药",
        aggravators=(Aggravator.SAFETY_HARM,),
    )
    said = Decide(verdict="decide", findings=found, step=Step.LONG_MUTE, reasons="危及生命")
    open_reviews = schema.cases.select().where(
        schema.cases.c.closed_at.is_(None), schema.cases.c.kind == CaseKind.REVIEW
    )
    for case in connection.execute(open_reviews.limit(_SECONDS)).mappings().all():
        queue.claim(connection, case["case_id"], _BEN, now)
        carry_out(connection, case["case_id"], said, _BEN, desk.engine.active, now)


def _decision_id(place: int) -> str:
    return f"dec_{place:020d}"


def _account(number: int) -> str:
    return BUSY if number % _BUSY == 0 else f"u{number % _ACCOUNTS}"


def back_up(url: str, folder: Path) -> None:
    """Write what a store holds, before it is judged."""
    database = Database(url)
    upkeep.backup(database, folder)
    database.close()


def restore(url: str, folder: Path) -> None:
    """The same rows in PostgreSQL, tidied and written out as after some hours of use."""
    database = Database(url)
    database.migrate()
    upkeep.restore(database, folder)
    database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        connection.execute("CHECKPOINT")


def _flagged(engine: Engine, at_least: int) -> list[Judged]:
    """Posts of the corpus that a person must see."""
    rows = posts(load_corpus(corpus_folder()))
    random.Random(_SEED).shuffle(rows)
    names = set(Post.model_fields)
    items = [json.dumps(row.model_dump(mode="json", include=names)) for row in rows[:_SCORED]]
    wanted = {Suggestion.REVIEW, Suggestion.ACT}
    return [
        each
        for each in engine.judge(items)
        if isinstance(each, Judged) and each.result.suggestion in wanted
    ][: max(at_least, 400)]


def _varied(judged: Judged, data_id: str, number: int) -> Judged:
    """The same words with another end, of another account."""
    post = judged.post
    text = (post.text or "")[:19_000] + _ENDS[number % len(_ENDS)] + str(number)
    author = (post.author or Author()).model_copy(update={"account_id": _account(number)})
    return Judged(
        post.model_copy(update={"data_id": data_id, "text": text, "author": author}),
        judged.result.model_copy(update={"data_id": data_id}),
        judged.scores,
        judged.labels,
    )


def _decided(desk: Desk, flagged: Sequence[Judged], number: int) -> Iterator[dict[Table, Any]]:
    """Rows of every table for each decision, as reviewing leaves them."""
    active = desk.engine.active
    now = datetime.now(UTC)
    for place in range(number):
        judged = _varied(flagged[place % len(flagged)], f"p{place}", place)
        at = now - timedelta(days=_DAYS * (number - place) / number, hours=1)
        found = Findings(
            clauses=tuple(label.clause for label in judged.result.labels),
            claim_status=ClaimStatus.FALSE,
            evidence=("《核查记录》",),
            sentence=content(judged.post)[:30],
            reviewers=("ben",),
        )
        case = Case(
            decision_id=_decision_id(place),
            account_id=_account(place),
            scores=dict(judged.scores.heads),
            labels=judged.labels,
            model=judged.result.model,
        )
        step = Step.PROMPT if place % 3 else Step.NONE
        whole = case.model_copy(update={"findings": found})
        kept = decision(whole, active.loaded, active.policy, at, step)
        yield _rows(judged, case, kept, at)


def _rows(judged: Judged, case: Case, kept: Any, at: datetime) -> dict[Any, Any]:
    post, result = judged.post, judged.result
    sha256 = post.content_sha256
    of_post = {"data_id": post.data_id, "content_sha256": sha256}
    about = {"decision_id": case.decision_id, "account_id": case.account_id}
    rows: dict[Any, Any] = {
        schema.posts: [
            {
                **of_post,
                "account_id": case.account_id,
                "at": at,
                "post": post.model_dump(mode="json"),
            }
        ],
        schema.near: [{**of_post, "band": key} for key in dict.fromkeys(keys(content(post)))],
        schema.decisions: [
            {
                **of_post,
                **about,
                "at": at,
                "suggestion": result.suggestion,
                "versions": f"{result.model.sha256} {result.policy.sha256}",
                "result": result.model_dump(mode="json"),
                "case": case.model_dump(mode="json"),
                "decided_at": at,
                "ruled": kept.model_dump(mode="json"),
            }
        ],
        schema.cases: [
            {
                **about,
                "case_id": case.decision_id.replace("dec", "case"),
                "kind": CaseKind.REVIEW,
                "category": result.labels[0].category if result.labels else None,
                "clauses": clauses_of(result),
                "risk": result.risk_level,
                "protected": bool(result.protected),
                "protected_classes": classes_of(result),
                "rank": 0.0,
                "opened_at": at,
                "state": CaseState.CLOSED,
                "claimed_by": "ben",
                "closed_at": at,
            }
        ],
        schema.verdicts: [
            {
                "verdict_id": case.decision_id.replace("dec", "ver"),
                "decision_id": case.decision_id,
                "case_id": case.decision_id.replace("dec", "case"),
                "by": "ben",
                "verdict": "decide",
                "step": kept.step,
                "reasons": "见《核查记录》",
                "at": at,
            }
        ],
        "event": (kept, at),
    }
    if kept.step is not Step.NONE:
        rows[schema.sanctions] = [
            {
                **about,
                "step": kept.step,
                "days": 0,
                "pause_days": 0,
                "state": "done",
                "decided_at": at,
                "applied_at": at,
            }
        ]
    return rows


def _enter(connection: Connection, some: Sequence[dict[Any, Any]]) -> None:
    for table in (
        schema.posts,
        schema.near,
        schema.decisions,
        schema.cases,
        schema.verdicts,
        schema.sanctions,
    ):
        rows = [row for each in some for row in each.get(table, ())]
        connection.execute(insert(table), rows)
    for each in some:
        kept, at = each["event"]
        record_event(
            connection,
            "decided",
            event_id=f"{kept.case.decision_id}.decided",
            account_id=kept.case.account_id,
            at=at,
            decision_id=kept.case.decision_id,
            case=kept.case,
            step=kept.step,
            days=kept.days,
        )
