"""What a request may not do, told in one shape by every part of the server."""

from collections.abc import Mapping
from types import MappingProxyType

from labels.errors import MingbianError


class RequestError(MingbianError):
    """A request that is answered with 4xx; ``code`` is stable, ``pointer`` leads into the body."""

    status = 409
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, code: str, message: str, *, pointer: str = "", remedy: str = "") -> None:
        """Say what was refused and why."""
        super().__init__(message, remedy=remedy)
        self.code = code
        self.pointer = pointer


class NotFoundError(RequestError):
    """There is no such thing, or not for this caller."""

    status = 404

    def __init__(self, what: str, name: str) -> None:
        """``what`` is a noun, ``name`` what was asked for."""
        super().__init__("not_found", f"there is no {what} {name!r}")


class ForbiddenError(RequestError):
    """The caller may not, whoever else may."""

    status = 403


class UnprocessableError(RequestError):
    """The body is well formed and says what cannot be."""

    status = 422
