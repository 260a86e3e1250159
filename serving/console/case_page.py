"""What the page of a case shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from labels.records import Author, Post
from labels.results import Step
from serving.api.views import case_detail
from serving.appeals import appeal_of, repair_of
from serving.console.explaining import Explainer, Explanations
from serving.console.passages import Piece, media_links, passages, pieces
from serving.console.visit import REVIEWERS
from serving.desk import Desk
from serving.near import Near, near_duplicates, nearest_labelled
from serving.people import Caller
from serving.queue import CaseKind, CaseState, took_part
from serving.reports import complaints
from serving.review import find_decision, kept_decision
from serving.sanctions import find_sanction
from serving.shapes import CaseDetail, DecisionView
from serving.store.schema import POST_OF_DECISION, cases, decisions, posts, sanctions
from serving.verdict import correction_view, words_on

_DUPLICATES, _LABELLED = 6, 4
#: characters of a post nearby that are shown, and complaints
_EXCERPT, _COMPLAINTS = 120, 10
#: posts of an account whose faces are compared
_FACES = 50
_STRIKES = (Step.WARNING, Step.SHORT_MUTE, Step.LONG_MUTE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case nearby, how its post begins, and what became of it.

    ``case_id`` is None where nobody was asked to look, ``words`` is empty where the post was
    erased. ``state`` is that of the sanction.
    """

    case_id: str | None
    words: Sequence[Piece]
    data_id: str
    account_id: str
    at: datetime
    similarity: float
    step: Step | None
    state: str | None
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Face:
    """How an account presented itself from a moment on."""

    since: datetime
    author: Author


def case_context(
    connection: Connection,
    case: RowMapping,
    desk: Desk,
    explainer: Explainer,
    caller: Caller,
    now: datetime,
) -> dict[str, Any]:
    """All that the template of a case names, but for the form."""
    detail = case_detail(connection, case, desk.engine.active, now)
    account_id = str(detail.decision.account_id)
    duplicates: list[Near] = []
    labelled: list[Near] = []
    if detail.post:
        row = find_decision(connection, detail.decision.decision_id)
        duplicates = near_duplicates(connection, detail.post, row["content_sha256"], _DUPLICATES)
        labelled = nearest_labelled(
            connection, detail.post, detail.decision.decision_id, case["category"], _LABELLED
        )
    found: dict[str, Any] = {
        "detail": detail,
        "faces": faces(connection, account_id),
        "duplicates": outcomes(connection, duplicates),
        "labelled": outcomes(connection, labelled),
        "complaints": complaints(connection, detail.decision.decision_id, _COMPLAINTS),
        "most_complaints": _COMPLAINTS,
        "words": words_on(connection, detail.decision.decision_id),
        "appeal": _appeal(connection, detail) if case["kind"] == CaseKind.APPEAL else None,
        "stage": stage(connection, case, detail, caller),
    }
    # last, for the model keeps a core busy
    return found | post_context(detail.post, detail.decision, desk, explainer)


def stage(connection: Connection, case: RowMapping, detail: CaseDetail, caller: Caller) -> str:
    """What the caller can do with a case; the name of a notice, or of a form."""
    if detail.case.state is CaseState.CLOSED:
        return "is_closed"
    if caller.roles.isdisjoint(REVIEWERS):
        return "read_only"
    if caller.user_id in took_part(connection, case):
        return "wait_second" if detail.case.kind is CaseKind.REVIEW else "not_yours"
    if detail.case.claimed_by != caller.user_id:
        return "claim_first"
    if detail.case.kind is CaseKind.APPEAL:
        return "appeal"
    return "second" if detail.case.state is CaseState.SECOND else "decide"


def post_context(
    post: Post | None, decision: DecisionView, desk: Desk, explainer: Explainer
) -> dict[str, Any]:
    """The post with what is marked in it; ``marking`` says how far that is."""
    found, marking = _explained(decision, desk, explainer, post) if post else ((), "done")
    return {
        "post": post,
        "passages": passages(post, found) if post else [],
        "links": media_links(post.metadata) if post else [],
        "marking": marking,
        "marked": any(each.spans for each in found),
    }


def faces(connection: Connection, account_id: str) -> list[Face]:
    """The different faces of an account's last kept posts, oldest first."""
    asked = select(posts.c.post, posts.c.at).where(posts.c.account_id == account_id)
    rows = connection.execute(asked.order_by(posts.c.at.desc()).limit(_FACES)).all()
    found: list[Face] = []
    for row in reversed(rows):
        post = Post.model_validate(row.post, strict=False)
        if post.author and (not found or found[-1].author != post.author):
            found.append(Face(row.at, post.author))
    return found


def outcomes(connection: Connection, near: Sequence[Near]) -> list[Outcome]:
    """What became of cases nearby, in their order."""
    asked = (
        select(decisions, posts.c.post, sanctions.c.state, cases.c.case_id)
        .join(posts, POST_OF_DECISION, isouter=True)
        .join(sanctions, sanctions.c.decision_id == decisions.c.decision_id, isouter=True)
        .join(
            cases,
            (cases.c.decision_id == decisions.c.decision_id) & (cases.c.kind == CaseKind.REVIEW),
            isouter=True,
        )
        .where(decisions.c.decision_id.in_([each.decision_id for each in near]))
    )
    rows = {row["decision_id"]: row for row in connection.execute(asked).mappings()}
    return [_outcome(rows[each.decision_id], each.similarity) for each in near]


def _outcome(row: RowMapping, similarity: float) -> Outcome:
    kept = kept_decision(row) if row["ruled"] else None
    post = row["post"] or {}
    text = " ".join(post[part] for part in ("title", "text") if post.get(part))
    return Outcome(
        case_id=row["case_id"],
        words=pieces(text[:_EXCERPT]),
        data_id=row["data_id"],
        account_id=row["account_id"],
        at=row["at"],
        similarity=similarity,
        step=kept.step if kept else None,
        state=row["state"],
        clauses=kept.case.findings.clauses if kept and kept.case.findings else (),
    )


def _explained(
    decision: DecisionView, desk: Desk, explainer: Explainer, post: Post
) -> tuple[Explanations, str]:
    if not decision.result.labels:
        return (), "done"
    if decision.result.model.sha256 != desk.engine.versions["model"]["sha256"]:
        return (), "other_model"
    found = explainer.explain(decision.decision_id, post, decision.result.labels)
    return ((), "pending") if found is None else (found, "done")


def _appeal(connection: Connection, detail: CaseDetail) -> dict[str, Any]:
    """The appeal, and what overturning would repair."""
    decision = detail.decision
    sanction = find_sanction(connection, decision.decision_id)
    found = repair_of(connection, decision.decision_id, str(decision.account_id))
    return {
        "row": appeal_of(connection, decision.decision_id),
        "sanction": sanction,
        "strike": Step(sanction["step"]) in _STRIKES,
        "corrections": [correction_view(each) for each in found],
    }
