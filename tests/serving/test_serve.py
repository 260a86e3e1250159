"""``mingbian serve`` as a process."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FAKE_DOCTOR, Run

MINGBIAN = str(Path(sys.executable).with_name("mingbian"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A running server, its address, and the curl line it printed."""
    process = subprocess.Popen(
        [MINGBIAN, "serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout
    address = re.search(r"http://\S+", process.stdout.readline())
    curl = process.stdout.readline()
    assert address
    yield process, address.group(), curl
    process.kill()
    process.stdout.close()
    process.wait()


def test_it_scores_and_stops_when_asked(server: tuple[subprocess.Popen[str], str, str]) -> None:
    """Ready, the printed curl line works, SIGTERM ends it."""
    process, address, curl = server
    body = json.dumps({"items": [FAKE_DOCTOR]}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{address}/v1/score", body, headers)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - ours
        assert json.load(answer)["results"][0]["suggestion"] in ("review", "act")
    printed = subprocess.run(
        ["bash", "-c", curl.split("try: ")[1]], capture_output=True, text=True, check=True
    )
    assert json.loads(printed.stdout)["results"][0]["status"] == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def test_a_taken_port_is_told(run: Run) -> None:
    """With what to do about it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])  # noqa: S104 - refused
def test_beyond_this_machine_it_does_not_start(run: Run, host: str) -> None:
    """As long as nobody has a key."""
    done = run("serve", "--host", host)
    assert done.returncode == 2
    assert "mingbian users add" in done.stderr


def test_an_identity_provider_needs_an_audience(run: Run) -> None:
    """A token for anybody would do without."""
    done = run("serve", "--port", "0", "--oidc-issuer", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "--oidc-audience" in done.stderr
