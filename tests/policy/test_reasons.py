"""Reasons that could be sent to anyone are none."""

import re
from datetime import UTC, datetime

import pytest

from labels.taxonomy import taxonomy
from policy.reasons import ReasonsError, statement, transparency_record
from policy.resolve import Policy
from tests.policy.conftest import make_case

AT = datetime(2026, 11, 29, 10, tzinfo=UTC)


def test_reasons_say_what_why_how_and_what_next(policy: Policy) -> None:
    """Measure, length, the words, the clause, the evidence, the people, the appeal."""
    told = statement(make_case(clauses=["2.4"]), policy, AT, "user_report")
    for part in ("短期禁言7天", "暂停收益14天", "“原句”", "第2.4条", "不实", "the page, retrieved"):
        assert part in told.zh
    for part in ("用户举报", "2名审核员", "2027-05-28", "7天内答复"):
        assert part in told.zh
    for part in ("short mute of 7 days", "clause 2.4", "2 persons decided", "2027-05-28"):
        assert part in told.en


@pytest.mark.parametrize("clause", taxonomy().clauses)
def test_each_language_is_told_in_itself(policy: Policy, clause: str) -> None:
    """No English in the Chinese statement, and nothing of how sure its authors are of a source."""
    told = statement(make_case(clauses=[clause]), policy, AT, "own_search")
    (ground,) = (line for line in told.zh.splitlines() if line.startswith("依据："))
    assert set(re.findall("[A-Za-z]+", ground)) <= {"AI"}
    assert "[S" not in told.zh + told.en
    assert taxonomy().clauses[clause].definition in told.en


def test_two_decisions_have_two_statements(policy: Policy) -> None:
    """Another clause, another sentence: other words."""
    one = statement(make_case(clauses=["2.4"]), policy, AT, "own_search").zh.splitlines()
    other = statement(make_case(clauses=["1.3"]), policy, AT, "own_search").zh.splitlines()
    assert one[2] != other[2]


@pytest.mark.parametrize("missing", ["sentence", "evidence"])
def test_boilerplate_is_refused(policy: Policy, missing: str) -> None:
    """Without the words at issue or the evidence nobody could answer it."""
    case = make_case(clauses=["2.4"], **{missing: False})
    with pytest.raises(ReasonsError, match=missing):
        statement(case, policy, AT, "own_search")


def test_nothing_restricted_needs_no_reasons(policy: Policy) -> None:
    """And gets none."""
    with pytest.raises(ReasonsError, match="nobody decided"):
        statement(make_case(clauses=[]), policy, AT, "own_search")


def test_the_public_record_has_the_databases_fields(policy: Policy) -> None:
    """A mute is a suspension with an end; a closure has none; a warning has no place there."""
    muted = transparency_record(make_case(clauses=["2.4"]), policy, AT, "own_search")
    assert muted["decision_account"] == "DECISION_ACCOUNT_SUSPENDED"
    assert muted["end_date_account_restriction"] == "2026-12-06"
    assert muted["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert "原句" not in str(muted)
    closed = make_case(clauses=["1.5"], aggravators=["safety_harm"], closure=True)
    assert transparency_record(closed, policy, AT, "own_search")["decision_account"].endswith(
        "TERMINATED"
    )
    with pytest.raises(ReasonsError, match="restricts nothing"):
        transparency_record(make_case(clauses=["2.3"]), policy, AT, "own_search")
