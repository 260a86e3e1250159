"""Packs are compared, decisions explain themselves, and a backtest says who would move."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labels.cases import Case
from labels.decisions import Decision
from labels.results import Step
from policy.backtest import compare, report
from policy.pack import default_pack_path, load_pack
from policy.reasons import statement
from policy.replay import ReplayError, decision, replay
from policy.resolve import Policy
from policy.rule import StepError, rule
from tests.conftest import Run
from tests.policy.conftest import make_case

AT = datetime(2026, 11, 29, tzinfo=UTC)
Edit = Callable[[str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """The shipped pack with one text replaced, beside it."""

    def edit(old: str, new: str) -> Path:
        text = default_pack_path().read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "edited.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return edit


def test_a_decision_replays_to_the_same_result(policy: Policy) -> None:
    """From what is kept alone, and through JSON."""
    loaded = load_pack(default_pack_path())
    kept = decision(make_case(clauses=["2.4"]), loaded, policy, AT)
    again = Decision.model_validate_json(kept.model_dump_json())
    assert again == kept
    assert replay(again, loaded) == rule(kept.case, policy)


def test_reviewers_may_take_a_milder_step_and_no_harsher_one(policy: Policy) -> None:
    """With the days of that step; kept, replayed, and stated as what was taken."""
    loaded = load_pack(default_pack_path())
    case = make_case(clauses=["2.4"])
    kept = decision(case, loaded, policy, AT, Step.WARNING)
    assert (kept.step, kept.days) == (Step.WARNING, 0)
    assert kept.trace[-1] == "chosen=warning days=0"
    assert replay(kept, loaded).step is Step.WARNING
    assert "站内信警示" in statement(case, policy, AT, "own_search", Step.WARNING).zh
    with pytest.raises(StepError, match="above short_mute"):
        decision(case, loaded, policy, AT, Step.LONG_MUTE)


def test_an_altered_decision_or_another_pack_is_told(policy: Policy, edited: Edit) -> None:
    """A record that was tampered with does not replay."""
    loaded = load_pack(default_pack_path())
    kept = decision(make_case(clauses=["2.4"]), loaded, policy, AT)
    with pytest.raises(ReplayError, match="replayed it is short_mute"):
        replay(kept.model_copy(update={"days": 30}), loaded)
    with pytest.raises(ReplayError, match="name that pack"):
        replay(kept, load_pack(edited("short: [7, 15, 30]", "short: [3, 15, 30]")))


def cases() -> list[Case]:
    """Three decisions: a short mute that was overturned, a warning, a prompt."""
    return [
        make_case("d1", clauses=["2.4"]).model_copy(
            update={"overturned": True, "account_type": "media"}
        ),
        make_case("d2", clauses=["2.3"]),
        make_case("d3", clauses=["3.1"]),
    ]


def test_a_backtest_counts_who_moves(policy: Policy) -> None:
    """By step, category and account type, with examples, and what appeals had undone."""
    clauses = dict(policy.pack.clauses)
    clauses["2.4"] = clauses["2.4"].model_copy(update={"severity": "S2"})
    pack = policy.pack.model_copy(update={"clauses": clauses})
    new = Policy(pack, policy.levels, policy.shifts, None, ())
    one, rest = cases()[:1], cases()[1:]
    found = report(compare(one, policy, new) + compare(rest, policy, new))
    assert (found["cases"], found["moved"], found["milder"], found["harsher"]) == (3, 1, 1, 0)
    moved = [move for move in found["moves"] if move["old"] != move["new"]]
    assert moved == [{"old": "short_mute", "new": "warning", "cases": 1, "examples": ["d1"]}]
    assert found["by_category"]["distortion"] == {"cases": 2, "harsher": 0, "milder": 1}
    assert found["by_account_type"]["media"]["milder"] == 1
    assert found["overturned_repeated"] == {"old": {"short_mute": 1}, "new": {"warning": 1}}


def test_the_commands(tmp_path: Path, call: Run, edited: Edit) -> None:
    """check, show, diff, rule, explain and backtest, one after the other."""
    new = edited('"2.4": {severity: S3', '"2.4": {severity: S2')
    lines = [case.model_dump_json() for case in cases()]
    (tmp_path / "cases.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "cn-zimeiti" in call("policy", "check").stdout
    old = str(default_pack_path())
    shown = call("policy", "diff", old, str(new)).stdout.splitlines()
    assert "-    severity: S3" in shown
    assert "+    severity: S2" in shown
    assert len([line for line in shown if line.startswith(("-", "+"))]) == 6
    assert call("policy", "rule", "cases.jsonl", "-o", "decisions.jsonl").returncode == 0
    told = call("policy", "explain", "decisions.jsonl")
    assert told.returncode == 0, told.stderr
    assert "step=short_mute days=7" in told.stdout
    given = call("policy", "reasons", "decisions.jsonl")
    assert given.returncode == 0, given.stderr
    assert "短期禁言7天" in json.loads(given.stdout.splitlines()[0])["zh"]
    bare = call("policy", "reasons", "decisions.jsonl", "--transparency")
    assert bare.returncode == 2  # a warning restricts nothing
    assert json.loads(bare.stdout.splitlines()[0])["decision_account"].endswith("SUSPENDED")
    counted = call("policy", "campaign", "decisions.jsonl")
    assert counted.returncode == 0, counted.stderr
    assert "2025-07-24" in counted.stdout
    asked = ["--old", old, "--new", str(new), "--decisions", "cases.jsonl", "--out", "out"]
    done = call("policy", "backtest", *asked, "--rescored", "cases.jsonl")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (found["cases"], found["milder"]) == (3, 1)
    assert "<path" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_released_version_never_changes(call: Run, edited: Edit) -> None:
    """Other content needs another version, which a draft may have."""
    changed = edited("short: [7, 15, 30]", "short: [3, 15, 30]")
    version = load_pack(default_pack_path()).pack.version
    refused = call("policy", "check", str(changed))
    assert refused.returncode == 2
    assert "was released with another content" in refused.stderr
    text = changed.read_text(encoding="utf-8").replace(version, "draft")
    changed.write_text(text, encoding="utf-8")
    assert call("policy", "check", str(changed)).returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "arguments", "told"),
    [
        ("bad.yaml", "id: x\n", ["policy", "check", "bad.yaml"], "bad.yaml:1: version"),
        ("c.jsonl", "{}\n", ["policy", "rule", "c.jsonl"], "c.jsonl:1: no case"),
        ("d.jsonl", "{}\n", ["policy", "explain", "d.jsonl"], "d.jsonl:1: no decision"),
    ],
)
def test_what_cannot_be_read_is_told_by_line(
    tmp_path: Path, call: Run, name: str, text: str, arguments: list[str], told: str
) -> None:
    """Exit 2, file and line."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    done = call(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
