"""An audit from rows to report. Killed anywhere, the same call goes on and ends the same."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from classifiers.explain import spans
from classifiers.scorer import Scorer
from labels.records import Post
from labels.taxonomy import Category, taxonomy
from serving.audit.escalation import escalate
from serving.audit.index import Chunk, open_index
from serving.audit.layout import Layout
from serving.audit.page import Shown, page
from serving.audit.plan import Plan, claim
from serving.audit.progress import Stage
from serving.audit.reading import Reading, Window
from serving.audit.ruling import Rules, rule_chunk
from serving.audit.sample import plan_sample, posts_of
from serving.audit.scoring import Engine, Scores
from serving.audit.sources import Sources
from serving.audit.summary import Row, found_in
from serving.audit.tables import DECISIONS, ERRORS, join, replacing

#: posts that the report shows of each category and level, and of protected classes
_EXAMPLES = 3
_SPANS = 3
#: posts of a first review sample
SAMPLE = 400


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit is made of."""

    sources: Sources
    plan: Plan
    layout: Layout
    engine: Engine
    scorer: Scorer
    rules: Rules
    as_json: bool

    def run(self) -> dict[str, Any]:
        """Do what is not done yet; the summary.

        Raises:
            InputError: the folder holds another audit, or the input has changed.
            ScoringError: the model failed.
        """
        claim(self.layout, self.plan)
        if self.layout.summary.exists():
            shutil.rmtree(self.layout.work, ignore_errors=True)
            return read_summary(self.layout)
        chunks = self._read()
        self._score(chunks)
        self._rule(chunks)
        return self._sum_up(chunks)

    def _read(self) -> list[Chunk]:
        window = None
        if self.plan.first and self.plan.last:
            window = Window(self.plan.first, self.plan.last)
        self.layout.work.mkdir(parents=True, exist_ok=True)
        with open_index(self.layout.index) as index, self._stage("read", None) as stage:
            chunks = []
            for chunk in Reading(index, self.layout, window).read(self.sources):
                chunks.append(chunk)
                stage.add(chunk.rows)
        return chunks

    def _score(self, chunks: Sequence[Chunk]) -> None:
        with self._stage("score", sum(chunk.inputs for chunk in chunks)) as stage:
            waiting = []
            for chunk in chunks:
                if self.layout.scores(chunk.number).exists():
                    stage.skip(chunk.inputs)
                else:
                    waiting.append(chunk.number)
            for posts in self.engine.score(waiting):
                stage.add(posts)

    def _rule(self, chunks: Sequence[Chunk]) -> None:
        scores = Scores(self.layout, (chunk.first_input for chunk in chunks))
        with self._stage("rule", sum(chunk.rows for chunk in chunks)) as stage:
            for chunk in chunks:
                target = self.layout.decisions(chunk.number)
                if target.exists():
                    stage.skip(chunk.rows)
                    continue
                read = self.layout.read(chunk.number)
                flagged = rule_chunk(read, target, scores, self.rules)
                stage.add(chunk.rows, flagged)

    def _sum_up(self, chunks: Sequence[Chunk]) -> dict[str, Any]:
        numbers, layout, policy = [chunk.number for chunk in chunks], self.layout, self.rules.policy
        join(map(layout.decisions, numbers), layout.decisions_file, DECISIONS)
        join(map(layout.errors, numbers), layout.errors_file, ERRORS)
        with found_in(layout) as found:
            found.cluster()
            summary = found.summary(self.plan, policy)
            planned = plan_sample(found, review_levels(summary), SAMPLE)
            summary["sampling"] = [asdict(each) for each in planned]
            scores = Scores(layout, (chunk.first_input for chunk in chunks))
            for account in summary["accounts"]:
                flagged = found.flagged_by(account["account_id"])
                account["escalation"] = escalate(flagged, scores, self.rules)
            examples = found.examples(_EXAMPLES)
            copies = found.decisions([row["example_row"] for row in summary["clusters"]])
        rows = {row["row"]: row for row in (*examples, *copies)}
        shown = [
            self._shown(row, post) for row, post in posts_of(self.sources, list(rows.values()))
        ]
        with replacing(layout.report) as part:
            part.write_text(page(summary, shown), encoding="utf-8")
        with replacing(layout.summary) as part:
            text = json.dumps(summary, ensure_ascii=False, indent=1)
            part.write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(layout.work)
        return summary

    def _shown(self, row: Row, post: Post) -> Shown:
        known = taxonomy().category_of
        categories = list(dict.fromkeys(known[clause] for clause in row["clauses"]))
        return Shown(row, post, spans(self.scorer, post, categories, _SPANS) if categories else {})

    def _stage(self, name: str, total: int | None) -> Stage:
        return Stage(name, total, as_json=self.as_json)


def review_levels(summary: Mapping[str, Any]) -> dict[Category, float | None]:
    """Where the review level of each category begins."""
    return {name: summary["categories"][name.value]["thresholds"]["review"] for name in Category}


def read_summary(layout: Layout) -> dict[str, Any]:
    """Of an audit that is whole; ``InputError`` if it is not."""
    layout.check_finished()
    found: dict[str, Any] = json.loads(layout.summary.read_text(encoding="utf-8"))
    return found
