"""Shows that the console holds up for who judges hundreds of cases beside 100,000 decisions.

python benchmarks/console_check.py [--decisions N] [--cases N] [--pictures FOLDER]

On SQLite and on PostgreSQL (``pgserver``) a store is filled, a real server started, and a reviewer
at a real Chromium judges cases by keyboard alone. Prints the figures; exits with 1 if one falls
short. What several people do together is a test: tests/serving/test_console.py.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.browser import CHROMIUM, Moderator, chromium
from benchmarks.console_store import PASSWORD, REVIEWER, back_up, fill, restore
from benchmarks.console_tour import filters, save_view, tour

_MAX_MS = 300.0
_WIDTHS = (1440, 390)
_EVIDENCE = "《核查记录》2026-118号"
_REASONS = "已查证，见证据"
#: one of so many cases is prompted, with evidence; where its button stands
_PROMPTED, _PLACE = 3, 2
_WAITING = 3_000


def main() -> None:
    """Fill, serve, judge, print; exit with 1 if a figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--pictures", type=Path)
    plan = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("no chromium on this machine; on Debian: apt-get install chromium")
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, url in _stores(Path(folder), plan.decisions, plan.cases + _WAITING):
            faults += _check(name, url, plan.cases, Path(folder), plan.pictures)
    for fault in faults:
        print(f"short: {fault}")
    print("the console falls short" if faults else "all of it holds")
    sys.exit(bool(faults))


def _stores(folder: Path, decisions: int, waiting: int) -> Iterator[tuple[str, str]]:
    """A filled store of each kind; the second is restored from a backup of the first.

    Gigabytes that were just written are on disk before a store is given: pages wait for it too.
    """
    first = f"sqlite:///{folder / 'console.db'}"
    begun = time.perf_counter()
    fill(first, decisions, waiting)
    back_up(first, folder / "backup")
    print(f"filled with {decisions:,} decisions in {time.perf_counter() - begun:.0f} s", flush=True)
    os.sync()
    yield "SQLite", first
    import pgserver  # noqa: PLC0415  only once the first store was judged

    server = pgserver.get_server(folder / "postgres")
    try:
        second = server.get_uri()
        restore(second, folder / "backup")
        os.sync()
        yield "PostgreSQL", second
    finally:
        server.cleanup()


def _check(name: str, url: str, cases: int, folder: Path, pictures: Path | None) -> list[str]:
    log = folder / f"{name}.log"
    faults: list[str] = []
    with _server(url, log) as address, chromium() as browser:
        for width in _WIDTHS:
            visitor = Moderator(browser, address, width)
            visitor.page.goto("/console")
            visitor.look()
            visitor.sign_in(REVIEWER, PASSWORD)
            tour(visitor)
            if pictures and name == "SQLite":
                _take_pictures(visitor, pictures, width)
            faults += visitor.faults
        amy = Moderator(browser, address)
        amy.sign_in(REVIEWER, PASSWORD)
        print(f"{name}: {filters(amy)} filters of the queue")
        save_view(amy)
        begun = time.perf_counter()
        judged = _judge(amy, cases)
        minutes = (time.perf_counter() - begun) / 60
        print(f"{name}: {judged} cases judged by keyboard, {judged / minutes:.0f} a minute")
        faults += amy.faults
    if judged != cases:
        faults.append(f"{name}: {judged} of {cases} cases judged")
    answered = _answered(log)
    broken = [each for each in answered if each["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR]
    faults += [f"{name}: {each}" for each in broken]
    return faults + _slow(name, _milliseconds(answered))


def _judge(amy: Moderator, cases: int) -> int:
    """Claim the next, decide, again: appeals first, then what waits for anybody."""
    before = _waiting(amy)
    amy.page.goto("/console")
    amy.press("n")
    for number in range(cases):
        _decide(amy, number)
    return before - _waiting(amy)


def _waiting(amy: Moderator) -> int:
    found: int = amy.page.request.get("/console/counts").json()["waiting"]
    return found


def _decide(amy: Moderator, number: int) -> None:
    """An appeal is answered, a second review given; of others a third leads to a prompt."""
    page, keyboard = amy.page, amy.page.keyboard
    amy.write("w", f"{_REASONS}，第{number + 1}件")
    if page.query_selector("button[name=verdict]"):
        amy.decide(1)
    elif number % _PROMPTED == 0 and page.query_selector("[data-key=a]"):
        keyboard.press("a")
        keyboard.press("1")
        amy.reach("#sentence")
        keyboard.insert_text(page.inner_text("[data-field=text]")[:20].strip())
        keyboard.press("Escape")
        amy.write("e", _EVIDENCE)
        page.wait_for_selector("button[value=prompt]:enabled")
        amy.decide(_PLACE)
    else:
        keyboard.press("4")
        amy.decide(1)


def _take_pictures(amy: Moderator, folder: Path, width: int) -> None:
    page = amy.page
    size = "" if width == max(_WIDTHS) else f"-{width}"
    page.goto("/console")
    page.screenshot(path=folder / f"console-queue{size}.png")
    page.goto("/console/overview")
    page.wait_for_selector("main:not(:has([data-reload]))")
    page.screenshot(path=folder / f"console-overview{size}.png")
    page.goto("/console/policies")
    page.locator("tbody tr:not(:has(.state-closed)) th a").click()
    page.wait_for_selector("main:not(:has([data-reload]))")
    backtest = page.locator("[aria-labelledby=backtest-title]")
    backtest.screenshot(path=folder / f"console-backtest{size}.png")
    for name, query in (("appeal", "kind=appeal"), ("case", "kind=review&state=open")):
        page.goto(f"/console?{query}")
        amy.press("n")
        page.wait_for_selector("#post:not([data-pending])")
        page.screenshot(path=folder / f"console-{name}{size}.png")
        amy.press("r")


@contextmanager
def _server(url: str, log: Path) -> Iterator[str]:
    """``mingbian serve`` on a store; its address. A line of the log tells of each request."""
    command = [str(Path(sys.executable).with_name("mingbian")), "serve", "--port", "0"]
    with (
        log.open("w", encoding="utf-8") as told,
        subprocess.Popen(
            [*command, "--store", url], stdout=subprocess.PIPE, stderr=told, text=True
        ) as process,
    ):
        assert process.stdout  # noqa: S101 - a pipe was asked for
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found  # noqa: S101 - it prints its address first
        try:
            yield found.group()
        finally:
            process.terminate()


def _answered(log: Path) -> list[Mapping[str, Any]]:
    """What the server's log says of each request to the console."""
    lines = log.read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [each for each in told if each["route"].startswith("/console")]


def _milliseconds(answered: Sequence[Mapping[str, Any]]) -> Mapping[str, list[float]]:
    """Server time of each request, by route."""
    found: dict[str, list[float]] = defaultdict(list)
    for each in answered:
        found[f"{each['method']} {each['route']}"].append(each["ms"])
    return found


def _slow(name: str, found: Mapping[str, Sequence[float]]) -> list[str]:
    slow = []
    for route, times in sorted(found.items()):
        high = quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
        print(
            f"{name}: {route}: {len(times)} requests, median {median(times):.0f} ms, "
            f"p95 {high:.0f} ms, longest {max(times):.0f} ms"
        )
        if max(times) > _MAX_MS:
            slow.append(f"{name}: {route} took {max(times):.0f} ms, {_MAX_MS:.0f} at most")
    return slow


if __name__ == "__main__":
    main()
