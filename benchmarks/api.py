"""What the server costs: until it is ready, in memory, and in core time for each post."""

import asyncio
import os
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from load import Client, closed, real_bodies, resident_mb, server

_STARTS = 5
_WARM_UP_SECONDS = 3
_SECONDS = 20


def api() -> dict[str, Any]:
    """Figures of a fresh server that scores one post a request, as fast as it can.

    ``ready_seconds`` is the median of a few starts after a first one, which compiles the sources.
    """
    _seconds_to_ready()
    ready = statistics.median(_seconds_to_ready() for _ in range(_STARTS))
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (address, process):
        rate, core_ms = asyncio.run(_busy(address, process))
        resident = resident_mb(process)
    return {
        "ready_seconds": round(ready, 2),
        "resident_mb": round(resident, 1),
        "posts_per_second": round(rate, 1),
        "core_ms_a_post": round(core_ms, 2),
    }


def _seconds_to_ready() -> float:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (address, _):
        _until_ready(f"{address}/readyz")
        return time.perf_counter() - start


async def _busy(address: str, process: int) -> tuple[float, float]:
    """Posts a second with the client beside it, and milliseconds of core time of the server."""
    bodies = real_bodies()
    async with Client(address) as client:
        await closed(client, bodies, _WARM_UP_SECONDS)
        before = _core_seconds(process)
        rate = await closed(client, bodies, _SECONDS)
        used = _core_seconds(process) - before
    return rate, 1e3 * used / (rate * _SECONDS)


def _core_seconds(process: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _until_ready(address: str) -> None:
    for _ in range(1_000):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - ours
        except OSError:
            time.sleep(0.01)
        else:
            return
