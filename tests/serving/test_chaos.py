"""A server that is killed, races between reviewers, two servers on one store; the short form."""

from benchmarks import chaos


def test_nothing_acknowledged_is_lost_or_done_twice(store_url: str) -> None:
    """``benchmarks/chaos.py`` does it longer."""
    assert chaos.trial(store_url, chaos.Plan(kills=1, races=20, mutes=2, hurry=True)) == []
