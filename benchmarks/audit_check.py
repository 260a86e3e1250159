"""Shows that audits hold: a million posts, random kills, broken files, Ray, and the report.

python benchmarks/audit_check.py [--posts 1000000] [--inputs 50000] [--distinct 20000] [--kills 20]

Prints the figures; exits with 1 if one falls short. The report is opened in headless Chromium,
which has to be installed.
"""

import argparse
import gzip
import hashlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from peer import pipeline, real_length_posts
from timing import rates_in_turns

from labels.dataset import corpus_folder

_SEED = 20250729
_MINGBIAN = Path(sys.executable).with_name("mingbian")
_MAX_SECONDS = 30 * 60
_MIN_RATIO = 12.0
_MAX_GROWTH = 1.25
_PEER_POSTS = 200
_RAY_POSTS = 8_000
_KILL_POSTS, _KILL_INPUTS = 12_000, 3_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FIELDS = ("data_id", "text", "title", "platform", "author", "declared", "metadata")
#: what of a post a person might change when copying it
_SIGNS = "，。！、的了是我在"

Record = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """One run of the command: exit status, seconds, and the most memory it held."""

    status: int
    seconds: float
    megabytes: float
    said: str


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--inputs", type=int, default=50_000)
    parser.add_argument("--distinct", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        checks: dict[str, Callable[[], bool]] = {
            "broken files": lambda: broken(work),
            "random kills": lambda: kills(work, asked.kills),
            "ray": lambda: ray(work),
            "report": lambda: report(work),
            "rate": lambda: rate(work, asked.distinct),
            "a million posts": lambda: many(work, asked.posts, asked.inputs),
        }
        failed = [name for name, check in checks.items() if not check()]
    print("audit check:", f"FAILED: {', '.join(failed)}" if failed else "all of it holds")
    sys.exit(bool(failed))


def many(work: Path, posts: int, inputs: int) -> bool:
    """So many posts of so many distinct inputs, beside a tenth of the posts for the memory."""
    source = work / "many"
    source.mkdir()
    _write_parquet(source / "a.parquet", _copies(posts // 2, inputs, "a"))
    with gzip.open(source / "b.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
        file.writelines(f"{_line(post)}\n" for post in _copies(posts - posts // 2, inputs, "b"))
    small = work / "tenth.jsonl"
    _write_jsonl(small, _copies(posts // 10, inputs, "c"))
    less, all_of_it = _audit(small, work / "out_tenth"), _audit(source, work / "out_many")
    counts = _summary(work / "out_many")["rows"]
    growth = all_of_it.megabytes / less.megabytes
    print(
        f"many: {counts['read']} posts of {counts['distinct_inputs']} distinct inputs in "
        f"{all_of_it.seconds:.0f} s, {all_of_it.megabytes:.0f} MB at most; a tenth of the posts "
        f"{less.seconds:.0f} s, {less.megabytes:.0f} MB"
    )
    return (
        all_of_it.status == 0
        and counts["read"] == posts
        and all_of_it.seconds < _MAX_SECONDS
        and growth < _MAX_GROWTH
    )


def rate(work: Path, posts: int) -> bool:
    """Distinct posts a second, beside ``transformers.pipeline`` on posts of the same length."""
    source = work / "distinct.jsonl"
    _write_jsonl(source, _distinct(posts, random.Random(_SEED)))
    ran = _audit(source, work / "out_distinct")
    counts = _summary(work / "out_distinct")["rows"]
    ((_, peer),) = rates_in_turns([pipeline(real_length_posts(_PEER_POSTS))])
    ours = posts / ran.seconds
    print(
        f"rate: {counts['distinct_inputs']} distinct posts at {ours:.1f} a second, start and "
        f"report included, {ours / peer:.1f} times transformers.pipeline ({peer:.1f})"
    )
    return ran.status == 0 and counts["distinct_inputs"] == posts and ours >= _MIN_RATIO * peer


def kills(work: Path, times: int) -> bool:
    """Kill one run so often, at random moments, and compare its bytes with an undisturbed one."""
    source, killed = work / "kills.jsonl", work / "out_killed"
    _write_jsonl(source, _copies(_KILL_POSTS, _KILL_INPUTS, "k"))
    whole = _audit(source, work / "out_whole")
    draw = random.Random(_SEED)
    stages: list[str] = []
    while len(stages) < times:
        stage = _kill(source, killed, draw.uniform(0.5, whole.seconds))
        if stage is None:  # it came to its end before
            shutil.rmtree(killed)
        else:
            stages.append(stage)
    ended = _audit(source, killed)
    same = _digests(killed) == _digests(work / "out_whole")
    told = ", ".join(f"{stages.count(name)} in {name}" for name in sorted(set(stages)))
    print(f"kills: {len(stages)} ({told}); the bytes are {'the same' if same else 'NOT the same'}")
    return ended.status == 0 and same


def ray(work: Path) -> bool:
    """One and two workers of Ray give the rows that this process gives."""
    source = work / "ray.jsonl"
    _write_jsonl(source, _copies(_RAY_POSTS, _RAY_POSTS, "r"))
    local = _audit(source, work / "out_local")
    expected, agree = _digests(work / "out_local"), True
    for workers in (1, 2):
        out = work / f"out_ray_{workers}"
        asked = ("--engine", "ray", "--threads", str(workers), "--json-progress")
        ran = _audit(source, out, *asked)
        found = re.findall(r'"stage": "score".*"per_second": ([0-9.]+)', ran.said)
        agree &= ran.status == 0 and _digests(out) == expected
        scoring = f", scoring {found[-1]} posts a second" if found else ""
        print(f"ray: {workers} workers {ran.seconds:.1f} s{scoring}; local {local.seconds:.1f} s")
    print(f"ray: {'agrees' if agree else 'DOES NOT agree'} on every row")
    return agree


def broken(work: Path) -> bool:
    """Files that cannot be read, wholly or in part, beside one that can."""
    source = work / "broken"
    source.mkdir()
    good = list(_distinct(30, random.Random(1)))
    _write_jsonl(source / "good.jsonl", good)
    _write_parquet(source / "footer.parquet", good)
    whole = (source / "footer.parquet").read_bytes()
    (source / "footer.parquet").write_bytes(whole[:-20] + b"\0" * 20)
    gbk = _line({"data_id": "gbk", "text": "编码不同的一行"}).encode("gbk")
    (source / "encodings.jsonl").write_bytes(gbk + b"\n" + _line(_named(good[0], "e1")).encode())
    long = b'{"data_id": "long", "text": "' + b"x" * 50_000_000 + b'"}\n'
    (source / "long.jsonl").write_bytes(long + _line(_named(good[0], "l1")).encode())
    header = ",".join(["data_id", "text", *(f"column{n}" for n in range(9_998))])
    (source / "columns.csv").write_text(f"{header}\n1,a{',' * 9_998}\n", encoding="utf-8")
    (source / "empty.jsonl").write_bytes(b"")
    _write_jsonl(source / "repeated.jsonl", good[:2])
    ran = _audit(source, work / "out_broken")
    table = pq.read_table(work / "out_broken" / "errors.parquet").to_pylist()
    errors = [(row["file"], row["code"]) for row in table]
    expected = [
        ("columns.csv", "unreadable_file"),
        ("empty.jsonl", "empty_file"),
        ("encodings.jsonl", "invalid_json"),
        ("footer.parquet", "unreadable_file"),
        ("long.jsonl", "too_long"),
        *[("repeated.jsonl", "repeated_data_id")] * 2,
    ]
    decided = _summary(work / "out_broken")["rows"]["decided"]
    for row in table:
        print(f"broken: {row['file']}:{row['file_row']} {row['code']}: {row['detail'][:100]}")
    return ran.status == 2 and errors == expected and decided == len(good) + 2  # noqa: PLR2004


def report(work: Path) -> bool:
    """Open the report from file:// and see which addresses the browser asks for."""
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print(f"report: none of {', '.join(_BROWSERS)} is installed")
        return False
    log, picture = work / "net.json", work / "report.png"
    page = (work / "out_whole" / "report.html").as_uri()
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions",
            f"--log-net-log={log}", f"--screenshot={picture}", "--window-size=1440,1800",
            "--virtual-time-budget=3000", page,
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    asked = _asked_by_page(json.loads(log.read_text(encoding="utf-8")))
    print(
        f"report: {picture.stat().st_size} bytes of picture; the page asks for {asked or 'nothing'}"
    )
    return picture.stat().st_size > 10_000 and not asked  # noqa: PLR2004


def _asked_by_page(log: dict[str, Any]) -> list[str]:
    """Addresses asked for by the page itself; a browser's own services are not its doing."""
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    return sorted(
        {
            event["params"]["url"]
            for event in log["events"]
            if kinds[event["type"]] == "URL_REQUEST_START_JOB"
            and event.get("params", {}).get("initiator", "").startswith(("file", "null"))
            and not event["params"]["url"].startswith(("file:", "data:"))
        }
    )


def _audit(source: Path, out: Path, *more: str) -> Ran:
    """Run the command; memory is the most that the process held at once."""
    start = time.perf_counter()
    command = [str(_MINGBIAN), "audit", "run", str(source), "--out", str(out), *more]
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, stdout=said, stderr=said) as process:
            most = 0.0
            while process.poll() is None:
                most = max(most, _peak_megabytes(process.pid))
                time.sleep(0.2)
        said.seek(0)
        text = said.read()
    if process.returncode not in {0, 2}:
        print(text[-2_000:])
    seconds = time.perf_counter() - start
    return Ran(process.returncode, seconds, most, text)


def _peak_megabytes(process: int) -> float:
    """What a process held at most so far; a parent's own memory, unlike in ``ru_maxrss``, not."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:  # it has just ended
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _kill(source: Path, out: Path, after: float) -> str | None:
    """Kill a run after so many seconds; the stage it was in, None if it had come to its end."""
    command = [str(_MINGBIAN), "audit", "run", str(source), "--out", str(out), "--json-progress"]
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, stdout=said, stderr=said) as process:
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
        said.seek(0)
        stages = re.findall(r'"stage": "(\w+)"', said.read())
    if (out / "summary.json").exists():
        return None
    if (out / "decisions.parquet").exists():
        return "report"
    return stages[-1] if stages else "start"


def _digests(out: Path) -> dict[str, str]:
    names = ("decisions.parquet", "errors.parquet", "clusters.parquet", "summary.json")
    files = [out / name for name in (*names, "report.html")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return found


def _corpus() -> list[Record]:
    lines = [
        line
        for path in sorted(corpus_folder().glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    rows = [json.loads(line) for line in lines]
    return [{name: row[name] for name in _FIELDS if row.get(name) is not None} for row in rows]


def _distinct(count: int, draw: random.Random) -> Iterator[Record]:
    """Corpus posts, and again with a sign changed somewhere, each once."""
    rows = _corpus()
    draw.shuffle(rows)
    seen: set[str] = set()
    place = 0
    while len(seen) < count:
        row = dict(rows[place % len(rows)])
        text = row.get("text") or row["title"]
        if place >= len(rows):
            at = draw.randrange(len(text))
            text = text[:at] + draw.choice(_SIGNS) + text[at + 1 :]
            row["text"] = text
        place += 1
        key = json.dumps([row.get("title"), text, row.get("author"), row.get("declared")])
        if key in seen:
            continue
        seen.add(key)
        yield _named(row, f"d{len(seen)}")


def _copies(count: int, inputs: int, prefix: str) -> Iterator[Record]:
    """Posts drawn from so many distinct ones, each of those once at least if there is room."""
    draw = random.Random(_SEED)
    rows = list(_distinct(min(inputs, count), draw))
    order = [*range(len(rows)), *(draw.randrange(len(rows)) for _ in range(count - len(rows)))]
    draw.shuffle(order)
    for place, chosen in enumerate(order):
        row = rows[chosen]
        day, hour = 1 + place * 28 // count, place % 24
        yield _named(row, f"{prefix}{place}") | {
            "published_at": f"2026-09-{day:02}T{hour:02}:00:00+08:00",
            "author": {**row.get("author", {}), "account_id": f"a{place % 9_973}"},
        }


def _named(row: Record, data_id: str) -> Record:
    return {**row, "data_id": data_id}


def _line(row: Record) -> str:
    return json.dumps(row, ensure_ascii=False)


def _write_jsonl(path: Path, rows: Iterator[Record] | list[Record]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{_line(row)}\n" for row in rows)


def _write_parquet(path: Path, rows: Iterator[Record] | list[Record]) -> None:
    """Nested fields as JSON-like structs; metadata, which has any shape, stays out."""
    table = pa.Table.from_pylist(
        [{name: value for name, value in row.items() if name != "metadata"} for row in rows]
    )
    pq.write_table(table, path)


if __name__ == "__main__":
    main()
