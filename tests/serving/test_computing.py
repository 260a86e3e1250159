"""What pages have computed in the background."""

from functools import partial
from threading import Event

import pytest

from serving.console.computing import Background


def test_of_many_that_wait_the_oldest_are_forgotten() -> None:
    """The one that was begun is finished, the newest four are found, and others if asked anew."""
    background, begun, go_on = Background("test"), Event(), Event()
    found: list[str] = []

    def work(name: str) -> str:
        begun.set()
        assert go_on.wait(30)
        found.append(name)
        return name

    def ask(name: str, wait: float) -> str | None:
        return background.find(name, partial(work, name), wait)

    assert ask("a", 0.0) is None
    assert begun.wait(30)
    assert [ask(name, 0.0) for name in "bcdefg"] == [None] * 6
    go_on.set()
    assert ask("g", 30) == "g"
    assert found == list("adefg")
    assert ask("b", 30) == "b"
    background.close()


def test_a_failure_is_raised_once() -> None:
    """And looked for anew after that."""
    background, turns = Background("test"), iter((ZeroDivisionError, None))

    def work() -> str:
        if error := next(turns):
            raise error
        return "found"

    with pytest.raises(ZeroDivisionError):
        background.find("key", work, wait=30)
    assert background.find("key", work, wait=30) == "found"
    background.close()
