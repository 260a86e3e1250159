"""Shows that no request breaks the server: schemathesis, then malformed bodies from a seed.

python benchmarks/fuzz.py [--bodies N] [--seconds N] [--seed N]

Prints the figures; exits with 1 if one falls short. PostgreSQL comes from ``pgserver``; each store
gets half of the bodies, both at the same time.
"""

import argparse
import copy
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.load import resident_mb
from policy.pack import default_pack_path
from serving import people
from serving.people import Role
from serving.problems import MEDIA_TYPE
from serving.store.database import Database
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR

_ROOT = Path(__file__).parents[1]
MAX_GROWTH_MB = 64.0
WORKERS = 3
_SEED = 20250729
_UNLIMITED = 100_000_000
_USER = "fuzz"
_JSON = "application/json"
_LOG = "server.log"
_TIMEOUT_SECONDS = 60.0
#: of the bodies, before the memory is first looked at
_WARM_UP = 0.1
#: so many bodies to one request without a body
_BODIES_A_QUERY = 16
_ACCOUNTS = 40
#: by itself, since schemathesis finds its own key in the list and revokes it
_REVOKE = "/v1/keys/{key_id}/revoke"
_CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance")
_MARK = "@@here@@"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything: bodies, and seconds of schemathesis. ``short``: a taste of it."""

    bodies: int = 100_000
    seconds: int = 120
    seed: int = _SEED
    short: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path of the OpenAPI document, with the statuses that it documents."""

    method: str
    path: str
    statuses: frozenset[int]
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shot:
    """A request as it is sent."""

    operation: Operation
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs, its store, and a key to all of it."""

    address: str
    store: str
    key: str
    process: int

    @property
    def kind(self) -> str:
        """Of its store."""
        return self.store.partition(":")[0]


@dataclass(slots=True)
class Score:
    """Statuses that came back; faults, each kind with how often and its first request."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, shot: Shot, status: int, fault: str | None) -> None:
        """Count an answer."""
        self.statuses[status] += 1
        if fault is None:
            return
        kind = f"{shot.operation.method} {shot.operation.path}: {status}: {fault}"
        seen, first = self.faults.get(kind, (0, ""))
        example = f"{shot.target:.300} {shot.headers} {shot.body[:400]!r}"
        self.faults[kind] = (seen + 1, first or example)


def main() -> None:
    """Run all of it on both stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bodies", "seconds", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    whole = Plan(**vars(parser.parse_args()))
    half = replace(whole, bodies=whole.bodies // 2)
    with tempfile.TemporaryDirectory() as folder, _postgres() as postgres, _pool() as pool:
        stores = (f"sqlite:///{folder}/store.db", postgres)
        for store in stores:
            _key(store)  # migrations of several stores at once get into each other's way
        faults = list(chain.from_iterable(pool.map(partial(trial, plan=half), stores)))
    print("fuzz:", f"FAILED: {len(faults)} faults" if faults else "all of it holds")
    sys.exit(bool(faults))


def trial(store: str, plan: Plan) -> list[str]:
    """Run all of it on an empty store and print the figures; what does not hold."""
    with tempfile.TemporaryDirectory() as name, _server(store, Path(name)) as server:
        folder = Path(name)
        faults = documented(server, plan, folder) + throw(server, plan)
        if faults:
            faults += _raised((folder / _LOG).read_text(encoding="utf-8", errors="replace"))
    for fault in faults:
        print(f"FAULT: {server.kind}: {fault}")
    return faults


def _raised(log: str) -> list[str]:
    """What a server's log says of exceptions, and how often."""
    found = Counter(re.findall(r"^[\w.]+(?:Error|Exception)\b.*", log, re.MULTILINE))
    return [f"log: {seen} x {what:.300}" for what, seen in found.most_common()]


def documented(server: Server, plan: Plan, folder: Path) -> list[str]:
    """What schemathesis finds: server errors, undocumented statuses and media types."""
    if plan.short:
        few = ["--phases", "fuzzing", "--max-examples", "1"]
        return _schemathesis(server, folder, plan, ["--exclude-path", _REVOKE, *few])
    whole = ["--phases", "coverage,fuzzing,stateful", "--max-time", str(plan.seconds)]
    found = _schemathesis(server, folder, plan, ["--exclude-path", _REVOKE, *whole])
    return found + _schemathesis(server, folder, plan, ["--include-path", _REVOKE])


def throw(server: Server, plan: Plan) -> list[str]:
    """What malformed bodies and parameters lead to, and how the memory grows."""
    aim = Aim.at(server)
    score, begun = Score(), time.perf_counter()
    warm = round(plan.bodies * _WARM_UP)
    _salvo(server, aim, score, plan.seed, range(warm))
    before = resident_mb(server.process)
    _salvo(server, aim, score, plan.seed, range(warm, plan.bodies))
    grown = resident_mb(server.process) - before
    seconds = time.perf_counter() - begun
    answers = dict(sorted(score.statuses.items()))
    print(
        f"{server.kind}: {plan.bodies} bodies in {seconds:.0f} s; answers {answers}; "
        f"memory {before:.0f} MB after {warm} of them, {grown:+.0f} MB at the end (at most "
        f"{MAX_GROWTH_MB:+.0f})"
    )
    faults = [f"{seen} x {kind}: {first}" for kind, (seen, first) in sorted(score.faults.items())]
    return faults + ([f"memory grew by {grown:.0f} MB"] if grown > MAX_GROWTH_MB else [])


@dataclass(frozen=True, slots=True)
class Aim:
    """What to shoot at: operations, sound bodies of those that take one, ids that exist."""

    posts: tuple[Operation, ...]
    gets: tuple[Operation, ...]
    sound: Mapping[str, Sequence[Any]]
    known: Mapping[str, Sequence[str]]

    @classmethod
    def at(cls, server: Server) -> "Aim":
        """Read the document of a server, and give it posts, cases and a decision."""
        with closing(Line(server)) as line:
            document = line.ask("GET", "/openapi.json")
            known = _known(line)
        operations = list(_operations(document))
        sound = _sound(known)
        takers = {
            path for path, methods in document["paths"].items() if _takes_body(methods.get("post"))
        }
        if takers != set(sound):
            raise RuntimeError(f"_sound() and the document differ in {takers ^ set(sound)}")
        posts = tuple(each for each in operations if each.method == "POST")
        gets = tuple(each for each in operations if each.method == "GET")
        return cls(posts, gets, sound, known)


class Line:
    """A connection that is kept, and opened anew where the server closed it."""

    def __init__(self, server: Server) -> None:
        """To a server, with its key."""
        parts = urlsplit(server.address)
        self._http = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
        self._headers = {"Authorization": f"Bearer {server.key}"}

    def close(self) -> None:
        """End it."""
        self._http.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that must be a good one."""
        sent = None if body is None else json.dumps(body)
        self._http.request(method, path, sent, {**self._headers, "Content-Type": _JSON})
        answer = self._http.getresponse()
        text = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r:.300}")
        return json.loads(text)

    def fire(self, shot: Shot) -> tuple[int, str | None]:
        """The status of the answer, and what is wrong with it."""
        try:
            # the server may have closed a connection that it kept; it must answer on a new one
            try:
                answer, text = self._send(shot)
            except ConnectionError:
                self._http.close()
                answer, text = self._send(shot)
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            return 0, f"no answer: {type(error).__name__}: {error}"
        return answer.status, _fault(shot.operation, answer, text)

    def _send(self, shot: Shot) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {**self._headers, **shot.headers}
        self._http.request(shot.operation.method, shot.target, shot.body, headers)
        answer = self._http.getresponse()
        return answer, answer.read()


def _salvo(server: Server, aim: Aim, score: Score, seed: int, numbers: range) -> None:
    """Send the shots of these numbers over several connections."""

    def worker(mine: range) -> list[tuple[Shot, int, str | None]]:
        shots = chain.from_iterable(shots_of(aim, seed, number) for number in mine)
        with closing(Line(server)) as line:
            fired = ((shot, *line.fire(shot)) for shot in shots)
            return [found if found[2] else (_PLAIN, found[1], None) for found in fired]

    with _pool() as pool:
        parts = [numbers[at::WORKERS] for at in range(WORKERS)]
        for shot, status, fault in chain.from_iterable(pool.map(worker, parts)):
            score.add(shot, status, fault)


#: stands for a request that was answered well and need not be kept
_PLAIN = Shot(Operation("", "", frozenset(), ()), "", {}, b"")


def shots_of(aim: Aim, seed: int, number: int) -> Iterator[Shot]:
    """The request of a number, the same for the same seed and ids; every so often two."""
    rng = random.Random(f"{seed} {number}")
    operation = rng.choice(aim.posts)
    body = rng.choice(aim.sound.get(operation.path, [{}]))
    spoil = rng.choice(SPOILS)
    headers = _headers(rng)
    yield Shot(operation, _target(rng, operation, aim.known), headers, spoil(rng, body))
    if number % _BODIES_A_QUERY == 0:
        query = rng.choice(aim.gets)
        yield Shot(query, _target(rng, query, aim.known), _headers(rng), b"")


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS)


def _fault(operation: Operation, answer: http.client.HTTPResponse, text: bytes) -> str | None:
    """What is wrong with an answer, or None."""
    status, media = answer.status, answer.headers.get("content-type", "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server error"
    # a path whose parameter is empty or has a slash leads nowhere
    if status not in {*operation.statuses, HTTPStatus.NOT_FOUND}:
        return "undocumented status"
    return None if operation.path in _TEXTUAL else _fault_of_text(status, media, text)


def _fault_of_text(status: int, media: str, text: bytes) -> str | None:
    if media != (_JSON if status < HTTPStatus.BAD_REQUEST else MEDIA_TYPE):
        return f"media type {media!r}"
    try:
        told = json.loads(text.decode(), parse_constant=_refuse)
    except ValueError as error:
        return f"not JSON: {error}"
    if status >= HTTPStatus.BAD_REQUEST and told.get("status") != status:
        return f"problem tells of status {told.get('status')}"
    return None


_TEXTUAL = ("/metrics",)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


# requests


_CONTENT_TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/xml",
    "application/vnd.api+json",
    "*/*",
    "nonsense",
    "",
)
_ONCE = ("", " ", "k", "k" * 256, "\xff\xfe", "\u00a0", "k\tk", '"k"', "%00")
#: of path and query parameters, before they are percent-encoded
_PARAMETERS = (
    "",
    ".",
    "..",
    "a/b",
    "\0",
    "a\0b",
    "\r\n",
    "\x1b[31m",
    "\x7f",
    "\u202e",
    "\ufffe",
    "明辨",
    "'; --",
    "%",
    "%00",
    "{case_id}",
    "-1",
    "9" * 30,
    "1e999",
    "nan",
    "x" * 257,
    "x" * 3000,
)
_BYTES = ("%ff%fe", "%c0%80", "%ed%a0%80", "%e6%98", "%0", "%zz", "+")
#: base64 of what is no position in a list: deep, endless, of wrong types, without text
_CURSORS = (
    "W1tbW1tb",
    "WzFd",
    "WyJhIl0=",
    "WzFlOTk5XQ==",
    "W05hTl0=",
    "WyJcdTAwMDAiXQ==",
    "WyJcdWQ4MDAiXQ==",
    "WzFlOTk5LCJhIl0=",
    "W05hTiwiYSJd",
    "WyJhIiwxXQ==",
    "WzEsIlx1ZDgwMCJd",
    "WzEsIlx1MDAwMCJd",
    "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ==",
    "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJhIl0=",
    "W3t9XQ==",
    "bnVsbA==",
    "é",
    "W1tb" * 2000,
)


def _headers(rng: random.Random) -> dict[str, str]:
    headers = {"Content-Type": rng.choice(_CONTENT_TYPES) if _one_in(rng, 8) else _JSON}
    return {**headers, "Idempotency-Key": rng.choice(_ONCE)} if _one_in(rng, 8) else headers


def _target(rng: random.Random, operation: Operation, known: Mapping[str, Sequence[str]]) -> str:
    """The path, some of its parameters real and some junk, and junk for every query parameter."""

    def parameter(match: re.Match[str]) -> str:
        real = known.get(match.group(1))
        if real and _one_in(rng, 2):
            return quote(rng.choice(real), safe="")
        return _junk(rng, _PARAMETERS)

    path = re.sub(r"\{(\w+)(?::path)?\}", parameter, operation.path)
    asked = [name for name in operation.queries if _one_in(rng, 2)]
    values = {name: _junk(rng, _CURSORS if name == "cursor" else _PARAMETERS) for name in asked}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    return f"{path}?{query}" if query else path


def _junk(rng: random.Random, texts: Sequence[str]) -> str:
    return rng.choice(_BYTES) if _one_in(rng, 4) else quote(rng.choice(texts), safe="")


def _one_in(rng: random.Random, odds: int) -> bool:
    return rng.randrange(odds) == 0


# bodies


#: JSON texts, and what is none, that take the place of a value
_TEXTS = (
    '"\\u0000"',
    '"a\\u0000b"',
    '"\0"',
    '"\x1f\n"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ufffe\\u202e\\ufeff"',
    '"\\x"',
    '"\\u12"',
    '"',
    '""',
    '" "',
    '"null"',
    f'"{"x" * 256}"',
    f'"{"x" * 257}"',
    f'"{"长" * 5_001}"',
    f'"{"x" * 20_001}"',
    f'"{"x" * 500_000}"',
)
_NUMBERS = (
    "1e999",
    "-1e999",
    "1e-999",
    "1" + "0" * 5_000,
    "1" + "0" * 400,
    "-0",
    "NaN",
    "Infinity",
    "-Infinity",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "2147483648",
    "00",
    "1.",
    "+1",
    "0x10",
    "1_0",
    "0.5",
    "-1",
)
_OTHERS = ("null", "true", "[]", "{}", "[[]]", '{"":""}', "tru", "'a'", "//", "[1,]", '{"a":}', "")
_DEPTHS = (50, 254, 900, 5_000, 100_000)
_ODD_BYTES = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe6\x98", b"\0")
_CHARACTERS = ("\0", "\ud800", "\udfff", "\ufffe", "\u202e", "\x1b", "\r\n", "\u2028", "é", "𠀀")
_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "gb18030", "utf-8-sig")
_MOMENTS = (
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "0000-00-00T00:00:00Z",
    "2025-02-30T00:00:00Z",
    "2025-01-01T00:00:00",
    "2025-01-01T24:00:00Z",
    "1e20",
    1e300,
    -1,
    253402300800,
    9e18,
)
_URLS = (
    "http://[",
    "http://[::1]/",
    "http://[fe80::1%25eth0]/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:x/",
    "http://@/",
    "http://a@127.0.0.1:9",
    "http://0/",
    "http://0x7f000001/",
    "http://" + "a" * 300 + "/",
    "http://" + "a." * 900 + "/",
    "http://.../",
    "http://127.0.0.1\\@/",
    "https://:443",
    "http:///x",
    "http://xn--/",
)
#: what a line of a policy pack may say
_LINES = ("id", "version", "notice", "first", "short", "open_days", "threshold")
_VALUES = ('"\\0"', '"\\ud800"', "x" * 300, "2025-99-99", ".nan", "[a]", "{}", "*a", "", "null")
_YAML = (
    "a: &a [*a]",
    "&a {id: *a}",
    "? [a, b]\n: c",
    "? {a: b}\n: c",
    "{[a]: b}",
    "campaign: {first: 2025-99-99}",
    "id: 2025-02-30 00:00:00",
    "id: !!python/object/apply:os.system [ls]",
    "id: !!binary '='",
    "id: !!int x",
    "id: !!float x",
    "id: !!timestamp x",
    "id: !!set [a]",
    "id: !!omap {a: b}",
    "<<: a",
    "<<: [a]",
    "id: 0b",
    "id: 0x_",
    "id: 1:99:99",
    "id: " + "9" * 5_000,
    "id: .inf\nversion: .nan",
    "[" * 3_000,
    "{a: " * 3_000,
    "- " * 3_000,
    "*a",
    "--- a\n--- b",
    "%YAML 9.9\n---\na",
    "\ufeffid: a",
    "id: \x85\u2028",
    "id: 'a",
    "\t",
    "",
    "null",
    "a: &a [x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n"
        for old, new in zip("abcd", "bcde", strict=True)
    )
    + "id: *e",
)
#: what is nasty in a field of this name
_NASTY: Mapping[str, Sequence[Any]] = {
    "at": _MOMENTS,
    "expires_at": _MOMENTS,
    "published_at": _MOMENTS,
    "event_date": _MOMENTS,
    "url": _URLS,
    "source": _YAML,
    "days": (-1, 0, 3650, 3651, 10**30, 0.5, "1", True),
}

Spoil = Callable[[random.Random, Any], bytes]
_Path = tuple[str | int, ...]


def _cut(rng: random.Random, body: Any) -> bytes:
    """Ends early."""
    text = json.dumps(body, ensure_ascii=False).encode()
    return text[: rng.randrange(len(text))]


def _recoded(rng: random.Random, body: Any) -> bytes:
    """In an encoding that JSON has not."""
    text = json.dumps(body, ensure_ascii=False)
    if _one_in(rng, 5):
        return text.encode("latin-1", "replace")
    return text.encode(rng.choice(_ENCODINGS))


def _odd_bytes(rng: random.Random, body: Any) -> bytes:
    """Bytes that are no UTF-8 somewhere."""
    text = json.dumps(body, ensure_ascii=False).encode()
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_ODD_BYTES) * rng.randint(1, 3) + text[at:]


def _grafted(rng: random.Random, body: Any) -> bytes:
    """Something else in the place of a value."""
    raw = rng.choice(rng.choice((_TEXTS, _NUMBERS, _OTHERS)))
    return _with(body, rng.choice(list(_paths(body)) or [()]), raw)


def _bombed(rng: random.Random, body: Any) -> bytes:
    """Nested without end, as a whole or in the place of a value."""
    depth = rng.choice(_DEPTHS)
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    raw = opening * depth + "1" + closing * depth * rng.randint(0, 1)
    return _with(body, rng.choice([(), *_paths(body)]), raw)


def _spoilt_text(rng: random.Random, body: Any) -> bytes:
    """An odd character in one text, which stays what it was otherwise."""
    texts = [path for path in _paths(body) if isinstance(_at(body, path), str)]
    if not texts:
        return _bare(rng, body)
    path = rng.choice(texts)
    text = _at(body, path)
    at = rng.randrange(len(text) + 1)
    changed = text[:at] + rng.choice(_CHARACTERS) * rng.randint(1, 3) + text[at:]
    return _with(body, path, json.dumps(changed))


def _nul_everywhere(_: random.Random, body: Any) -> bytes:
    """A NUL at the end of every text."""
    return re.sub(r'(?<=[^\\])"(?=[,}\]])', '\\\\u0000"', json.dumps(body)).encode()


def _renamed(rng: random.Random, body: Any) -> bytes:
    """A further field with an odd name."""
    name = json.dumps(rng.choice((*_CHARACTERS, "", "__class__", "x" * 10_000, "~/")))
    return _with(body, rng.choice([(), *_paths(body)]), f"{{{name}: 1}}", more=True)


def _doubled(rng: random.Random, body: Any) -> bytes:
    """Every name twice, once with something else."""
    text = json.dumps(body)
    other = rng.choice((*_NUMBERS, *_OTHERS))
    return re.sub(r'([{,] ?)("\w+":)', rf"\g<1>\g<2> {other}, \g<2>", text).encode()


def _lacking(rng: random.Random, body: Any) -> bytes:
    """Without one of its parts."""
    body = copy.deepcopy(body)
    paths = list(_paths(body))
    if paths:
        *way, last = rng.choice(paths)
        del _at(body, tuple(way))[last]
    return json.dumps(body).encode()


def _nasty(rng: random.Random, body: Any) -> bytes:
    """What is nasty for the kind of a field; where it has none such, any value."""
    fields = [path for path in _paths(body) if path[-1] in _NASTY]
    if not fields:
        return _grafted(rng, body)
    path = rng.choice(fields)
    value = rng.choice(_NASTY[str(path[-1])])
    if path[-1] == "source" and _one_in(rng, 2):
        value = _pack_with(rng.choice(_VALUES), rng.choice(_LINES), _at(body, path))
    return _with(body, path, json.dumps(value))


def _pack_with(value: str, line: str, source: str) -> str:
    """A policy pack with another value on a line."""
    return re.sub(rf"^( *{line}:) .*$", lambda found: f"{found[1]} {value}", source, flags=re.M)


def _bare(rng: random.Random, _: Any) -> bytes:
    """No object at all."""
    if _one_in(rng, 5):
        return rng.randbytes(rng.randrange(300))
    return rng.choice((*_TEXTS, *_NUMBERS, *_OTHERS)).encode("utf-8", "surrogatepass")


SPOILS: tuple[Spoil, ...] = (
    _cut,
    _recoded,
    _odd_bytes,
    _grafted,
    _grafted,
    _bombed,
    _spoilt_text,
    _spoilt_text,
    _nul_everywhere,
    _renamed,
    _doubled,
    _lacking,
    _nasty,
    _nasty,
    _bare,
)


def _paths(value: Any, way: _Path = ()) -> Iterator[_Path]:
    """To everything inside a body."""
    inside: Collection[Any] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for name, inner in inside:
        yield (*way, name)
        yield from _paths(inner, (*way, name))


def _at(value: Any, path: _Path) -> Any:
    for name in path:
        value = value[name]
    return value


def _with(body: Any, path: _Path, raw: str, *, more: bool = False) -> bytes:
    """A body with a raw text at a path; ``more``: beside what an object there has."""
    if not path and not more:
        return raw.encode("utf-8", "surrogatepass")
    body = copy.deepcopy(body)
    was = _at(body, path)
    if more and isinstance(was, dict):
        inner = raw.strip("{}")
        was[_MARK] = _MARK
        return json.dumps(body).replace(f'"{_MARK}": "{_MARK}"', inner).encode()
    if not path:
        return raw.encode()
    _at(body, path[:-1])[path[-1]] = _MARK
    return json.dumps(body).replace(f'"{_MARK}"', raw).encode("utf-8", "surrogatepass")


# what is there to be asked


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            statuses = frozenset(int(status) for status in told["responses"])
            asked = [each["name"] for each in told.get("parameters", ()) if each["in"] == "query"]
            yield Operation(method.upper(), path, statuses, tuple(asked))


def _takes_body(told: Mapping[str, Any] | None) -> bool:
    return told is not None and "requestBody" in told


def _known(line: Line) -> dict[str, list[str]]:
    """Ids of posts that were scored, of cases that are held, of a sanction and an appeal."""
    items = [_post(FAKE_DOCTOR, number) for number in range(_ACCOUNTS)]
    results = line.ask("POST", "/v1/score", {"items": items})["results"]
    cases = line.ask("GET", "/v1/cases?limit=100")["cases"]
    for case in cases:
        line.ask("POST", f"/v1/cases/{case['case_id']}/claim")
    verdict = {**_VERDICT, "step": "warning"}
    line.ask("POST", f"/v1/cases/{cases[0]['case_id']}/decide", verdict)
    policies = line.ask("GET", "/v1/policies")["policies"]
    models = line.ask("GET", "/v1/models")["models"]
    return {
        "case_id": [case["case_id"] for case in cases],
        # the sanction's, about which most can be asked, is the first
        "decision_id": sorted(
            (result["decision_id"] for result in results),
            key=lambda found: found != cases[0]["decision_id"],
        ),
        "account_id": [item["author"]["account_id"] for item in items],
        "data_id": [item["data_id"] for item in items],
        "reporter_id": ["r1"],
        "sha256": [each["sha256"] for each in (*policies, *models)],
    }


def _post(post: Mapping[str, Any], number: int) -> dict[str, Any]:
    author = {**post["author"], "account_id": f"u{number}"}
    return {**post, "data_id": f"p{number}", "author": author}


_VERDICT = {
    "verdict": "decide",
    "findings": {
        "clauses": ["4.3"],
        "claim_status": "false",
        "evidence": ["《中国高血压防治指南》：降压药不可自行停用"],
        "sentence": "三个疗程停掉降压药",
    },
    "step": "none",
    "reasons": "见指南",
}


def _sound(known: Mapping[str, Sequence[str]]) -> dict[str, list[Any]]:
    """Bodies that are in order, of every operation that takes one."""
    whole = {
        **_post(FAKE_DOCTOR, 0),
        "title": "良心话",
        "platform": "web",
        "published_at": "2025-08-01T08:00:00+08:00",
        "declared": {"ai_generated": False, "source": "自述", "event_date": "2025-08-01"},
        "metadata": {"AIGC": '{"Label": "1", "ContentProducer": "x"}'},
        "callback": {"id": 7},
    }
    decisions = known["decision_id"][:3]
    report = {"reporter_id": "r1", "data_id": "p0", "reason": "假医生", "category": "impersonation"}
    written = {"reasons": "已核对"}
    verdicts = ("confirm", "reject", "uphold", "overturn")
    past = {"decision_id": "old", "at": "2025-07-01T00:00:00+08:00", "step": "warning", "days": 0}
    return {
        "/v1/score": [{"items": [whole]}, {"items": [whole, REAL_DOCTOR], "store": "non_pass"}],
        "/v1/precheck": [{"items": [whole]}],
        "/v1/cases/{case_id}/decide": [
            {**_VERDICT, "step": "warning"},
            _VERDICT,
            *({"verdict": verdict, **written} for verdict in verdicts),
        ],
        "/v1/accounts/{account_id}/history": [{"items": [past]}],
        "/v1/reports": [report, {**report, "post": whole}],
        "/v1/appeals": [
            {"decision_id": each, "account_id": "u0", "statement": "我是医师"} for each in decisions
        ],
        "/v1/sanctions/{decision_id}/failed": [{"reason": "账号已注销"}],
        "/v1/policies": [{"source": default_pack_path().read_text(encoding="utf-8")}],
        "/v1/models/{sha256}/release": [
            {"stage": "shadow", "reason": "试运行"},
            {"stage": "canary", "share": 0.1, "reason": "试运行"},
        ],
        "/v1/models/rollback": [{"reason": "误报增多"}],
        # a private address: nothing is ever sent
        "/v1/webhooks": [{"url": "http://127.0.0.1:9/hook", "kinds": ["sanction.due"]}],
        "/v1/keys": [{"roles": ["scorer"], "expires_at": "2030-01-01T00:00:00Z"}],
    }


# the server


@contextmanager
def _server(store: str, folder: Path) -> Iterator[Server]:
    """``mingbian serve`` as a process, on an empty store."""
    key = _key(store)
    command = [_beside("mingbian"), "serve", "--port", "0", "--store", store]
    with (
        (folder / _LOG).open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=folder) as process,
    ):
        greeting = process.stdout.readline().decode() if process.stdout else ""
        found = re.search(r"http://\S+", greeting)
        if not found:
            raise RuntimeError(f"the server on {store} does not start")
        try:
            yield Server(found.group(), store, key, process.pid)
        finally:
            process.kill()


def _key(store: str) -> str:
    """A new key of all roles."""
    database = Database(store)
    database.migrate()
    with database.write() as connection:
        if not people.has_users(connection):
            people.add_user(connection, _USER, tuple(Role))
        _, key = people.issue_key(connection, _USER, tuple(Role), per_minute=_UNLIMITED)
    database.close()
    return key


@contextmanager
def _postgres() -> Iterator[str]:
    """The URL of a new database."""
    import pgserver  # noqa: PLC0415  not on every Python

    with tempfile.TemporaryDirectory() as folder, pgserver.get_server(folder) as server:
        yield server.get_uri()


def _schemathesis(server: Server, folder: Path, plan: Plan, options: Sequence[str]) -> list[str]:
    """Run it over the document of a server; the end of what it says if that is not good."""
    key = _key(server.store)
    done = subprocess.run(
        [
            _beside("st"),
            *("run", f"{server.address}/openapi.json", "--no-color", "--no-shrink"),
            *("--header", f"Authorization: Bearer {key}", "--checks", ",".join(_CHECKS)),
            "--continue-on-failure",
            *("--seed", str(plan.seed), "--generation-database", "none", "--warnings", "off"),
            # a post of 20,000 characters takes its time
            *("--request-timeout", str(_TIMEOUT_SECONDS), *options),
        ],
        cwd=folder,
        # where its tables of Unicode are, which take seconds to make
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(_ROOT / ".hypothesis")},
        capture_output=True,
        text=True,
        check=False,
    )
    cases = re.search(r"\d+ generated.*", done.stdout)
    print(f"{server.kind}: schemathesis: {cases.group() if cases else done.stdout[-300:]}")
    if cases and not done.returncode:
        return []
    found = re.search(r"=+ (?:FAILURES|ERRORS) =+(.*)=+ SUMMARY", done.stdout, re.DOTALL)
    return [f"schemathesis: {found.group(1) if found else done.stdout + done.stderr:.6000}"]


def _beside(command: str) -> str:
    return str(Path(sys.executable).with_name(command))


if __name__ == "__main__":
    main()
