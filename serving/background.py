"""What a server does beside answering, in threads of its own."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Repeating:
    """Does something again and again until it is stopped; what fails is tried again.

    ``work`` says whether it found something to do: then it is asked again at once.
    """

    def __init__(self, name: str, work: Callable[[], bool], every_seconds: float) -> None:
        """Not begun yet."""
        self._name, self._work, self._every = name, work, every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, when what is being done is done."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        busy = False
        while not self._stop.wait(0 if busy else self._every):
            try:
                busy = self._work()
            except Exception:  # noqa: BLE001  a store that is away must not end the thread
                busy = False
                _log.exception("%s failed and is tried again", self._name)
