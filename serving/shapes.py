"""What requests and answers of the API look like."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    JsonValue,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from labels.cases import Findings, Strikes
from labels.records import Post
from labels.results import PrecheckResult, RejectedPost, ScoredPost, Step, Version
from labels.taxonomy import Category
from labels.yamlfile import Strict
from serving.outbox import Kind
from serving.people import Role
from serving.queue import CaseKind, CaseState
from serving.queue_filter import CaseFilter
from serving.sanctions import SanctionState

MAX_ITEMS = 300

#: an identifier of the caller's; control characters are none of any
Id = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
#: the same in a path and in a query
PathId = Annotated[Id, Path()]
QueryId = Annotated[Id, Query()]
#: what a person wrote
Words = Annotated[
    str, StringConstraints(min_length=1, max_length=5_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
]


def _in_utc(at: datetime) -> datetime:
    """The same moment; at the ends of time a zone can lead outside of it."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{at} is outside of time") from None


#: JSON has no enumerations and no moments
StepName = Annotated[Step, Field(strict=False)]
CategoryName = Annotated[Category, Field(strict=False)]
At = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_in_utc)]


def _read_as_json(model: type[BaseModel]) -> WrapValidator:
    """Read a record inside a body as it would be from a file: strict, and as JSON.

    The body arrives parsed, when lists are no longer tuples and names not yet enumerations.
    """

    def read(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        if isinstance(value, dict):
            return model.model_validate_json(json.dumps(value))
        return handler(value)

    return WrapValidator(read)


FindingsIn = Annotated[Findings, _read_as_json(Findings)]
PostIn = Annotated[Post, _read_as_json(Post)]


class ScoreRequest(Strict):
    """Posts to score; each is checked by itself, so that one fault spoils no other.

    ``store``: what is not passed is kept with its decision, or nothing at all.
    """

    items: Annotated[list[JsonValue], Field(max_length=MAX_ITEMS)]
    explain: Annotated[list[Literal["spans"]], Field(default_factory=list)]
    store: Literal["non_pass", "none"] = "non_pass"


class StoredPost(ScoredPost):
    """A post that was scored; ``decision_id`` is None where nothing was kept."""

    decision_id: str | None


class ScoreResponse(Strict):
    """One result an item, in order."""

    request_id: str
    results: list[StoredPost | RejectedPost]


class PrecheckRequest(Strict):
    """Posts about to be published; each is checked by itself."""

    items: Annotated[list[JsonValue], Field(max_length=MAX_ITEMS)]


class PrecheckResponse(Strict):
    """One result an item, in order."""

    request_id: str
    results: list[PrecheckResult]


class Ready(Strict):
    """What the server scores with: the champion, and a canary for a share of the accounts.

    ``unloaded`` are versions that the store names and this server cannot load, by hash; the
    earlier ones go on.
    """

    status: str
    model: Version
    policy: Version
    canary: Version | None
    unloaded: list[str]


class ReportRequest(Strict):
    """A user's complaint. ``post`` is needed where the post was never kept here."""

    reporter_id: Id
    data_id: Id
    reason: Words
    category: CategoryName | None = None
    post: PostIn | None = None

    @model_validator(mode="after")
    def _one_post(self) -> Self:
        if self.post and self.post.data_id != self.data_id:
            raise ValueError(f"post is {self.post.data_id!r}, data_id is {self.data_id!r}")
        return self


class ReportCreated(Strict):
    """The complaint was taken up."""

    report_id: str


class ReportOutcome(Strict):
    """What a reporter may know of their complaint."""

    report_id: str
    at: At
    category: CategoryName | None
    outcome: str | None


class ReporterInbox(Strict):
    """Of one reporter, oldest first."""

    reports: list[ReportOutcome]


class CaseView(Strict):
    """A case in the queue. ``claimed_by`` holds it until ``claimed_until``."""

    case_id: str
    kind: CaseKind
    state: CaseState
    decision_id: str
    account_id: str | None
    category: CategoryName | None
    protected: bool
    rank: float
    opened_at: At
    claimed_by: str | None
    claimed_until: At | None


class CaseQuery(CaseFilter):
    """Which cases, a page at a time."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: str | None = None


class CasePage(Strict):
    """Most urgent first."""

    cases: list[CaseView]
    next_cursor: str | None


class DecisionView(Strict):
    """What was found about a post, and decided, if it was."""

    decision_id: str
    data_id: str
    account_id: str | None
    at: At
    suggestion: str
    result: ScoredPost
    decided_at: At | None
    step: StepName | None
    days: int | None
    trace: list[str]
    reasons: dict[Literal["zh", "en"], str] | None


class DecisionPage(Strict):
    """Newest first."""

    decisions: list[DecisionView]
    next_cursor: str | None


class CaseDetail(Strict):
    """All that a reviewer needs; ``first`` is what a colleague found, to be confirmed."""

    case: CaseView
    post: Post | None
    decision: DecisionView
    record: "RecordView"
    reports: int
    first: dict[str, JsonValue] | None
    appeal: str | None


class Decide(Strict):
    """A review decided. ``step`` is at most what the findings allow; ``none`` dismisses."""

    verdict: Literal["decide"]
    findings: FindingsIn
    step: StepName
    reasons: Words

    @model_validator(mode="after")
    def _reviewers_are_known(self) -> Self:
        if self.findings.reviewers:
            raise ValueError("findings.reviewers are who decides here; leave them out")
        return self


class Second(Strict):
    """What a second reviewer says of what the first found."""

    verdict: Literal["confirm", "reject"]
    reasons: Words


class Answer(Strict):
    """An appeal answered; ``reasons`` go to the account's owner."""

    verdict: Literal["uphold", "overturn"]
    reasons: Words


Verdict = Annotated[Decide | Second | Answer, Field(discriminator="verdict")]


class CorrectionView(Strict):
    """A later decision that became milder."""

    decision_id: str
    was: StepName
    was_days: int
    now: StepName
    now_days: int


class Decided(Strict):
    """Where a case is after a verdict, and what an appeal repaired beside its own decision."""

    case_id: str
    state: CaseState
    corrected: list[CorrectionView]


class StandingView(Strict):
    """A decision in a record."""

    decision_id: str
    at: At
    step: StepName
    days: int
    imported: bool
    applied: At | None
    failed: bool
    overturned: bool


class EnforcementView(Strict):
    """What is in force; ``until`` is None where the account is closed."""

    decision_id: str
    step: StepName
    until: At | None


class NextStep(Strict):
    """What follows a further violation."""

    step: StepName
    days: int


class RecordView(Strict):
    """An account's record. ``next``: by severity, what a further violation leads to."""

    account_id: str
    decisions: list[StandingView]
    strikes: Strikes
    enforcement: EnforcementView | None
    next: dict[str, NextStep]


class PastDecision(Strict):
    """A decision from the platform's own history."""

    decision_id: Id
    at: At
    step: StepName
    days: Annotated[int, Field(ge=0, le=3650)]


class HistoryRequest(Strict):
    """Earlier decisions on one account."""

    items: Annotated[list[PastDecision], Field(max_length=MAX_ITEMS)]


class HistoryImported(Strict):
    """How many were new; the others were known."""

    imported: int
    known: int


class Message(Strict):
    """What an account's owner reads of one decision."""

    decision_id: str
    decided_at: At
    step: StepName
    days: int
    pause_days: int
    state: Annotated[SanctionState, Field(strict=False)]
    until: At | None
    reasons: dict[Literal["zh", "en"], str]
    appeal: dict[Literal["appeal_id", "outcome", "answer"], str | None] | None


class AccountInbox(Strict):
    """Of one account, oldest first."""

    messages: list[Message]


class AppealRequest(Strict):
    """The owner of an account contradicts a decision."""

    decision_id: Id
    account_id: Id
    statement: Words


class AppealView(Strict):
    """An appeal; ``outcome`` and ``answer`` are None until it is judged."""

    appeal_id: str
    decision_id: str
    account_id: str
    at: At
    answer_due: At
    outcome: str | None
    answer: str | None


class SanctionView(Strict):
    """What the platform has to do, or did."""

    decision_id: str
    account_id: str
    step: StepName
    days: int
    pause_days: int
    state: Annotated[SanctionState, Field(strict=False)]
    decided_at: At
    applied_at: At | None
    until: At | None
    reason: str | None


class SanctionPage(Strict):
    """Oldest first."""

    sanctions: list[SanctionView]
    next_cursor: str | None


class FailedRequest(Strict):
    """Why the platform could not carry a sanction out."""

    reason: Words


class PolicyRequest(Strict):
    """A policy pack, as YAML."""

    source: Annotated[str, StringConstraints(max_length=200_000)]


class PolicyView(Strict):
    """A pack; ``active`` is in force."""

    sha256: str
    id: str
    version: str
    proposed_by: str | None
    proposed_at: At | None
    activated_by: str | None
    activated_at: At | None
    active: bool


class PolicyList(Strict):
    """Every pack of the store."""

    policies: list[PolicyView]


class WebhookRequest(Strict):
    """Where events go, and which."""

    url: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[!-~]+$")]
    kinds: Annotated[list[Annotated[Kind, Field(strict=False)]], Field(min_length=1)]


class WebhookView(Strict):
    """A webhook; its secret was told once."""

    webhook_id: str
    url: str
    kinds: list[str]
    created_by: str
    created_at: At


class WebhookCreated(WebhookView):
    """``secret`` signs what is sent, and is told this once."""

    secret: str


class WebhookList(Strict):
    """Every webhook."""

    webhooks: list[WebhookView]


class DeliveryView(Strict):
    """How an event reaches a webhook."""

    event_id: str
    state: str
    attempts: int
    due_at: At
    error: str | None


class DeliveryPage(Strict):
    """Oldest first."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


class Replayed(Strict):
    """How many deliveries are tried again."""

    replayed: int


class EventView(Strict):
    """What was, or would have been, pushed."""

    event_id: str
    kind: str
    at: At
    data: dict[str, Any]


class EventPage(Strict):
    """Oldest first; ``more`` wait behind the last."""

    events: list[EventView]
    more: bool


class KeyRequest(Strict):
    """A key for oneself, of at most one's own roles."""

    roles: Annotated[list[Annotated[Role, Field(strict=False)]], Field(min_length=1)]
    expires_at: At | None = None


class KeyView(Strict):
    """A key without its secret."""

    key_id: str
    user_id: str
    roles: list[str]
    per_minute: int
    created_at: At
    expires_at: At | None
    revoked_at: At | None


class KeyCreated(Strict):
    """``secret`` is told this once."""

    key_id: str
    secret: str


class KeyList(Strict):
    """Oldest first."""

    keys: list[KeyView]
