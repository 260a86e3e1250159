"""How long a core is taken by a post, while every core is: what queues are computed from."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from timing import CORES, seconds

from classifiers.bundle import default_model_folder
from classifiers.scorer import load_scorer
from labels.records import Post


def service_times(rows: Sequence[Post]) -> dict[str, Any]:
    """Milliseconds of each post on a one-thread session, one for each core at work.

    A core that shares its parts with a busy neighbour is slower than one alone, and what serves
    a queue has busy neighbours. ``scorer_core_ms`` is the mean of core time, as it is counted for
    a server too.
    """
    scorer = load_scorer(default_model_folder(), threads=CORES)

    def serve(post: Post) -> float:
        return 1e3 * seconds(lambda: scorer.score([post]))

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(serve, rows[: 10 * CORES]))
        before = time.process_time()
        times = [round(ms, 3) for ms in pool.map(serve, rows)]
        used = time.process_time() - before
    return {"scorer_core_ms": round(1e3 * used / len(rows), 3), "scorer_ms": times}
