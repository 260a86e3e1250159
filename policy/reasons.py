"""The statement of reasons that an account's owner gets, Chinese first, and its public form.

Source: Digital Services Act, article 17, and the Santa Clara Principles: what is restricted and
for how long, the words at issue, the clause, how it was found, who decided, how to appeal. A
statement that could be sent to anyone is none, so what makes it this one's must be there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np

from labels.cases import Case, ClaimStatus, Findings
from labels.errors import MingbianError
from labels.results import Step
from labels.taxonomy import Clause, taxonomy
from policy.cases import CLAUSES, many
from policy.floors import NONE
from policy.judge import judge
from policy.resolve import Policy
from policy.rule import Ruled, choose

FoundBy = Literal["own_search", "user_report"]

_STEP_ZH = {
    Step.PROMPT: "提示补充标注",
    Step.WARNING: "站内信警示",
    Step.SHORT_MUTE: "短期禁言",
    Step.LONG_MUTE: "长期禁言",
    Step.CLOSURE: "关闭账号",
}
_STEP_EN = {
    Step.PROMPT: "a prompt to add a label",
    Step.WARNING: "a warning by message",
    Step.SHORT_MUTE: "a short mute",
    Step.LONG_MUTE: "a long mute",
    Step.CLOSURE: "closure of the account",
}
_STATUS_ZH = {
    ClaimStatus.FALSE: "不实",
    ClaimStatus.MISLEADING: "误导",
    ClaimStatus.UNVERIFIED: "尚未核实",
    ClaimStatus.TRUE: "属实",
    ClaimStatus.NOT_A_CLAIM: "不涉及事实主张",
}
_FOUND_ZH = {"own_search": "平台自查", "user_report": "用户举报"}
_FOUND_EN = {"own_search": "the platform's own search", "user_report": "a user's report"}


class ReasonsError(MingbianError):
    """A decision that cannot be explained to the one it concerns must not be taken."""

    code = "reasons_incomplete"


@dataclass(frozen=True, slots=True)
class Statement:
    """Both languages say the same."""

    zh: str
    en: str


def statement(
    case: Case,
    policy: Policy,
    decided: datetime,
    found_by: FoundBy,
    step: Step | None = None,
) -> Statement:
    """Why a step was taken, for the account's owner.

    Args:
        case: with findings.
        policy: that ruled.
        decided: a moment with its zone.
        found_by: how the post came to notice.
        step: what reviewers took, if milder than the ruling.

    Raises:
        StepError: the step is harsher than what is ruled.
        ReasonsError: nothing is restricted, or the words at issue or the evidence are missing.
    """
    ruled, clauses, found = _checked(case, policy, step)
    until = (decided + timedelta(days=policy.pack.appeal.open_days)).date()
    answer = policy.pack.appeal.answer_days
    if ruled.step in (Step.LONG_MUTE, Step.CLOSURE):
        answer = policy.pack.appeal.answer_days_long_mute
    people = len(found.reviewers)
    zh = [
        f"处置：{_STEP_ZH[ruled.step]}{_length_zh(ruled)}。",
        f"涉及内容：“{found.sentence}”",
        *(f"依据：第{c.clause}条 {c.zh}。{c.definition_zh}（{c.ground_zh}）" for c in clauses),
        f"认定：{_STATUS_ZH[found.claim_status]}。证据：{'；'.join(found.evidence)}。",
        f"发现方式：{_FOUND_ZH[found_by]}；自动化模型参与发现，由{people}名审核员决定，不由机器决定。",
        f"申诉：可在{until.isoformat()}前免费提出，由未参与本决定的人员在{answer}天内答复；"
        "申诉成立的，恢复账号权益并撤销记录。",
    ]
    en = [
        f"Measure: {_STEP_EN[ruled.step]}{_length_en(ruled)}.",
        f'Words at issue: "{found.sentence}"',
        *(f"Ground: clause {c.clause}, {c.en}. {c.definition} ({c.ground})" for c in clauses),
        f"Found: the claim is {found.claim_status.replace('_', ' ')}. "
        f"Evidence: {'; '.join(found.evidence)}.",
        f"How: {_FOUND_EN[found_by]}; automated means helped to detect, {people} "
        f"{'person' if people == 1 else 'persons'} decided, no machine did.",
        f"Appeal: free, until {until.isoformat()}; someone who took no part in this decision "
        f"answers within {answer} days. If you are right, everything is restored.",
    ]
    return Statement("\n".join(zh), "\n".join(en))


def transparency_record(
    case: Case,
    policy: Policy,
    decided: datetime,
    found_by: FoundBy,
    step: Step | None = None,
) -> dict[str, Any]:
    """The fields of the EU transparency database for a decision; no personal data.

    Raises:
        ReasonsError: as in :func:`statement`, or the step restricts nothing: the database has no
            place for a bare warning.
    """
    ruled, clauses, _ = _checked(case, policy, step)
    if ruled.step not in (Step.SHORT_MUTE, Step.LONG_MUTE, Step.CLOSURE):
        raise ReasonsError(f"decision {case.decision_id!r}: a {ruled.step} restricts nothing")
    closed = ruled.step is Step.CLOSURE
    ends = None if closed else (decided + timedelta(days=ruled.days)).date().isoformat()
    names = "; ".join(f"{clause.clause} {clause.en}" for clause in clauses)
    return {
        "decision_account": f"DECISION_ACCOUNT_{'TERMINATED' if closed else 'SUSPENDED'}",
        "end_date_account_restriction": ends,
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": names,
        "incompatible_content_explanation": "; ".join(clause.definition for clause in clauses),
        "category": "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        "category_specification": ["KEYWORD_MISINFORMATION_DISINFORMATION"],
        "content_type": ["CONTENT_TYPE_TEXT"],
        "content_language": "ZH",
        "application_date": decided.astimezone(UTC).date().isoformat(),
        "decision_facts": f"Reviewers found clause {names} to hold.",
        "source_type": (
            "SOURCE_VOLUNTARY" if found_by == "own_search" else "SOURCE_TYPE_OTHER_NOTIFICATION"
        ),
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "puid": case.decision_id,
    }


def _checked(case: Case, policy: Policy, step: Step | None) -> tuple[Ruled, list[Clause], Findings]:
    ruled, found = choose(case, policy, step), case.findings
    if found is None or ruled.step is Step.NONE:
        raise ReasonsError(f"decision {case.decision_id!r}: nobody decided that anything follows")
    missing = [name for name in ("sentence", "evidence", "reviewers") if not getattr(found, name)]
    if missing:
        raise ReasonsError(
            f"decision {case.decision_id!r}: findings have no {', '.join(missing)}",
            remedy="a statement without them could be sent to anyone",
        )
    standing = judge(many([case]), policy).wanted[0] > NONE
    clauses = [taxonomy().clauses[CLAUSES[place]] for place in np.flatnonzero(standing)]
    return ruled, clauses, found


def _length_zh(ruled: Ruled) -> str:
    if not ruled.days:
        return ""
    return f"{ruled.days}天，其间及之后共暂停收益{ruled.pause_days}天"


def _length_en(ruled: Ruled) -> str:
    if not ruled.days:
        return ""
    return f" of {ruled.days} days, earnings paused for {ruled.pause_days} days"
