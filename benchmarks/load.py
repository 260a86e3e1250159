"""Shows what a server does under load: at 80 % of its capacity, and at three times of it.

python benchmarks/load.py [--seconds 180]

Prints the figures; exits with 1 if one falls short. Client and server share the machine, so
capacity is that of both together.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labels.dataset import corpus_folder, load_corpus, posts

_SEED = 20250729
_WARM_UP_SECONDS = 3
_CAPACITY_SECONDS = 15
_OVERLOAD_SECONDS = 30
_NORMAL, _OVERLOAD = 0.8, 3.0
_MAX_SLOWER = 2.0
_MAX_REFUSED_NORMALLY = 0.02
_MAX_GROWTH_MB = 64
_OK, _BUSY = 200, 503


@dataclass
class Seen:
    """What came back: seconds of each accepted request, and how many of each status."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def add(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == _OK:
            self.seconds.append(seconds)

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return 1000 * float(np.percentile(self.seconds, share))

    @property
    def refused(self) -> float:
        """Share."""
        return self.statuses.get(_BUSY, 0) / sum(self.statuses.values())


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Client:
    """As little of an HTTP client as will do: a library's takes as long as the server's answer."""

    def __init__(self, address: str) -> None:
        """Connections are opened when they are needed, and kept."""
        self._host, port = address.removeprefix("http://").split(":")
        self._port = int(port)
        self._idle: list[Connection] = []

    async def __aenter__(self) -> "Client":
        """Nothing is open yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()

    async def post(self, path: str, body: bytes) -> int:
        """The status of the answer, which is read whole."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        while self._idle:
            try:
                return await self._exchange(self._idle.pop(), head.encode() + body)
            except (ConnectionError, asyncio.IncompleteReadError):
                continue  # the server had closed it for being idle
        fresh = await asyncio.open_connection(self._host, self._port)
        return await self._exchange(fresh, head.encode() + body)

    async def _exchange(self, connection: Connection, request: bytes) -> int:
        reader, writer = connection
        writer.write(request)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(answer.split("content-length: ")[1].split("\r\n")[0]))
        self._idle.append(connection)
        return int(answer.split(" ")[1])


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=180, help="at 80 % of capacity")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (address, process):
        failed = asyncio.run(_measure(address, process, seconds))
    print("load:", f"FAILED: {', '.join(failed)}" if failed else "all of it holds")
    sys.exit(bool(failed))


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """A server on SQLite in a folder, which scores every post anew: its address and process.

    Python keeps its compiled sources, as it does unless told otherwise.
    """
    command = [str(Path(sys.executable).with_name("mingbian")), "serve", "--port", "0"]
    command += ["--cache-mb", "0"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout  # noqa: S101 - a pipe was asked for
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found  # noqa: S101 - it prints its address first
        try:
            yield found.group(), process.pid
        finally:
            process.kill()


async def _measure(address: str, process: int, seconds: int) -> list[str]:
    bodies = real_bodies()
    async with Client(address) as client:
        await closed(client, bodies, _WARM_UP_SECONDS)
        capacity = await closed(client, bodies, _CAPACITY_SECONDS)
        print(f"capacity: {capacity:.0f} posts/s, one a request, on {os.cpu_count()} cores")
        before = resident_mb(process)
        normal = await _open(client, bodies, _NORMAL * capacity, seconds)
        middle = resident_mb(process)
        _tell(f"{_NORMAL:.0%} of it for {seconds} s", normal)
        flood = await _open(client, bodies, _OVERLOAD * capacity, _OVERLOAD_SECONDS)
        after = resident_mb(process)
        _tell(f"{_OVERLOAD:.0%} of it for {_OVERLOAD_SECONDS} s", flood)
    slower = flood.percentile(99) / normal.percentile(99)
    print(f"p99 of the accepted: {slower:.2f} times (at most {_MAX_SLOWER:.0f})")
    print(
        f"resident: {before:.0f} MB before, {middle:.0f} MB after 80 %, {after:.0f} MB at the end"
    )
    checks = {
        "p99 of the accepted under overload": slower <= _MAX_SLOWER,
        "refusals at 80 %": normal.refused <= _MAX_REFUSED_NORMALLY,
        "overload is refused with 503 alone": set(flood.statuses) == {_OK, _BUSY},
        "memory": after - before <= _MAX_GROWTH_MB,
    }
    return [name for name, holds in checks.items() if not holds]


def real_bodies() -> list[bytes]:
    """Real-length posts, each new to the store, in an order of their own."""
    rows = posts(load_corpus(corpus_folder()))
    random.Random(_SEED).shuffle(rows)
    names = {"data_id", "text", "title", "platform", "author", "declared", "metadata"}
    return [
        json.dumps({"items": [row.model_dump(mode="json", include=names)]}).encode()
        for row in rows[:4000]
    ]


async def closed(client: "Client", bodies: list[bytes], seconds: int) -> float:
    """Posts a second of as many clients as keep every core busy."""
    end = time.perf_counter() + seconds
    done = 0

    async def ask(place: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await _ask(client, bodies[(place * 997 + done) % len(bodies)])
            done += 1

    await asyncio.gather(*(ask(place) for place in range(2 * (os.cpu_count() or 1))))
    return done / seconds


async def _open(client: "Client", bodies: list[bytes], rate: float, seconds: int) -> Seen:
    """Requests that come whether or not earlier ones were answered, at random moments."""
    rng = random.Random(_SEED)
    seen, running = Seen(), set[asyncio.Task[None]]()
    start = time.perf_counter()
    at, number = 0.0, 0

    async def ask(body: bytes) -> None:
        seen.add(*await _ask(client, body))

    while at < seconds:
        await asyncio.sleep(max(0.0, start + at - time.perf_counter()))
        task = asyncio.create_task(ask(bodies[number % len(bodies)]))
        running.add(task)
        task.add_done_callback(running.discard)
        at, number = at + rng.expovariate(rate), number + 1
    await asyncio.gather(*running)
    return seen


async def _ask(client: "Client", body: bytes) -> tuple[int, float]:
    begun = time.perf_counter()
    status = await client.post("/v1/score", body)
    return status, time.perf_counter() - begun


def _tell(what: str, seen: Seen) -> None:
    print(
        f"{what}: p50 {seen.percentile(50):.0f} ms, p99 {seen.percentile(99):.0f} ms, "
        f"answers {dict(sorted(seen.statuses.items()))}"
    )


def resident_mb(process: int) -> float:
    """Megabytes that a process holds."""
    status: Any = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return 1.024e-3 * int(re.search(r"VmRSS:\s+(\d+)", status).group(1))  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
