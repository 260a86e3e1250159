"""Measures what chosen labels save beside random ones, with people played by the corpus.

python benchmarks/label_next.py [--seeds 5] [--rounds 5] [--each 200]

Some writers' labelled rows are known, other writers' are the pool to be labelled, further writers
are held out; each round a method asks for labels and the linear n-gram baseline learns again. Two
pools: the corpus as it is, and one where few posts are violations, as on a platform. The writers
on whom the method was settled are not among those of the figures, unless ``--settling`` asks for
them. Prints a table and writes benchmarks/results/label-next.json.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from classifiers.ngram import Bag
from classifiers.rendering import content_digest
from classifiers.scorer import probabilities
from labels.dataset import corpus_folder
from labels.taxonomy import Category
from labels.yamlfile import read_yaml
from policy.pack import PolicyPack, default_pack_path, load_pack
from policy.resolve import Policy, resolve
from serving.audit.choosing import Pool, Worth, best, choose, hashed, worth
from serving.audit.costs import Costs, default_costs_path
from serving.audit.near import clusters, write_signatures
from training.config import NgramConfig
from training.evaluate import Calibrations, calibrate, grouped_folds
from training.lessons import corpus_lessons
from training.ngram import design, features, vocabulary
from training.operating import operating_table

ROOT = Path(__file__).parents[1]
#: share of violations in the pool; None as in the corpus
POOLS = {"as the corpus is": None, "1 in 20 violates": 0.05}
_CATEGORIES = tuple(Category)
_SETTLING_WRITERS, _SETTLING_SEED = 18, 7
_KNOWN_WRITERS, _KNOWN_ROWS, _HELD_OUT = 3, 300, 0.4
_FOLDS = 3
_RANDOM_ROUNDS = 2
#: two-sided 95 % points of Student's t by degrees of freedom
_T = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Heads = Sequence[LogisticRegression]


@dataclass(frozen=True)
class World:
    """The corpus as columns; the last of ``labels`` is whether a row is protected speech."""

    writers: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    labels: Floats
    hashed: npt.NDArray[np.float32]
    clusters: npt.NDArray[np.uint64]
    bags: dict[str, list[Bag]]
    config: NgramConfig
    pack: PolicyPack
    costs: Costs


@dataclass(frozen=True)
class Split:
    """Rows known at first, of the pool, and held out; features of all rows."""

    known: Ints
    pool: Ints
    held_out: Ints
    matrix: sp.csr_matrix


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--settling", action="store_true")
    asked = parser.parse_args()
    start = time.perf_counter()
    world = load()
    found = {
        name: compare(world, share, asked.seeds, asked.rounds, asked.each, asked.settling)
        for name, share in POOLS.items()
    }
    for name, of_pool in found.items():
        show(name, of_pool, asked.each)
    seconds = time.perf_counter() - start
    print(f"\n{seconds:.0f} s")
    if not asked.settling:
        told = {"seeds": asked.seeds, "labels_a_round": asked.each, "pools": found}
        path = ROOT / "benchmarks" / "results" / "label-next.json"
        path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def load() -> World:
    """The corpus with what every round needs of it."""
    lessons = corpus_lessons(corpus_folder())
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        write_signatures(Path(folder) / "0.parquet", lessons.posts)
        near = clusters(Path(folder) / "*.parquet", connection)
    digests = [content_digest(post) for post in lessons.posts]
    names = np.array([near.get(digest, digest).hex() for digest in digests])
    bags = features(lessons.posts)
    protected = [[bool(getattr(post, "protected", ()))] for post in lessons.posts]
    return World(
        writers=np.array(lessons.writers),
        groups=np.array(lessons.groups),
        labels=np.hstack([lessons.labels_of(_CATEGORIES), np.array(protected, np.float64)]),
        hashed=hashed(bags["text"]),
        clusters=np.unique(names, return_inverse=True)[1].astype(np.uint64),
        bags=bags,
        config=read_yaml(ROOT / "configs" / "training" / "ngram.yaml", NgramConfig),
        pack=load_pack(default_pack_path()).pack,
        costs=read_yaml(default_costs_path(), Costs),
    )


Ask = Callable[[World, Split, Ints, Ints, int, int], Ints]


def at_random(world: World, split: Split, known: Ints, pool: Ints, each: int, seed: int) -> Ints:
    """Any rows of the pool."""
    return np.random.default_rng(seed).permutation(pool)[:each]


def by_doubt(world: World, split: Split, known: Ints, pool: Ints, each: int, seed: int) -> Ints:
    """Where the scores leave most doubt, and nothing else."""
    doubt = weighed(world, split, known, pool).doubt
    places = np.arange(len(pool), dtype=np.uint64)
    rows = Pool(doubt, clusters=places, accounts=places)
    return pool[best(rows, each, per_account=1, seed=seed)]


def by_choice(world: World, split: Split, known: Ints, pool: Ints, each: int, seed: int) -> Ints:
    """As `mingbian audit label-next` does; rows of the corpus have no account numbers."""
    value = weighed(world, split, known, pool).value
    alone = np.arange(len(pool), dtype=np.uint64)
    rows = Pool(value, world.clusters[pool], accounts=alone)
    return pool[choose(rows, world.hashed[pool], each, per_account=1, seed=seed)]


METHODS: dict[str, Ask] = {"random": at_random, "doubt": by_doubt, "label-next": by_choice}


def compare(
    world: World, share: float | None, seeds: int, rounds: int, each: int, settling: bool
) -> dict[str, Any]:
    """Every method on the same splits: mean AP on held-out writers after each round."""
    curves: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in METHODS}
    sizes = []
    for seed in range(seeds):
        split = parted(world, share, seed + (100 if settling else 0), settling)
        sizes.append([len(split.known), len(split.pool), len(split.held_out)])
        for name, ask in METHODS.items():
            more = _RANDOM_ROUNDS * rounds if name == "random" else rounds
            curves[name].append(rehearse(world, split, ask, more, each, seed))
    random = np.array([curve[: rounds + 1] for curve in curves["random"]])
    whole = np.array(curves["random"])[:, :, 0].mean(axis=0)
    return {
        "rows": {"known": sizes[0][0], "pool": int(np.mean([size[1] for size in sizes])),
                 "held_out": int(np.mean([size[2] for size in sizes]))},
        "violations_in_pool": share,
        "methods": {
            name: told(np.array([curve[: rounds + 1] for curve in found]), random, whole, each)
            for name, found in curves.items()
        },
    }  # fmt: skip


def rehearse(
    world: World, split: Split, ask: Ask, rounds: int, each: int, seed: int
) -> list[tuple[float, float]]:
    """Ask, learn, measure, round by round; the first figures are those before any question."""
    known, pool = split.known, split.pool
    curve = [measured(world, split, fit(world, split, known))]
    for turn in range(rounds):
        if len(pool):
            asked = ask(world, split, known, pool, each, seed * 1000 + turn)
            known, pool = np.concatenate([known, asked]), np.setdiff1d(pool, asked)
        curve.append(measured(world, split, fit(world, split, known)))
    return curve


def parted(world: World, share: float | None, seed: int, settling: bool) -> Split:
    """Writers of three kinds: no group of rows is in two parts, as every writer is in one."""
    random = np.random.default_rng(seed)
    names = np.random.default_rng(_SETTLING_SEED).permutation(sorted(set(world.writers)))
    mine = random.permutation(names[:_SETTLING_WRITERS] if settling else names[_SETTLING_WRITERS:])
    last = len(mine) - round(_HELD_OUT * len(mine))
    parts = mine[:_KNOWN_WRITERS], mine[_KNOWN_WRITERS:last], mine[last:]
    first, pool, held_out = (np.flatnonzero(np.isin(world.writers, part)) for part in parts)
    groups = random.permutation(np.unique(world.groups[first]))
    known = np.concatenate([first[world.groups[first] == group] for group in groups])[:_KNOWN_ROWS]
    if share is not None:
        wrong = world.labels[pool, :-1].any(axis=1)
        clean = pool[~wrong]
        kept = random.permutation(pool[wrong])[: round(len(clean) * share / (1 - share))]
        pool = np.sort(np.concatenate([clean, kept]))
    return Split(known, pool, held_out, matrix_of(world, np.concatenate([known, pool])))


def matrix_of(world: World, read: Ints) -> sp.csr_matrix:
    """Features of all rows, by a vocabulary of those that may be read before they are labelled."""
    ours = np.ones(len(read), dtype=bool)
    known = {
        group: vocabulary([bags[row] for row in read], ours, world.config)
        for group, bags in world.bags.items()
    }
    return design(world.bags, known, world.config)


def fit(world: World, split: Split, rows: Ints) -> Heads:
    """The baseline's heads; stripped copies of posts are left out."""
    return [
        LogisticRegression(
            C=world.config.inverse_regularisation,
            solver="liblinear",
            tol=1e-3,
            random_state=world.config.seed,
        ).fit(split.matrix[rows], world.labels[rows, head])
        for head in range(world.labels.shape[1])
    ]


def log_odds(split: Split, heads: Heads, rows: Ints) -> Floats:
    """Shape (rows, heads)."""
    return np.stack([head.decision_function(split.matrix[rows]) for head in heads], axis=1)


def weighed(world: World, split: Split, known: Ints, pool: Ints) -> Worth:
    """What labels of the pool are worth: calibrated out of fold, under the shipped pack."""
    calibration, policy = judged(world, split, known)
    scores = log_odds(split, fit(world, split, known), pool) * calibration[0] + calibration[1]
    shifts = np.array([policy.shifts[category] for category in _CATEGORIES])
    moved = probabilities(scores[:, :-1], np.ones(len(shifts)), shifts)
    protected = scores[:, -1] >= np.log(
        policy.pack.protected.threshold / (1 - policy.pack.protected.threshold)
    )
    levels = np.array(
        [[np.inf if at is None else at for at in (level.review, level.act)]
         for level in (policy.levels[category] for category in _CATEGORIES)]
    )  # fmt: skip
    anything = np.full(len(pool), 2)
    return worth(moved, levels, anything, protected, world.costs)


def judged(world: World, split: Split, known: Ints) -> tuple[Calibrations, Policy]:
    """Calibration and the pack's thresholds, from rows the model did not learn from."""
    scores = np.zeros((len(known), world.labels.shape[1]))
    for train, test in grouped_folds(world.groups[known].tolist(), _FOLDS, world.config.seed):
        heads = fit(world, split, known[train])
        scores[test] = log_odds(split, heads, known[test])
    labels = world.labels[known]
    calibration = calibrate(scores, labels)
    at_rows = probabilities(scores, *calibration)[:, :-1]
    table = operating_table(at_rows, labels[:, :-1], ["post"] * len(known), _CATEGORIES)
    return calibration, resolve(world.pack, table)


def measured(world: World, split: Split, heads: Heads) -> tuple[float, float]:
    """On held-out writers: mean AP over categories, and flags on protected speech.

    The second is the share of protected rows that score above where four in five violations do.
    """
    scores = log_odds(split, heads, split.held_out)[:, :-1]
    labels = world.labels[split.held_out]
    precision = [
        average_precision_score(labels[:, place], scores[:, place])
        for place in range(len(_CATEGORIES))
    ]
    highest, wrong = scores.max(axis=1), labels[:, :-1].any(axis=1)
    at = np.quantile(highest[wrong], 0.2)
    return float(np.mean(precision)), float((highest[labels[:, -1] == 1] >= at).mean())


def told(found: Floats, random: Floats, whole: Floats, each: int) -> dict[str, Any]:
    """Means by round, paired differences from random with 95 % intervals, labels saved."""
    apart = found - random
    half = _T[len(found) - 1] * apart.std(axis=0, ddof=1) / np.sqrt(len(found))
    means = found.mean(axis=0)
    return {
        "average_precision": means[:, 0].round(4).tolist(),
        "gain": apart.mean(axis=0)[:, 0].round(4).tolist(),
        "gain_95": half[:, 0].round(4).tolist(),
        "protected_flagged": means[:, 1].round(4).tolist(),
        "protected_gain": apart.mean(axis=0)[:, 1].round(4).tolist(),
        "protected_gain_95": half[:, 1].round(4).tolist(),
        "random_labels_equal": [equal(whole, mean, each) for mean in means[:, 0]],
    }


def equal(random: Floats, reached: float, each: int) -> int | None:
    """How many random labels reach the same mean AP; None if as many as were tried do not."""
    above = np.flatnonzero(random >= reached)
    if not len(above):
        return None
    after = int(above[0])
    if after == 0:
        return 0
    low, high = random[after - 1], random[after]
    return round(each * (after - 1 + (reached - low) / (high - low)))


def show(name: str, found: dict[str, Any], each: int) -> None:
    """One table a pool."""
    rows = found["rows"]
    print(f"\n{name}: {rows['known']} known, pool of {rows['pool']}, {rows['held_out']} held out")
    print("labels  method      mean AP   gain (95 %)         protected flagged    as many random")
    for turn in range(1, len(found["methods"]["random"]["gain"])):
        for method, of in found["methods"].items():
            as_many = of["random_labels_equal"][turn]
            print(
                f"{turn * each:6}  {method:10}  {of['average_precision'][turn]:.4f}  "
                f"{of['gain'][turn]:+.4f} ± {of['gain_95'][turn]:.4f}   "
                f"{of['protected_flagged'][turn]:.3f} {of['protected_gain'][turn]:+.3f} ± "
                f"{of['protected_gain_95'][turn]:.3f}   "
                f"{'more than tried' if as_many is None else as_many}"
            )


if __name__ == "__main__":
    main()
