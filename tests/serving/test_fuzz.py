"""Whatever is sent to it, a server answers as documented; the short form."""

import pytest

from benchmarks import fuzz


def test_no_request_breaks_the_server(store_url: str) -> None:
    """``benchmarks/fuzz.py`` sends more."""
    pytest.importorskip("schemathesis", reason="no schemathesis for this Python")
    assert fuzz.trial(store_url, fuzz.Plan(bodies=400, short=True)) == []
