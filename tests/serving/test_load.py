"""More requests than a server can answer at once; `make load` measures, this looks at answers."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx

from benchmarks.load import server
from tests.conftest import FAKE_DOCTOR

_AT_ONCE = 80


def test_a_flood_gets_200_or_503_and_leaves_no_mark(tmp_path: Path) -> None:
    """Some are scored, the rest is told to come back, and afterwards everybody is scored."""

    async def flood(address: str) -> tuple[Counter[int], int]:
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            body = {"items": [FAKE_DOCTOR]}
            asked = (client.post("/v1/score", json=body) for _ in range(_AT_ONCE))
            answers = await asyncio.gather(*asked)
            refused = [answer for answer in answers if answer.status_code == 503]
            assert all(answer.headers["Retry-After"] == "1" for answer in refused)
            after = await client.post("/v1/score", json=body)
            return Counter(answer.status_code for answer in answers), after.status_code

    with server(tmp_path) as (address, _):
        statuses, after = asyncio.run(flood(address))
    assert set(statuses) == {200, 503}
    assert after == 200
