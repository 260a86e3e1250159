"""The root of every error raised on purpose."""


class MingbianError(Exception):
    """Something the caller can be told about.

    ``code`` is a stable, lower-case identifier: HTTP bodies, exit messages and tests match on
    it, never on the message, so messages can be reworded freely.
    """

    code = "internal"
    #: 2 where the user can mend it, 1 where the fault is ours
    exit_status = 2

    def __init__(self, message: str, *, remedy: str = "") -> None:
        """Say what was found and where, and, as ``remedy``, what to do about it."""
        super().__init__(f"{message}; {remedy}" if remedy else message)


class ConfigError(MingbianError):
    """A configuration file cannot be used; the message lists every fault by line."""

    code = "config_invalid"


class ModelError(MingbianError):
    """A model bundle cannot be used."""

    code = "model_invalid"


class ScoringError(MingbianError):
    """The model's runtime failed on a post that was in order."""

    code = "scoring_failed"
    exit_status = 1


class InputError(MingbianError):
    """An input file cannot be read at all; faults of single rows are not this."""

    code = "input_invalid"


class CorpusError(MingbianError):
    """A labelled corpus breaks its own schema; the message lists every fault by row."""

    code = "corpus_invalid"
