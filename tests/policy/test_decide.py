"""What follows from scores, and the floors that no pack removes."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.reader import AiState, LabelReading, read_labels
from labels.records import Post
from labels.results import HeadScores, Step, Suggestion
from labels.taxonomy import Category, taxonomy
from policy.decide import Decision, decide
from policy.pack import default_pack_path, load_pack
from policy.resolve import Levels, Policy

PACK = load_pack(default_pack_path()).pack
#: the ladder of the shipped pack under plain thresholds, for scores that hold as they are
POLICY = Policy(
    pack=PACK,
    levels={
        Category.IMPERSONATION: Levels(None, 0.4, 0.95),
        Category.DISTORTION: Levels(None, 0.4, 0.95),
        Category.UNLABELED_AI: Levels(0.45, 0.65, 0.95),
        Category.FALSE_SPECIALIST: Levels(None, 0.5, 0.95),
    },
    shifts=dict.fromkeys(Category, 0.0),
    machine_prompt=None,
    warnings=(),
)
UNLABELLED = LabelReading(AiState.NONE, False, (), (), None, None)
SUGGESTIONS, STEPS = tuple(Suggestion), tuple(Step)


def scores(machine_written: float | None = None, **heads: float) -> HeadScores:
    named = {name.replace("c_", "").replace("__", "."): value for name, value in heads.items()}
    return HeadScores(dict.fromkeys(taxonomy().heads, 0.01) | named, machine_written, 1.0)


def decided(
    given: HeadScores, reading: LabelReading = UNLABELLED, policy: Policy = POLICY
) -> Decision:
    return decide(given, reading, policy)


def test_low_scores_pass() -> None:
    """Nothing is proposed, nothing is required."""
    decision = decided(scores())
    assert decision.suggestion is Suggestion.PASS
    assert decision.sanction.step is Step.NONE
    assert decision.findings == ()


@pytest.mark.parametrize(
    ("given", "suggestion", "step", "days", "reviewers"),
    [
        (scores(impersonation=0.5, c_1__1=0.6), "review", "long_mute", 90, 2),
        (scores(impersonation=0.96, c_1__2=0.9), "act", "short_mute", 7, 1),
        (scores(distortion=0.5, c_2__4=0.6), "review", "short_mute", 7, 1),
        (scores(distortion=0.5, c_2__5=0.6), "review", "warning", 0, 1),
        (scores(false_specialist=0.97, c_4__3=0.9), "act", "warning", 0, 1),
        (scores(false_specialist=0.97, c_4__2=0.9), "prompt", "prompt", 0, 0),
        (scores(unlabeled_ai=0.97, c_3__1=0.9), "prompt", "prompt", 0, 0),
        (scores(unlabeled_ai=0.97, c_3__3=0.9), "act", "short_mute", 7, 1),
        (scores(unlabeled_ai=0.5, c_3__6=0.9), "prompt", "prompt", 0, 0),
    ],
)
def test_the_likeliest_clause_sets_the_step(
    given: HeadScores, suggestion: str, step: str, days: int, reviewers: int
) -> None:
    """Default severities of the taxonomy; S1 clauses only ask."""
    decision = decided(given)
    assert decision.suggestion == suggestion
    sanction = decision.sanction
    assert (sanction.step, sanction.days, sanction.reviewers) == (step, days, reviewers)


def test_thresholds_are_inclusive() -> None:
    """Both sides of the boundary."""
    assert decided(scores(distortion=0.4, c_2__4=0.6)).suggestion is Suggestion.REVIEW
    assert decided(scores(distortion=0.4 - 1e-6, c_2__4=0.6)).suggestion is Suggestion.PASS


def test_a_step_requires_findings_of_people() -> None:
    """Claim status, account evidence, the clause's evidence, a hearing before a long mute."""
    requires = decided(scores(impersonation=0.5, c_1__1=0.6)).sanction.requires
    assert requires == (
        "claim_status=false|misleading",
        "account_evidence",
        "evidence=1.1",
        "hearing_offered",
    )
    assert "intent" in decided(scores(unlabeled_ai=0.97, c_3__6=0.9)).sanction.requires


def test_a_second_likely_clause_is_named() -> None:
    """A post may break several clauses of a category."""
    decision = decided(scores(false_specialist=0.97, c_4__6=0.9, c_4__1=0.6, c_4__3=0.4))
    assert [finding.clause for finding in decision.findings] == ["4.6", "4.1"]


def test_a_protected_class_never_passes_review() -> None:
    """And nothing beyond a prompt without the exact false sentence."""
    given = scores(distortion=0.99, c_2__4=0.9, policy_criticism=0.8)
    decision = decided(given)
    assert decision.suggestion is Suggestion.REVIEW
    assert "exact_false_sentence" in decision.sanction.requires
    assert "protected=policy_criticism" in decision.sanction.because


def test_protected_speech_is_not_asked_for_proof() -> None:
    """A score below review prompts others; labels are asked for all the same."""
    asking = replace(POLICY, levels=dict.fromkeys(Category, Levels(0.2, 0.5, 0.95)))
    for raised, plain, protected in (
        (scores(distortion=0.3, c_2__4=0.9), "prompt", "pass"),
        (scores(false_specialist=0.97, c_4__2=0.9), "prompt", "pass"),
        (scores(distortion=0.6, c_2__4=0.9), "review", "review"),
        (scores(unlabeled_ai=0.3, c_3__1=0.9), "prompt", "prompt"),
    ):
        satire = HeadScores({**raised.heads, "satire_or_hyperbole": 0.9}, None, 1.0)
        assert decided(raised, policy=asking).suggestion == plain
        assert decided(satire, policy=asking).suggestion == protected


def test_labelled_ai_and_fiction_miss_no_label(post: Callable[..., Post]) -> None:
    """Declared or written, a label answers the clause that misses it, and no other."""
    missing_ai = scores(unlabeled_ai=0.9, c_3__4=0.9)
    missing_fiction = scores(unlabeled_ai=0.9, c_3__5=0.9)
    assert decided(missing_ai).suggestion is Suggestion.PROMPT
    for fields in ({"declared": {"ai_generated": True}}, {"text": "含有AI生成内容｜雨夜"}):
        assert decided(missing_ai, read_labels(post(**fields))).suggestion is Suggestion.PASS
    fiction = read_labels(post(text="含有虚构演绎内容｜第3集"))
    assert decided(missing_fiction, fiction).suggestion is Suggestion.PASS
    assert decided(missing_ai, fiction).suggestion is Suggestion.PROMPT
    hidden = scores(unlabeled_ai=0.9, c_3__4=0.8, c_3__6=0.9)
    labelled = read_labels(post(declared={"ai_generated": True}))
    assert [f.clause for f in decided(hidden, labelled).findings] == ["3.6"]


def test_metadata_without_a_label_asks_for_one(post: Callable[..., Post]) -> None:
    """Label "1" in the file and 'no label needed': clause 3.4, by rule and not by score."""
    metadata = {"AIGC": {"Label": "1", "ContentProducer": "c", "ProduceID": "p"}}
    chosen = post(metadata=metadata, declared={"no_label_needed": True})
    decision = decided(scores(), read_labels(chosen))
    assert decision.suggestion is Suggestion.PROMPT
    assert [(f.clause, f.threshold) for f in decision.findings] == [("3.4", None)]
    scored = decided(scores(unlabeled_ai=0.9, c_3__4=0.9), read_labels(chosen))
    assert [f.clause for f in scored.findings] == ["3.4"]
    declared = post(metadata=metadata, declared={"ai_generated": True})
    assert decided(scores(), read_labels(declared)).suggestion is Suggestion.PASS


def test_machine_written_alone_never_passes_prompt(post: Callable[..., Post]) -> None:
    """Off by default; on, it asks, unless a label is there."""
    asked = replace(POLICY, machine_prompt=0.9)
    given = scores(machine_written=1.0)
    assert decided(given).suggestion is Suggestion.PASS
    decision = decided(given, policy=asked)
    assert (decision.suggestion, decision.sanction.step) == (Suggestion.PROMPT, Step.PROMPT)
    labelled = read_labels(post(declared={"ai_generated": True}))
    assert decided(given, labelled, asked).suggestion is Suggestion.PASS


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ({}, ()),
        ({"text": "AI辅助创作｜雨"}, ("ai_label_undeclared", "ai_label_weak_wording")),
        ({"text": "内容由AI生成", "declared": {"ai_generated": True}}, ()),
        ({"metadata": {"AIGC": "?"}}, ("ai_metadata_malformed",)),
    ],
)
def test_label_advice_is_a_warning(
    post: Callable[..., Post], fields: dict[str, object], warnings: tuple[str, ...]
) -> None:
    """A label that could be better is not a suspicion."""
    decision = decided(scores(), read_labels(post(**fields)))
    assert decision.warnings == warnings
    assert decision.suggestion is Suggestion.PASS


def test_a_head_without_a_score_is_an_error() -> None:
    """Silence would read as 'nothing wrong'."""
    given = scores()
    heads = {head: p for head, p in given.heads.items() if head != "1.1"}
    with pytest.raises(KeyError):
        decide(HeadScores(heads, None, 1.0), UNLABELLED, POLICY)


HEADS = st.fixed_dictionaries({head: st.floats(0, 1) for head in taxonomy().heads})


@given(HEADS, st.sampled_from(["impersonation", "distortion", "false_specialist"]))
def test_a_higher_category_score_is_never_milder(heads: dict[str, float], category: str) -> None:
    """Monotone in the score of a category."""
    low = decided(HeadScores(heads, None, 1.0))
    high = decided(HeadScores(heads | {category: 1.0}, None, 1.0))
    assert SUGGESTIONS.index(high.suggestion) >= SUGGESTIONS.index(low.suggestion)
    assert STEPS.index(high.sanction.step) >= STEPS.index(low.sanction.step)


@given(HEADS, st.none() | st.floats(0, 1))
def test_floors_hold_for_any_scores(heads: dict[str, float], machine: float | None) -> None:
    """People for every step above prompt, two for a long mute, no closure, category 3 capped."""
    decision = decided(HeadScores(heads, machine, 1.0))
    sanction = decision.sanction
    assert sanction.step is not Step.CLOSURE
    if STEPS.index(sanction.step) > STEPS.index(Step.PROMPT):
        assert sanction.reviewers >= (2 if sanction.step is Step.LONG_MUTE else 1)
        assert sanction.requires
    clauses = {finding.clause for finding in decision.findings}
    if clauses and all(clause.startswith("3.") for clause in clauses):
        cap = Step.SHORT_MUTE if clauses & {"3.3", "3.6"} else Step.WARNING
        assert STEPS.index(sanction.step) <= STEPS.index(cap)
    if decision.protected:
        assert decision.suggestion is not Suggestion.ACT
    assert (decision.suggestion is Suggestion.PASS) == (sanction.step is Step.NONE)
