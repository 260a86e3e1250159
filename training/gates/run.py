"""Measures champion and candidate on the same rows and writes what the gates say."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from classifiers.bundle import Bundle
from classifiers.scorer import Scorer
from labels.errors import ModelError
from labels.records import Post
from labels.release import GATES, GateReport
from labels.suite import load_suite, suite_folder
from policy.pack import LoadedPack
from policy.resolve import resolve
from training.gates.checks import Cost, Side, gates
from training.gates.config import GatesConfig
from training.label_lessons import data_sets
from training.release.report import release_report
from training.release.rows import ScoredRows, Unlearned, unlearned
from training.release.scored import Model, suggestions
from training.suite import suite_report

_MEGABYTE = 1e6
#: posts that both models are timed on, and how many of them at a time
_TIMED_POSTS, _TIMED_TOGETHER = 400, 20


@dataclass(frozen=True, slots=True)
class Measuring:
    """What both models are measured with: a policy pack, the corpus, public sets, past posts."""

    pack: LoadedPack
    corpus: Path
    data: Path | None
    past: Sequence[Post]


def run_gates(
    champion: Bundle, candidate: Bundle, config: GatesConfig, measuring: Measuring
) -> tuple[GateReport, dict[str, Any]]:
    """The gates, and the candidate's release report.

    Raises:
        ModelError: the two did not hold the same rows out.
        ScoringError: a model failed.
    """
    _check_same_rows(champion, candidate)
    rows = unlearned(champion.manifest, measuring.corpus, measuring.data)
    old, before = _side(champion, rows, measuring)
    new, model = _side(candidate, rows, measuring)
    report = release_report(model, rows, new.frozen, load_suite(suite_folder()))
    size = sum((candidate.folder / name).stat().st_size for name in candidate.manifest.files)
    timed = rows.corpus.posts[:_TIMED_POSTS]
    cost = Cost(size / _MEGABYTE, _slowdown(before.scorer, model.scorer, timed))
    past = [post.data_id for post in measuring.past]
    found = GateReport(
        model=candidate.version,
        champion=champion.version,
        at=datetime.now(UTC),
        gates=tuple(gates(old, new, report, cost, past, config)),
    )
    return found, report


def write_gates(folder: Path, report: GateReport) -> None:
    """Into the bundle, for whoever releases it."""
    (folder / GATES).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _side(bundle: Bundle, rows: Unlearned, measuring: Measuring) -> tuple[Side, Model]:
    scorer = Scorer(bundle, threads=os.cpu_count() or 1)
    model = Model.load(bundle, scorer, resolve(measuring.pack.pack, scorer.operating))
    side = Side(
        heads=bundle.manifest.heads,
        frozen=ScoredRows.of(model, rows),
        export_loss=bundle.manifest.metrics.get("export_loss", {}),
        suite=suite_report(load_suite(suite_folder()), scorer, model.policy),
        past=suggestions(model, measuring.past),
    )
    return side, model


def _slowdown(before: Scorer, after: Scorer, timed: Sequence[Post]) -> float:
    """Time of the second over that of the first, in the median of a few posts at a time.

    The two take turns, so what else a machine does meanwhile slows both.
    """

    def seconds(scorer: Scorer, posts: Sequence[Post]) -> float:
        start = time.perf_counter()
        scorer.score(posts)
        return time.perf_counter() - start

    starts = range(0, len(timed), _TIMED_TOGETHER)
    turns = [timed[start : start + _TIMED_TOGETHER] for start in starts]
    return median(seconds(after, posts) / seconds(before, posts) for posts in turns)


def _check_same_rows(champion: Bundle, candidate: Bundle) -> None:
    """What the champion held out must be unseen by the candidate too."""
    corpus, *public = data_sets(champion.manifest)
    same, *learned = data_sets(candidate.manifest)
    held_out = champion.manifest.held_out == candidate.manifest.held_out
    if not held_out or corpus != same or learned not in ([], public):
        raise ModelError(
            f"{champion.folder} and {candidate.folder} learned from other rows or held out "
            "others, so no rows are unseen by both",
            remedy="train the candidate from the champion with the same corpus and public sets",
        )
