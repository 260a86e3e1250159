"""Shows that the learning loop holds: three months of appeals, a burst of bad ones, the gates.

python benchmarks/learning_check.py [--data-dir FOLDER] [--full]

Half of the corpus is learned at the start, with the public sets if there is a folder of them. The
other half is hidden; every month some of its groups are judged, a tenth of the labels wrongly,
and leave it, so that every round is measured on the same rows, which nobody ever judged. The heads
are the n-gram model's four categories. `--full` retrains the shipped model with 500 labels instead
and tells how long it took. Prints the figures; exits with 1 if one falls short.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

from classifiers.bundle import Bundle, HeldOut, NgramPart, default_model_folder, read_bundle
from classifiers.scorer import Blend, load_reader
from labels.dataset import corpus_folder, load_corpus, posts, unseen_writers_folder
from labels.label_events import WEIGHTS, LabelEvent, Origin, write_events
from labels.records import LabelledPost, Post
from labels.release import Gate
from labels.results import Version
from labels.samples import Verdict
from labels.taxonomy import Category, taxonomy
from labels.yamlfile import read_yaml
from policy.pack import default_pack_path, load_pack
from training.bundle import Identity, write_bundle
from training.config import NgramConfig
from training.evaluate import calibrate, calibrated
from training.gates.config import GatesConfig
from training.gates.run import Measuring, run_gates
from training.label_lessons import event_lessons
from training.label_quality.floods import Caps
from training.label_quality.screen import Screened, screen
from training.lessons import HEADS, Lessons, corpus_lessons, parted, public_lessons
from training.measure import Behaviour, unmeasured
from training.ngram import Floats, fit, logits
from training.ngram_export import export_ngram
from training.operating import operating_table
from training.release.scored import drawn_again
from training.retrain import RetrainConfig

ROOT = Path(__file__).parents[1]
_SEED = 20250729
_MONTHS = 3
_JUDGED = 800
_FULL = 500
_WRONG = 0.1
_BURST, _BURST_MONTH, _FLOODERS = 500, 1, 5
_BURST_CLAUSE = "2.1"
_ORIGINS = (Origin.REVIEW, Origin.REVIEW, Origin.REVIEW, Origin.TWO_REVIEWERS, Origin.APPEAL)
_COMPARING = {
    "heads", "average precision", "MisinfoCheck-zh", "functionalities of MisinfoCheck-zh",
}  # fmt: skip
_RESAMPLES = 1000
_MAX_SECONDS = 30 * 60
_VERSION = Version(id="simulated", version="0", sha256="0" * 64)
_START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    checks: dict[str, Callable[[], bool]] = {
        "three months": lambda: months(asked.data_dir),
        "gates": gates,
        "kills": lambda: tests("tests/training/test_retrain.py"),
        "promotion under load": lambda: tests("tests/serving/test_models.py"),
    }
    if asked.full:
        checks = {"a full retraining": lambda: full(asked.data_dir)}
    failed = [name for name, check in checks.items() if not check()]
    print("learning check:", f"FAILED: {', '.join(failed)}" if failed else "all of it holds")
    sys.exit(bool(failed))


@dataclass(frozen=True)
class Told:
    """Label events of a month, and which of them are wrong."""

    events: list[LabelEvent] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)


def months(data: Path | None) -> bool:
    """Average precision on what stays hidden, round by round."""
    start, pools, burst_rows, hidden = _parts(corpus_lessons(corpus_folder()))
    learned = [start, *([public_lessons(data, train=True)] if data else [])]
    told = [_month(number, pool) for number, pool in enumerate(pools)]
    burst = _burst(burst_rows)
    told[_BURST_MONTH] = Told(
        told[_BURST_MONTH].events + burst.events, told[_BURST_MONTH].wrong | burst.wrong
    )
    print(
        f"months: {len(start.posts)} rows learned at the start, {len(hidden.posts)} stay hidden, "
        f"{_JUDGED} or so judged a month"
    )
    scores = [_scores(learned, None, hidden)]
    raw = scores[:1]
    print(f"start: average precision {_macro(scores[0], hidden):.4f}")
    holds, events, wrong = True, list[LabelEvent](), set[str]()
    for number, month in enumerate(told):
        events, wrong = events + month.events, wrong | month.wrong
        found = _screened(events, start)
        scores.append(_scores(learned, found, hidden))
        raw.append(_scores(learned, _unscreened(events), hidden))
        holds &= _tell(number, scores, raw, hidden) and _tell_screening(found, wrong, burst)
    risen = _interval(scores[0], scores[-1], hidden)
    print(f"over the three months: {_signed(risen)}")
    return holds and risen[0] > 0


def _parts(corpus: Lessons) -> tuple[Lessons, list[Lessons], Lessons, Lessons]:
    """What is learned at the start, judged each month, used by the burst, and stays hidden."""
    start, other = parted(corpus, HeldOut(fold=0, folds=2, seed=_SEED))
    names = sorted(set(other.groups))
    random.Random(_SEED).shuffle(names)
    sizes = dict.fromkeys(names, 0)
    for group in other.groups:
        sizes[group] += 1
    pools: list[set[str]] = [set() for _ in range(_MONTHS + 1)]
    wanted = [_JUDGED] * _MONTHS + [2 * _BURST + _BURST // 2]
    place, filled = 0, 0
    for name in names:
        if place == len(pools):
            break
        pools[place].add(name)
        filled += sizes[name]
        if filled >= wanted[place]:
            place, filled = place + 1, 0
    taken = [_of(other, pool) for pool in pools]
    rest = _of(other, set(names) - set.union(*pools))
    return start, taken[:-1], taken[-1], rest


def _of(lessons: Lessons, groups: set[str]) -> Lessons:
    return lessons.at(place for place, group in enumerate(lessons.groups) if group in groups)


def _month(number: int, pool: Lessons) -> Told:
    """Every row judged once, one in ten wrongly: a violation as clean, a clean post as one."""
    rng = random.Random(_SEED + number)
    told = Told()
    rows = [row for row in pool.posts if isinstance(row, LabelledPost)]
    for place, row in enumerate(rows):
        clauses = row.clauses
        event_id = f"month {number} {place}"
        if rng.random() < _WRONG:
            told.wrong.add(event_id)
            clauses = () if clauses else (rng.choice(list(taxonomy().clauses)),)
        origin = rng.choice(_ORIGINS)
        reporter = (f"reader {rng.randrange(10_000)}",)
        told.events.append(_event(event_id, row, clauses, origin, reporter, number))
    return told


def _burst(rows: Lessons) -> Told:
    """Clean posts that a few accounts complain of together, and reviewers believe them."""
    told = Told()
    clean = [row for row in rows.posts if isinstance(row, LabelledPost) and not row.labels]
    for place, row in enumerate(clean[:_BURST]):
        event_id = f"burst {place}"
        told.wrong.add(event_id)
        reporter = (f"flooder {place % _FLOODERS}",)
        clauses = (_BURST_CLAUSE,)
        told.events.append(_event(event_id, row, clauses, Origin.REVIEW, reporter, _BURST_MONTH))
    return told


def _event(
    event_id: str,
    row: LabelledPost,
    clauses: tuple[str, ...],
    origin: Origin,
    reporters: tuple[str, ...],
    month: int,
) -> LabelEvent:
    return LabelEvent(
        event_id=event_id,
        at=_START + timedelta(days=30 * month),
        origin=origin,
        annotator="simulated",
        post=Post.model_validate(row.model_dump(include=set(Post.model_fields))),
        verdict=Verdict.VIOLATION if clauses else Verdict.CLEAN,
        clauses=clauses,
        reporters=reporters,
        weight=WEIGHTS[origin],
        model=_VERSION,
        policy=_VERSION,
    )


def _screened(events: Sequence[LabelEvent], corpus: Lessons) -> Screened:
    config = read_yaml(ROOT / "configs" / "retrain.yaml", RetrainConfig)
    measured_on = [*posts(load_corpus(unseen_writers_folder()))]
    return screen(events, corpus, measured_on, config.screen, _ngram(), jobs=2)


def _unscreened(events: Sequence[LabelEvent]) -> Screened:
    """What would be learned without any screening."""
    weights = np.array([event.weight for event in events])
    return Screened(list(events), weights, np.arange(len(events)), [], {})


def _scores(learned: Sequence[Lessons], found: Screened | None, hidden: Lessons) -> Floats:
    """Log-odds of the hidden rows, shape (rows, categories)."""
    more = [event_lessons(found.events, found.trust, found.stories.tolist())] if found else []
    lessons = reduce(add, [*learned, *more])
    labels = lessons.labels_of(tuple(Category))
    config = _ngram()
    model = fit(lessons.posts, labels, config, jobs=2, trust=lessons.trust)
    return logits(model, hidden.posts, config)


def _ngram() -> NgramConfig:
    return read_yaml(ROOT / "configs" / "training" / "ngram.yaml", NgramConfig)


def _macro(
    scores: Floats, hidden: Lessons, places: npt.NDArray[np.int64] | slice = slice(None)
) -> float:
    labels = hidden.labels_of(tuple(Category))[places]
    found = [
        average_precision_score(labels[:, column], scores[places, column])
        for column in range(len(Category))
    ]
    return float(np.mean(found))


def _interval(before: Floats, after: Floats, hidden: Lessons) -> tuple[float, float, float]:
    """The difference, and its 95 % interval over groups drawn again, both on the same rows."""
    groups = np.unique(np.array(hidden.groups), return_inverse=True)[1]
    drawn = [
        _macro(after, hidden, places) - _macro(before, hidden, places)
        for places in drawn_again(groups, _RESAMPLES)
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return _macro(after, hidden) - _macro(before, hidden), float(low), float(high)


def _tell(number: int, scores: list[Floats], raw: list[Floats], hidden: Lessons) -> bool:
    moved = _interval(scores[-2], scores[-1], hidden)
    without = _macro(raw[-1], hidden)
    print(
        f"month {number + 1}: average precision {_macro(scores[-1], hidden):.4f}, "
        f"{_signed(moved)} against the round before; without screening {without:.4f}"
    )
    return moved[2] >= 0


def _tell_screening(found: Screened, wrong: set[str], burst: Told) -> bool:
    """Whether the burst is capped; how well wrong labels are found."""
    trust = {e.event_id: t for e, t in zip(found.events, found.trust, strict=True)}
    flood = sum(trust.get(event.event_id, 0.0) for event in burst.events)
    doubted = {doubt.event.event_id for doubt in found.doubts}
    single = wrong - burst.wrong
    hits = doubted & wrong
    print(
        f"  of {len(wrong)} wrong labels {len(hits)} are suspected, "
        f"{len(doubted & single)} of the {len(single)} outside the burst; precision "
        f"{len(hits) / max(1, len(doubted)):.2f}, recall {len(hits) / len(wrong):.2f}; the burst "
        f"weighs {flood:.0f} of {sum(event.weight for event in burst.events):.0f}"
    )
    caps: Caps = read_yaml(ROOT / "configs" / "retrain.yaml", RetrainConfig).screen.caps
    return flood <= _FLOODERS * caps.reporter + 1e-6


def _signed(interval: tuple[float, float, float]) -> str:
    found, low, high = interval
    return f"{found:+.4f} ({low:+.4f} to {high:+.4f})"


def gates() -> bool:
    """A candidate that learned the same is let through, a poisoned one is stopped.

    Both are n-gram models; the ceilings are the shipped model's, so only the gates that compare
    with the champion count here.
    """
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_lessons(corpus_folder())
        held_out = HeldOut(fold=0, folds=5, seed=_SEED)
        known, unseen = parted(corpus, held_out)
        champion = _bundle(Path(folder) / "champion", known, unseen, held_out, corpus)
        poisoned = _bundle(Path(folder) / "poisoned", _poisoned(known), unseen, held_out, corpus)
        same, stopped = (_compared(champion, each) for each in (champion, poisoned))
    for gate in stopped:
        print(f"gates, poisoned: {gate.name}: {gate.found}; {'; '.join(gate.examples[:2])}")
    print(f"gates, the same again: {[gate.name for gate in same] or 'all that compare are open'}")
    return bool(stopped) and not same


def _poisoned(known: Lessons) -> Lessons:
    """Every second clean post of a protected class as distortion."""
    labels = known.labels.copy()
    spared = [
        place
        for place, row in enumerate(known.posts)
        if isinstance(row, LabelledPost) and row.protected
    ]
    labels[spared[::2], HEADS.index(Category.DISTORTION)] = 1
    return replace(known, labels=labels)


def _bundle(
    folder: Path, known: Lessons, unseen: Lessons, held_out: HeldOut, corpus: Lessons
) -> Bundle:
    """An n-gram model of every head, calibrated on what it did not learn."""
    heads, config = taxonomy().heads, _ngram()
    model = fit(known.posts, known.labels_of(heads), config, jobs=2)
    folder.mkdir()
    part = export_ngram(folder, model, config, NgramPart(kind="ngram", weight=1.0))
    identity = Identity("simulated", folder.name, heads, config.windows, corpus.sources, held_out)
    write_bundle(folder, [part], unmeasured(heads), identity)
    bundle = read_bundle(folder)
    blend = Blend([(1.0, load_reader(bundle, bundle.manifest.parts[0]))])
    scores = np.array([blend.read(post) for post in unseen.posts])
    labels = unseen.labels_of(heads)
    calibrations = calibrate(scores, labels)
    table = operating_table(calibrated(scores, calibrations), labels, unseen.genres, heads)
    write_bundle(folder, [part], Behaviour({}, calibrations, table), identity)
    return read_bundle(folder)


def _compared(champion: Bundle, candidate: Bundle) -> list[Gate]:
    """The gates that compare with the champion and stay shut."""
    limits = read_yaml(ROOT / "configs" / "release.yaml", GatesConfig)
    measuring = Measuring(load_pack(default_pack_path()), corpus_folder(), None, [])
    found, _ = run_gates(champion, candidate, limits, measuring)
    return [gate for gate in found.failed if gate.name in _COMPARING]


def tests(path: str) -> bool:
    """The tests of a file; they kill, and release under load."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-o", "addopts=--import-mode=importlib", path],
        cwd=ROOT,
        check=False,
    )
    return done.returncode == 0


def full(data: Path | None) -> bool:
    """The shipped model retrained with 500 labels; how long it takes.

    They are of rows that it knows, since every other row is one that models are measured on.
    """
    champion = read_bundle(default_model_folder()).manifest.held_out
    if champion is None:
        return False
    known, _ = parted(corpus_lessons(corpus_folder()), champion)
    told = _month(0, known.at(range(0, len(known.posts), len(known.posts) // _FULL))).events
    with tempfile.TemporaryDirectory() as folder:
        write_events(Path(folder) / "events.jsonl", told)
        command = [
            str(Path(sys.executable).with_name("mingbian")), "retrain",
            f"{folder}/events.jsonl", "--version", "simulated", "--out", f"{folder}/out",
            *(["--data-dir", str(data)] if data else []),
        ]  # fmt: skip
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, check=False)
        seconds = time.monotonic() - start
        there = (Path(folder) / "out" / "candidate").is_dir()
    print(f"full: {len(told)} new labels in {seconds:.0f} s, exit status {done.returncode}")
    return there and seconds < _MAX_SECONDS


if __name__ == "__main__":
    main()
