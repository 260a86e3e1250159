"""Model and policy behind one call: raw items in, results out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from classifiers.explain import spans
from classifiers.scorer import Scorer
from labels.cases import LabelFacts
from labels.reader import read_labels
from labels.records import Post, PostError, parse_post
from labels.results import (
    AiOrigin,
    CheckedPost,
    Explanation,
    Finding,
    HeadScores,
    ItemError,
    PostResult,
    PrecheckResult,
    RejectedPost,
    ScoredPost,
)
from labels.taxonomy import taxonomy
from policy.decide import decide, label_facts
from policy.pack import LoadedPack
from policy.precheck import precheck
from policy.resolve import Policy, resolve
from serving.shadow import Shadow

#: spans an explanation names at most
MAX_SPANS = 3

_Answer = TypeVar("_Answer")
#: an item as it came: JSON text of one post, or why there is none
Item = str | bytes | PostError


@dataclass(frozen=True, slots=True)
class Active:
    """A pack, and what it means for the model that scores."""

    loaded: LoadedPack
    policy: Policy


@dataclass(frozen=True, slots=True)
class Judged:
    """A post with its result, and what a policy would rule on."""

    post: Post
    result: ScoredPost
    scores: HeadScores
    labels: LabelFacts


class Engine:
    """Scores posts with one model under one policy pack; safe to share between threads."""

    def __init__(
        self, scorer: Scorer, policy: LoadedPack, candidate: LoadedPack | None = None
    ) -> None:
        """Join a loaded model and a loaded pack; a candidate pack runs beside it without effect."""
        self._scorer = scorer
        self.shadow = (
            Shadow(candidate, resolve(candidate.pack, scorer.operating)) if candidate else None
        )
        self.use(policy)

    def use(self, loaded: LoadedPack) -> None:
        """Go on under another pack; what is being scored ends under the one it began with."""
        self._active = Active(loaded, resolve(loaded.pack, self._scorer.operating))

    @property
    def active(self) -> Active:
        """The pack in force."""
        return self._active

    @property
    def warnings(self) -> tuple[str, ...]:
        """Levels that the pack asks for and no threshold of the model reaches."""
        return self._active.policy.warnings

    @property
    def versions(self) -> dict[str, dict[str, str]]:
        """What every result records: model and policy."""
        return {
            "model": self._scorer.version.model_dump(),
            "policy": self._active.loaded.version.model_dump(),
        }

    def score(self, items: Sequence[Item], *, explain: bool = False) -> list[PostResult]:
        """One result an item, in order; an item that is no post is answered with 422.

        Args:
            items: any number.
            explain: also say which words carry each label. A post with labels is then read
                some thirty times more.

        Raises:
            ScoringError: the model failed; no partial result is returned.
        """
        found = self.judge(items, explain=explain)
        return [each.result if isinstance(each, Judged) else each for each in found]

    def judge(self, items: Sequence[Item], *, explain: bool = False) -> list[Judged | RejectedPost]:
        """As :meth:`score`, with what led to each result; raises ``ScoringError``."""
        return self._each(items, partial(self._judged, active=self._active, explain=explain))

    def precheck(self, items: Sequence[Item]) -> list[PrecheckResult]:
        """What each post still lacks before it is published, in order; raises ``ScoringError``."""
        return self._each(items, partial(self._checked, active=self._active))

    def explain(self, post: Post, findings: Sequence[Finding]) -> tuple[Explanation, ...]:
        """One a label, in order; a category's spans stand by each of its clauses.

        The post is read some thirty times. Raises ``ScoringError``.
        """
        categories = list(dict.fromkeys(finding.category for finding in findings))
        found = spans(self._scorer, post, categories, MAX_SPANS) if categories else {}
        return tuple(
            Explanation(
                category=finding.category,
                clause=finding.clause,
                spans=tuple(found[finding.category]),
                evidence_needed_zh=taxonomy().clauses[finding.clause].evidence_needed_zh,
                evidence_needed=taxonomy().clauses[finding.clause].evidence_needed,
            )
            for finding in findings
        )

    def _each(
        self, items: Sequence[Item], answer: Callable[[Post, HeadScores], _Answer]
    ) -> list[_Answer | RejectedPost]:
        """An answer to each post with its scores, a rejection of what is none."""
        found = [parsed(item) for item in items]
        posts = [post for post in found if isinstance(post, Post)]
        scores = iter(self._scorer.score(posts))
        return [
            answer(post, next(scores)) if isinstance(post, Post) else _rejection(post)
            for post in found
        ]

    def _checked(self, post: Post, scores: HeadScores, *, active: Active) -> CheckedPost:
        return CheckedPost(
            data_id=post.data_id,
            prompts=precheck(post, scores, read_labels(post), active.policy),
            model=self._scorer.version,
            policy=active.loaded.version,
        )

    def _judged(self, post: Post, scores: HeadScores, *, active: Active, explain: bool) -> Judged:
        reading = read_labels(post)
        decision = decide(scores, reading, active.policy)
        if self.shadow:
            self.shadow.see(scores, reading, decision)
        result = ScoredPost(
            data_id=post.data_id,
            suggestion=decision.suggestion,
            risk_level=decision.risk_level,
            scores=decision.scores,
            labels=decision.findings,
            protected=decision.protected,
            ai=AiOrigin(
                state=reading.state,
                malformed=reading.malformed,
                machine_written=scores.machine_written,
                abstained=scores.machine_written is None,
            ),
            proposed_sanction=decision.sanction,
            text_coverage=scores.text_coverage,
            warnings=(*input_warnings(post), *decision.warnings),
            model=self._scorer.version,
            policy=active.loaded.version,
            explanations=self.explain(post, decision.findings) if explain else None,
            callback=post.callback,
        )
        return Judged(post, result, scores, label_facts(reading))


def parsed(item: Item) -> Post | PostError:
    """The post of an item, or why there is none."""
    if isinstance(item, PostError):
        return item
    try:
        return parse_post(item)
    except PostError as error:
        return error


def _rejection(error: PostError) -> RejectedPost:
    told = ItemError(code=error.code, pointer=error.pointer, detail=error.detail)
    return RejectedPost(data_id=error.data_id, error=told)


def input_warnings(post: Post) -> list[str]:
    """What the model had to do without; an absent field is not evidence."""
    absent = [name for name in ("author", "declared") if getattr(post, name) is None]
    return [f"{name}_absent" for name in absent]
