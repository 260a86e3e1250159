"""Model and policy behind one call: raw items in, results out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
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
from serving.lineup import Active, Lineup, Seat
from serving.shadow import ModelShadow, PackShadow

#: spans an explanation names at most
MAX_SPANS = 3

_Answer = TypeVar("_Answer")
#: an item as it came: JSON text of one post, or why there is none
Item = str | bytes | PostError


@dataclass(frozen=True, slots=True)
class Judged:
    """A post with its result, and what a policy would rule on."""

    post: Post
    result: ScoredPost
    scores: HeadScores
    labels: LabelFacts


class Engine:
    """Scores posts with the models in force under one policy pack; safe to share between threads.

    Models and pack change by one assignment: what is being scored ends under those it began with.
    """

    def __init__(
        self, scorer: Scorer, policy: LoadedPack, candidate: LoadedPack | None = None
    ) -> None:
        """Join a loaded model and a loaded pack; a candidate pack runs beside it without effect."""
        self.pack_shadow = PackShadow(candidate) if candidate else None
        self._changing = Lock()
        self._take(Lineup(Seat.of(scorer, policy)))

    def use(self, loaded: LoadedPack) -> None:
        """Go on under another pack."""
        with self._changing:
            self._take(self._lineup.under(loaded))

    def line_up(
        self, champion: Scorer, canary: Scorer | None, share: float, shadow: Scorer | None
    ) -> None:
        """Go on with other models, which are loaded; ``share`` of the accounts is the canary's."""
        with self._changing:
            loaded = self.active.loaded
            lineup = Lineup(
                champion=Seat.of(champion, loaded),
                canary=Seat.of(canary, loaded) if canary else None,
                share=share,
                shadow=Seat.of(shadow, loaded) if shadow else None,
            )
            self._take(lineup)

    def _take(self, lineup: Lineup) -> None:
        shadow = ModelShadow(lineup.champion, lineup.shadow) if lineup.shadow else None
        self._lineup, self.model_shadow = lineup, shadow

    @property
    def lineup(self) -> Lineup:
        """The models in force."""
        return self._lineup

    @property
    def active(self) -> Active:
        """The pack in force, with its thresholds for the champion."""
        return self._lineup.champion.active

    @property
    def warnings(self) -> tuple[str, ...]:
        """Levels that the pack asks for and no threshold of the champion reaches."""
        return self.active.policy.warnings

    @property
    def versions(self) -> dict[str, dict[str, str]]:
        """What a result records: champion and policy."""
        champion = self._lineup.champion
        return {
            "model": champion.version.model_dump(),
            "policy": champion.active.loaded.version.model_dump(),
        }

    def look_on(self, found: Sequence["Judged | RejectedPost"]) -> None:
        """Let a candidate model see what was answered; called once the answer is sent."""
        if shadow := self.model_shadow:
            for each in found:
                if isinstance(each, Judged):
                    shadow.see(each.post, each.result)

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
        return self._each(items, partial(self._judged, explain=explain))

    def precheck(self, items: Sequence[Item]) -> list[PrecheckResult]:
        """What each post still lacks before it is published, in order; raises ``ScoringError``."""
        return self._each(items, _checked)

    def explain(self, post: Post, findings: Sequence[Finding]) -> tuple[Explanation, ...]:
        """Which words carry the champion's labels; raises ``ScoringError``.

        The post is read some thirty times, beside which others are answered.
        """
        return _explanations(self._lineup.champion.scorer, post, findings, in_turn=True)

    def _each(
        self, items: Sequence[Item], answer: Callable[[Post, Seat, HeadScores], _Answer]
    ) -> list[_Answer | RejectedPost]:
        """An answer to each post with its scores, a rejection of what is none."""
        found = [parsed(item) for item in items]
        posts = [post for post in found if isinstance(post, Post)]
        scored = self._lineup.score(posts)
        return [
            answer(post, *next(scored)) if isinstance(post, Post) else _rejection(post)
            for post in found
        ]

    def _judged(self, post: Post, seat: Seat, scores: HeadScores, *, explain: bool) -> Judged:
        reading = read_labels(post)
        decision = decide(scores, reading, seat.active.policy)
        if self.pack_shadow:
            self.pack_shadow.see(seat.scorer, scores, reading, decision)
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
            stage=scores.stage,
            warnings=(*input_warnings(post), *decision.warnings),
            model=seat.version,
            policy=seat.active.loaded.version,
            explanations=_explanations(seat.scorer, post, decision.findings) if explain else None,
            callback=post.callback,
        )
        return Judged(post, result, scores, label_facts(reading))


def _checked(post: Post, seat: Seat, scores: HeadScores) -> CheckedPost:
    return CheckedPost(
        data_id=post.data_id,
        prompts=precheck(post, scores, read_labels(post), seat.active.policy),
        model=seat.version,
        policy=seat.active.loaded.version,
    )


def _explanations(
    scorer: Scorer, post: Post, findings: Sequence[Finding], *, in_turn: bool = False
) -> tuple[Explanation, ...]:
    """One a label, in order; a category's spans stand by each of its clauses."""
    categories = list(dict.fromkeys(finding.category for finding in findings))
    found = spans(scorer, post, categories, MAX_SPANS, in_turn=in_turn) if categories else {}
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
