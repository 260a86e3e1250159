"""What the console says, from ``words.yaml``: Chinese first, English second."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import RootModel

from labels.yamlfile import load_yaml
from serving.names import named

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class _File(RootModel[dict[str, tuple[str, str]]]):
    """Each key with its Chinese and its English."""


@cache
def words() -> Mapping[str, tuple[str, str]]:
    """Everything that the console can say; raises ``ConfigError`` where the file is faulty."""
    text = resources.files("serving.console").joinpath("words.yaml").read_text(encoding="utf-8")
    return load_yaml(text, _File, name="words.yaml").root


class Speech:
    """One language of the console."""

    def __init__(self, language: Language) -> None:
        """Speak it."""
        self.language = language
        self._place = LANGUAGES.index(language)

    def say(self, key: str, **values: object) -> str:
        """What a key says; ``KeyError`` for one that is not in the file."""
        return words()[key][self._place].format(**values)

    def knows(self, key: str) -> bool:
        """Whether the file has a key."""
        return key in words()

    def name(self, kind: str, value: str | None) -> str:
        """What a value is called."""
        return named(kind, value)[self._place]

    def pick(self, chinese: str, english: str) -> str:
        """One of two texts that say the same."""
        return (chinese, english)[self._place]
