"""How much may wait: what is over it is refused at once, so that what is taken in is quick."""

from enum import Enum

#: a post of some thousand characters; more is a batch
_SMALL_BYTES = 16 * 1024
_SMALL_FOR_EACH_THREAD = 6
_LARGE = 2


class Size(Enum):
    """Of a request, by what it says of its body's length."""

    SMALL = "small"
    LARGE = "large"


class Gate:
    """Counts requests that are scored or wait for it; lives on the event loop alone.

    Small requests and batches have separate room, so that neither shuts the other out. A request
    is judged by its announced length, before its body is read; one that does not say is a batch.
    """

    def __init__(self, threads: int) -> None:
        """Room for what ``threads`` score in about a tenth of a second, and for a few batches."""
        self._room = {Size.SMALL: _SMALL_FOR_EACH_THREAD * threads, Size.LARGE: _LARGE}
        self._inside = dict.fromkeys(Size, 0)

    @property
    def inside(self) -> int:
        """Requests that are scored or wait for it."""
        return sum(self._inside.values())

    def enter(self, announced: str | None) -> Size | None:
        """Let a request in, which must ``leave`` with what is returned; None where no room is.

        Args:
            announced: its Content-Length.
        """
        small = announced is not None and announced.isdigit() and int(announced) <= _SMALL_BYTES
        size = Size.SMALL if small else Size.LARGE
        if self._inside[size] >= self._room[size]:
            return None
        self._inside[size] += 1
        return size

    def leave(self, size: Size) -> None:
        """A request is answered."""
        self._inside[size] -= 1
