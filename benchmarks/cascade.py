"""How much faster batches are scored with the cascade, on traffic that is mostly ordinary.

python benchmarks/cascade.py [--posts N] [--data-dir DIR]

Nine posts of ten are ordinary: rows of the public sets in DIR, or without it clean posts of the
corpus, which are written to look like violations and so are cleared less often. The others are
violations of the corpus. The model learned from none of them. Beside it, in turns on the same
posts: the model without its cascade, and ``transformers.pipeline`` with a BERT-base in fp32.

Writes ``cascade.json`` to ``benchmarks/results``, and a block of docs/performance.md.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from cascade_block import cascade_block
from machine import conditions
from page import DOCS, RESULTS, fill
from peer import pipeline
from timing import CORES, Reading, System, rates_in_turns

from classifiers.bundle import default_model_folder, read_bundle
from classifiers.rendering import content
from classifiers.scorer import Scorer, load_scorer
from labels.dataset import corpus_folder
from labels.records import Post
from labels.results import ScoringStage
from labels.taxonomy import Category
from training.lessons import HEADS, Lessons
from training.release.rows import unlearned

ORDINARY = 0.9
_SEED = 20250729
_COLUMNS = [HEADS.index(category) for category in Category]


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000)
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(CORES)
    rows = traffic(arguments.posts, arguments.data_dir)
    whole, staged = (
        load_scorer(default_model_folder(), threads=CORES, cascade=cascade)
        for cascade in (False, True)
    )
    stages = [scores.stage for scores in staged.score(rows)]
    whole.score(rows)
    systems = [pipeline(rows), _system(whole, rows), _system(staged, rows)]
    peer, without, staged_rate = (round(rate, 2) for _, rate in rates_in_turns(systems))
    rates = {"without": without, "with": staged_rate}
    report = {
        **conditions(len(rows)),
        "characters_a_post": round(float(np.mean([len(content(post)) for post in rows])), 1),
        "ordinary": ORDINARY,
        "ordinary_posts": "public sets" if arguments.data_dir else "clean posts of the corpus",
        "cleared": round(stages.count(ScoringStage.FIRST) / len(rows), 4),
        "posts_per_second": {"a_pipeline_bert_base_fp32": peer, **rates},
        "over_pipeline": {name: round(rate / peer, 1) for name, rate in rates.items()},
    }
    text = json.dumps(report, indent=1)
    (RESULTS / "cascade.json").write_text(f"{text}\n", encoding="utf-8")
    fill(DOCS / "performance.md", "cascade", cascade_block(report))
    print(text)


def traffic(count: int, data: Path | None) -> list[Post]:
    """Shuffled posts that the model never learned, ``ORDINARY`` of them ordinary."""
    rows = unlearned(read_bundle(default_model_folder()).manifest, corpus_folder(), data)
    ordinary = round(ORDINARY * count)
    wrong = (rows.corpus.labels[:, _COLUMNS] == 1).any(axis=1)
    rng = np.random.default_rng(_SEED)
    posts = [
        *_drawn(rows.public or rows.corpus, ordinary, rng),
        *(
            rows.corpus.posts[place]
            for place in rng.choice(np.flatnonzero(wrong), count - ordinary)
        ),
    ]
    return [posts[place] for place in rng.permutation(count)]


def _drawn(rows: Lessons, count: int, rng: np.random.Generator) -> Sequence[Post]:
    """Of the rows in which no category holds."""
    clean = np.flatnonzero((rows.labels[:, _COLUMNS] == 0).all(axis=1))
    return [rows.posts[place] for place in rng.choice(clean, count, replace=len(clean) < count)]


def _system(scorer: Scorer, rows: list[Post]) -> System:
    reading = Reading(len(rows), math.nan)
    return System(reading, {1: lambda part: scorer.score(rows[part])})


if __name__ == "__main__":
    main()
