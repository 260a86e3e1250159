"""A worse candidate is stopped, an equal one is not; what failed is told with examples."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from classifiers.bundle import default_model_folder, read_bundle
from labels.dataset import load_corpus, posts, unseen_writers_folder
from labels.errors import MingbianError
from labels.release import GATES, Gate, GateReport
from labels.results import ProposedSanction, RiskLevel, Step, Suggestion
from labels.yamlfile import read_yaml
from mingbian import cli
from policy.decide import Decision
from training.gates.checks import Cost, Side, gates
from training.gates.config import GatesConfig
from training.gates.ranking import Difference, differences, worse
from training.lessons import HEADS, Lessons, known_labels
from training.release.rows import ScoredRows
from training.release.scored import Scored

_TO_REVIEW = Decision(
    scores={},
    suggestion=Suggestion.REVIEW,
    risk_level=RiskLevel.MEDIUM,
    findings=(),
    protected=(),
    sanction=ProposedSanction(step=Step.NONE, days=0, reviewers=0, requires=(), because=()),
    warnings=(),
)
LIMITS = Path(__file__).parents[2] / "configs" / "release.yaml"


@pytest.fixture(scope="module")
def limits() -> GatesConfig:
    """As they ride in the repository."""
    return read_yaml(LIMITS, GatesConfig)


@pytest.fixture(scope="module")
def rows() -> Lessons:
    """Posts by unseen writers."""
    found = posts(load_corpus(unseen_writers_folder()))
    names = [post.data_id for post in found]
    return Lessons(found, known_labels(found), names, names, names, np.ones(len(found)), ())


def scored(rows: Lessons, *, noise: float, seed: int = 1) -> Scored:
    """Scores that rank as well as the noise lets them."""
    rng = np.random.default_rng(seed)
    scores = np.nan_to_num(rows.labels) + rng.normal(0, noise, rows.labels.shape)
    nothing = np.zeros(len(rows.posts), dtype=bool)
    return Scored(rows, scores, None, (_TO_REVIEW,) * len(rows.posts), nothing)


def frozen(rows: Lessons, **how: Any) -> ScoredRows:
    both = scored(rows, **how)
    return ScoredRows(both, both, None)


def test_a_fall_beyond_chance_is_found_and_no_other(rows: Lessons) -> None:
    """Equal scores are never worse; a little noise of another seed is not; much is."""
    champion = {"s": scored(rows, noise=0.5)}
    assert not worse(differences(champion, champion, 50), 0.05)
    assert not worse(differences(champion, {"s": scored(rows, noise=0.5, seed=9)}, 50), 0.05)
    fallen = worse(differences(champion, {"s": scored(rows, noise=2)}, 50), 0.05)
    assert {each.head for each in fallen} >= {"unlabeled_ai", "false_specialist"}
    assert all(each.after < each.before for each in fallen)


def test_heads_with_few_positives_are_not_judged(rows: Lessons) -> None:
    """What chance moves so far is no reason to stop a release."""
    same = {"s": scored(rows, noise=0.5)}
    counts = dict(zip(HEADS, np.nansum(rows.labels, axis=0), strict=True))
    assert {each.head for each in differences(same, same, 50)} == {
        head for head, count in counts.items() if count >= 50
    }


def test_holm_stops_at_the_first_that_is_not_significant() -> None:
    """Holm 1979: the k-th smallest of m is held against alpha / (m - k + 1)."""

    def fall(p: float) -> Difference:
        return Difference("s", "h", 0.9, 0.8, p)

    assert [each.p for each in worse([fall(0.04), fall(0.01), fall(0.02)], 0.05)] == [
        0.01, 0.02, 0.04,
    ]  # fmt: skip
    assert [each.p for each in worse([fall(0.04), fall(0.01), fall(0.03)], 0.05)] == [0.01]
    assert worse([fall(0.02), fall(0.03), fall(0.04)], 0.05) == []


def report(**changes: Any) -> dict[str, Any]:
    """A release report in which nothing is wrong."""
    shares = {"rows": 100, "pass": 0.97, "prompt": 0.01, "review": 0.02, "act": 0.0}
    return {
        "by_protected_class": {"satire_or_hyperbole": shares},
        "by_genre": {"news": shares},
        "calibration": {"distortion": {"expected_error": 0.01}},
        "attacks": {"homophone": 0.9},
        **changes,
    }


def side(rows: Lessons, **changes: Any) -> Side:
    suite = {"functionalities": [{"id": "F1", "failed": ["a"]}, {"id": "F2", "failed": []}]}
    lost = {"distortion": 0.004}
    like = Side(HEADS, frozen(rows, noise=0.5), lost, suite, ("pass",) * 20)
    return replace(like, **changes)


def judged(limits: GatesConfig, rows: Lessons, candidate: Side, **changes: Any) -> dict[str, Gate]:
    past = [f"post-{n}" for n in range(20)]
    cost = Cost(changes.pop("size_mb", 39.0), changes.pop("slowdown", 1.2))
    found = gates(side(rows), candidate, report(**changes), cost, past, limits)
    return {gate.name: gate for gate in found}


def test_an_equal_candidate_passes_every_gate(limits: GatesConfig, rows: Lessons) -> None:
    """Twelve gates, all open."""
    found = judged(limits, rows, side(rows))
    assert len(found) == 12
    assert all(gate.passed for gate in found.values())


def test_every_gate_stops_what_it_is_for(limits: GatesConfig, rows: Lessons) -> None:
    """One fault at a time closes that gate and no other, and says what it saw."""
    few = rows.at(range(0, len(rows.posts), 6))
    many = {"functionalities": [{"id": "F1", "failed": []}, {"id": "F2", "failed": ["x", "y"]}]}
    flagged = {"rows": 10, "pass": 0.5, "prompt": 0.0, "review": 0.5, "act": 0.0}
    faults: dict[str, tuple[Side, dict[str, Any]]] = {
        "heads": (side(few, heads=HEADS[:-1]), {}),
        "functionalities of MisinfoCheck-zh": (side(few, suite=many), {}),
        "false flags, protected classes": (
            side(few),
            {"by_protected_class": {"satire_or_hyperbole": flagged}},
        ),
        "false flags, genres": (side(few), {"by_genre": {"news": flagged}}),
        "calibration error": (side(few), {"calibration": {"distortion": {"expected_error": 0.2}}}),
        "flags kept under disguise": (side(few), {"attacks": {"homophone": 0.5}}),
        "size": (side(few), {"size_mb": 41.0}),
        "time a post": (side(few), {"slowdown": 1.3}),
        "past decisions": (side(few, past=("review",) * 3 + ("pass",) * 17), {}),
    }
    for name, (candidate, changes) in faults.items():
        found = judged(limits, few, candidate, **changes)
        failed = [gate for gate in found.values() if not gate.passed]
        expected = [name] if not name.startswith("func") else ["MisinfoCheck-zh", name]
        assert [gate.name for gate in failed] == expected
        assert all(any(character.isdigit() for character in gate.found) for gate in failed)
    told = judged(limits, few, side(few, past=("review",) * 3 + ("pass",) * 17))
    assert told["past decisions"].examples[0] == "post-0: pass before, review after"


def test_a_candidate_that_ranks_worse_is_stopped(limits: GatesConfig, rows: Lessons) -> None:
    """With each head and split that fell, before and after."""
    found = judged(limits, rows, side(rows, frozen=frozen(rows, noise=2)))
    failed = [gate for gate in found.values() if not gate.passed]
    assert [gate.name for gate in failed] == ["average precision"]
    assert any(example.startswith("false_specialist, held-out") for example in failed[0].examples)


def test_what_eight_bits_cost_a_head_is_judged_where_it_can_be(
    limits: GatesConfig, rows: Lessons
) -> None:
    """A head of few positives moves further when two rows swap places."""
    known = int(np.nansum(rows.labels_of(["distortion"])))
    candidate = side(rows, export_loss={"distortion": 0.0053, "unlabeled_ai": 0.0049})
    for least, passes in ((known, False), (known + 1, True)):
        found = judged(limits.model_copy(update={"min_positives": least}), rows, candidate)
        gate = found["export to 8 bits"]
        assert gate.passed == passes
        assert gate.examples == (() if passes else ("distortion: 0.0053",))


def test_an_excepted_class_may_be_flagged_more_often(limits: GatesConfig, rows: Lessons) -> None:
    """The ceiling of victims' own accounts is higher, and only theirs."""
    shares = {"rows": 10, "pass": 0.88, "prompt": 0.0, "review": 0.12, "act": 0.0}
    excepted = {"by_protected_class": {"victim_or_party_own_account": shares}}
    name = "false flags, protected classes"
    assert judged(limits, rows, side(rows), **excepted)[name].passed
    other = {"by_protected_class": {"good_faith_question": shares}}
    closed = judged(limits, rows, side(rows), **other)[name]
    assert not closed.passed
    asked = {p.data_id for p in rows.posts if "good_faith_question" in getattr(p, "protected", ())}
    assert closed.examples
    assert set(closed.examples) <= asked


def override(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["gates", "override", str(folder), *arguments])
    if result.exception and not isinstance(result.exception, (MingbianError, SystemExit)):
        raise result.exception
    return result


def test_two_people_override_a_failed_gate_with_a_reason(tmp_path: Path) -> None:
    """One name, no failed gate or another model's report do not; what they said is kept."""
    folder = tmp_path / "candidate"
    folder.symlink_to(default_model_folder())
    candidate = tmp_path / "copy"
    candidate.mkdir()
    for path in folder.iterdir():
        (candidate / path.name).symlink_to(path.resolve())
    version = read_bundle(candidate).version
    closed = Gate(name="size", passed=False, found="41 MB", allowed="40 MB")
    kept = GateReport(
        model=version, champion=version, at=datetime(2026, 11, 1, tzinfo=UTC), gates=(closed,)
    )
    (candidate / GATES).write_text(kept.model_dump_json(), encoding="utf-8")
    said = ["--reason", "比上一版小，只多一兆", "--by", "amy", "--by"]
    assert not kept.may_release
    assert isinstance(override(candidate, *said, "amy").exception, MingbianError)
    assert override(candidate, *said, "ben").exit_code == 0
    after = GateReport.model_validate_json((candidate / GATES).read_bytes())
    assert after.may_release
    assert after.override
    assert after.override.by == ("amy", "ben")
    assert after.failed == (closed,)

    opened = kept.model_copy(update={"gates": (closed.model_copy(update={"passed": True}),)})
    (candidate / GATES).write_text(opened.model_dump_json(), encoding="utf-8")
    assert "no gate failed" in str(override(candidate, *said, "ben").exception)
    raw = json.loads(kept.model_dump_json())
    raw["model"]["sha256"] = "0" * 64
    (candidate / GATES).write_text(json.dumps(raw), encoding="utf-8")
    assert "of another model" in str(override(candidate, *said, "ben").exception)
    (candidate / GATES).unlink()
    assert "no gates were run" in str(override(candidate, *said, "ben").exception)
