"""Second stage: every distinct input is scored once, a block of them to a file."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from classifiers.scorer import Scorer, load_scorer
from labels.errors import InputError
from labels.records import Post, parse_post
from labels.results import HeadScores, ScoringStage
from labels.taxonomy import taxonomy
from serving.audit.layout import Layout
from serving.audit.near import write_signatures
from serving.audit.tables import replacing

HEADS = taxonomy().heads
#: what follows the heads in a row of scores; the stage as its place in ``STAGES``
MACHINE, COVERAGE, STAGE = range(len(HEADS), len(HEADS) + 3)
_WIDTH = len(HEADS) + 3
STAGES = tuple(ScoringStage)

Floats = npt.NDArray[np.float64]


class Engine(Protocol):
    """Where blocks are scored."""

    def score(self, blocks: Sequence[int]) -> Iterator[int]:
        """Score blocks that have no scores yet; the number of posts of each, as they are done.

        Raises:
            ScoringError: the model failed.
        """
        ...


class LocalEngine:
    """This process, one thread a core."""

    def __init__(self, scorer: Scorer, layout: Layout) -> None:
        self._scorer, self._layout = scorer, layout

    def score(self, blocks: Sequence[int]) -> Iterator[int]:
        """See :class:`Engine`."""
        return (score_block(self._scorer, self._layout, number) for number in blocks)


class RayEngine:
    """Ray Data: one actor a processor, each with the model; all see the folder of results."""

    def __init__(
        self, model: Path, layout: Layout, address: str | None, workers: int, *, cascade: bool
    ) -> None:
        """Join a cluster by its address, or start one on this machine.

        Raises:
            InputError: Ray is not installed, or does not answer.
        """
        try:
            import ray  # noqa: PLC0415  of an extra
            import ray.data  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise InputError(
                f"--engine ray needs {error.name}", remedy="pip install 'mingbian[ray]'"
            ) from None
        self._ray, self._workers = ray, workers
        self._arguments = (model.resolve(), layout.out.resolve(), cascade)
        try:
            started: dict[str, Any] = (
                {} if address else {"num_cpus": workers, "include_dashboard": False}
            )
            ray.init(address=address, log_to_driver=False, ignore_reinit_error=True, **started)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(f"--ray-address {address}: {error}") from None
        ray.data.DataContext.get_current().enable_progress_bars = False

    def score(self, blocks: Sequence[int]) -> Iterator[int]:
        """See :class:`Engine`."""
        if not blocks:
            return
        data = self._ray.data
        actor: Any = _BlockActor  # Ray's own types know functions only
        rows = data.from_items(
            [{"block": number} for number in blocks], override_num_blocks=len(blocks)
        )
        done = rows.map(
            actor,
            fn_constructor_args=self._arguments,
            compute=data.ActorPoolStrategy(size=min(self._workers, len(blocks))),
            num_cpus=1,
        )
        for row in done.iter_rows():
            yield row["posts"]


class _BlockActor:
    def __init__(self, model: Path, out: Path, cascade: bool) -> None:
        self._scorer = load_scorer(model, threads=1, cascade=cascade)
        self._layout = Layout(out)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"posts": score_block(self._scorer, self._layout, int(row["block"]))}


def score_block(scorer: Scorer, layout: Layout, number: int) -> int:
    """Write the scores of a block of inputs, and signatures of its contents; how many they are.

    Raises:
        ScoringError: the model failed.
    """
    posts = distinct_posts(layout, number)
    write_signatures(layout.signatures(number), posts)
    found = np.array([_row(each) for each in scorer.score(posts)], dtype=np.float64)
    with replacing(layout.scores(number)) as part, part.open("wb") as file:
        np.save(file, found.reshape(-1, _WIDTH))
    return len(posts)


class Scores:
    """The scores of all blocks, by the number of the input."""

    def __init__(self, layout: Layout, first_inputs: Iterable[int]) -> None:
        """``first_inputs``: the number of the first input of each block, in order."""
        self._layout = layout
        self._first = np.fromiter(first_inputs, dtype=np.int64)

    def of(self, inputs: npt.NDArray[np.int64]) -> Floats:
        """Shape (inputs, heads and three more)."""
        found = np.empty((len(inputs), _WIDTH))
        # of blocks without inputs, which begin where the next does, the last one counts
        blocks = np.searchsorted(self._first, inputs, side="right") - 1
        for block in np.unique(blocks):
            mine = blocks == block
            scores = np.load(self._layout.scores(int(block)), mmap_mode="r")
            found[mine] = scores[inputs[mine] - self._first[block]]
        return found


def distinct_posts(layout: Layout, number: int) -> list[Post]:
    """The inputs of a block."""
    return [parse_post(raw) for raw in pq.read_table(layout.inputs(number))["post"].to_pylist()]


def _row(scores: HeadScores) -> list[float]:
    machine = np.nan if scores.machine_written is None else scores.machine_written
    heads = (scores.heads[head] for head in HEADS)
    return [*heads, machine, scores.text_coverage, STAGES.index(scores.stage)]
