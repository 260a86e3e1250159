"""From label events to a candidate, stage by stage; killed, the same command goes on."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import click
import numpy as np

from classifiers.bundle import Bundle, Lineage, read_bundle
from labels.errors import InputError, ModelError
from labels.label_events import LABEL_EVENT, LabelEvent, read_events
from labels.records import Post
from labels.release import GATES, LEARNED, QUALITY, GateReport, Learned
from labels.suite import load_suite, suite_folder
from labels.yamlfile import Strict, read_yaml
from policy.pack import load_pack
from training.config import NgramConfig, TransformerConfig
from training.gates.config import GatesConfig
from training.gates.run import Measuring, run_gates, write_gates
from training.label_lessons import data_sets, event_lessons
from training.label_quality.page import write_quality
from training.label_quality.screen import ScreenConfig, screen
from training.lessons import Lessons, corpus_lessons, parted, public_lessons
from training.release.page import write_report
from training.release.rows import Unlearned, unlearned
from training.run import Continued, TrainingRun


class RetrainConfig(Strict):
    """How a candidate comes of label events; see ``configs/retrain.yaml``."""

    training: str
    screen: ScreenConfig


class _Kept(Strict):
    """What screening left, as the work folder keeps it."""

    events: tuple[LabelEvent, ...]
    trust: tuple[float, ...]
    stories: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Retraining:
    """One candidate in the making. ``out`` holds what each stage made; options as the command's."""

    sources: Sequence[Path]
    champion: Path
    config_path: Path
    gates_path: Path
    policy_path: Path
    folder: Path
    data_dir: Path | None
    version: str
    out: Path
    jobs: int

    def run(self) -> GateReport:
        """Screen, train, export, measure; what is done already is not done again.

        Raises:
            InputError: a file of events is not in order, or none is left to learn from.
            ModelError: the folder belongs to other inputs, or the champion to another corpus.
        """
        champion = read_bundle(self.champion)
        config = read_yaml(self.config_path, RetrainConfig)
        limits = read_yaml(self.gates_path, GatesConfig)
        events = [event for path in self.sources for event in read_events(path)]
        lessons = self._lessons(champion)
        self._claim(champion, config, events, lessons)
        kept = self._screened(champion, config, events, lessons[0])
        candidate = self.out / "candidate"
        if not candidate.exists():
            self._train(candidate, champion, config, kept, lessons)
        if (candidate / GATES).exists():
            return GateReport.model_validate_json((candidate / GATES).read_bytes())
        click.echo("measuring champion and candidate on the same rows", err=True)
        past = [event.post for event in events]
        measuring = Measuring(load_pack(self.policy_path), self.folder, self.data_dir, past)
        bundle = read_bundle(candidate)
        found, report = run_gates(champion, bundle, limits, measuring)
        versions = {
            "model": bundle.version.model_dump(),
            "policy": measuring.pack.version.model_dump(),
        }
        write_report(self.out, report, bundle, versions)
        write_gates(candidate, found)
        return found

    def _lessons(self, champion: Bundle) -> list[Lessons]:
        """The corpus, and those public sets that the champion learned from."""
        names = [source.name for source in data_sets(champion.manifest)[1:]]
        corpus = corpus_lessons(self.folder)
        if not names:
            return [corpus]
        if self.data_dir is None:
            click.echo(
                f"warning: the champion learned from {len(names)} public sets too; without "
                "--data-dir the candidate has no head that the corpus does not teach",
                err=True,
            )
            return [corpus]
        return [corpus, public_lessons(self.data_dir, train=True).of(names)]

    def _screened(
        self,
        champion: Bundle,
        config: RetrainConfig,
        events: Sequence[LabelEvent],
        corpus: Lessons,
    ) -> _Kept:
        path = self.out / "learned-from.json"
        if path.exists():
            return _Kept.model_validate_json(path.read_bytes())
        click.echo(f"screening {len(events)} label events", err=True)
        rows = unlearned(champion.manifest, self.folder, self.data_dir)
        known, _ = parted(corpus, Continued.of(champion, self.version).held_out)
        ngram = read_yaml(self._ngram(config), NgramConfig)
        found = screen(events, known, measured_posts(rows), config.screen, ngram, jobs=self.jobs)
        write_quality(self.out, found)
        click.echo(f"{len(found.events)} are learned from, {len(found.doubts)} doubted", err=True)
        if not found.events:
            raise InputError(
                "no label event is left to learn from", remedy=f"see {self.out / 'quality.html'}"
            )
        kept = _Kept(
            events=tuple(found.events),
            trust=tuple(found.trust.tolist()),
            stories=tuple(found.stories.tolist()),
        )
        write_whole(path, kept.model_dump_json())
        return kept

    def _train(
        self,
        candidate: Path,
        champion: Bundle,
        config: RetrainConfig,
        kept: _Kept,
        lessons: Sequence[Lessons],
    ) -> None:
        events = event_lessons(kept.events, np.array(kept.trust), kept.stories)
        continued = Continued.of(champion, self.version)
        training = TrainingRun(
            self.config_path.parent / config.training,
            [*lessons, events],
            self.out / "work",
            self.jobs,
            continued,
        )
        measured = training.measure(continued.held_out.fold)
        unfinished = self.out / "candidate.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        lineage = Lineage(parent=champion.version, revision=revision(), events=len(kept.events))
        training.ship(unfinished, measured, lineage)
        with (unfinished / LEARNED).open("w", encoding="utf-8") as file:
            for event, trust in zip(kept.events, kept.trust, strict=True):
                file.write(Learned.of(event, trust).model_dump_json() + "\n")
        shutil.copyfile(self.out / QUALITY, unfinished / QUALITY)
        unfinished.rename(candidate)

    def _ngram(self, config: RetrainConfig) -> Path:
        training = self.config_path.parent / config.training
        return training.parent / read_yaml(training, TransformerConfig).expert

    def _claim(
        self,
        champion: Bundle,
        config: RetrainConfig,
        events: Sequence[LabelEvent],
        lessons: Sequence[Lessons],
    ) -> None:
        """Mark the folder as this run's, so that no other takes up its stages."""
        plan = {
            "champion": champion.sha256,
            "version": self.version,
            "screen": config.screen.model_dump(mode="json"),
            "events": _digest(events),
            "sources": {s.name: s.sha256 for each in lessons for s in each.sources},
        }
        mark = self.out / "plan.json"
        if mark.exists():
            before = json.loads(mark.read_text(encoding="utf-8"))
            differs = [key for key, value in plan.items() if before.get(key) != value]
            if differs:
                raise ModelError(
                    f"{self.out}: was begun with another {' and '.join(differs)}",
                    remedy="name another --out folder, or delete this one",
                )
        self.out.mkdir(parents=True, exist_ok=True)
        write_whole(mark, json.dumps(plan, indent=1))


def measured_posts(rows: Unlearned) -> list[Post]:
    """Every post that models are measured on, the functional tests' too."""
    lessons = (rows.corpus, rows.strangers, rows.public, rows.unseen)
    posts = [post for each in lessons if each for post in each.posts]
    return [*posts, *(case.post for case in load_suite(suite_folder()).cases)]


def write_whole(path: Path, text: str) -> None:
    """A file that is there whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.rename(path)


def revision() -> str:
    """The code's commit where it runs from a checkout, else the package's version."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return metadata.version("mingbian")
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return metadata.version("mingbian")
    return told.stdout.strip()


def _digest(events: Sequence[LabelEvent]) -> str:
    digest = hashlib.sha256()
    for event in events:
        digest.update(LABEL_EVENT.dump_json(event) + b"\n")
    return digest.hexdigest()
