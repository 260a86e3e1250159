"""Which addresses are this machine's, and where a webhook's URL really leads."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

#: this machine's own
LOCAL_HOSTS = ("127.0.0.1", "localhost")


class AddressError(Exception):
    """A webhook leads to a machine that the server must not ask."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request really goes: an address that was looked at, under the name of its host."""

    url: str
    host: str


def resolve(url: str, *, private_allowed: bool) -> Target:
    """The address behind a URL; the request goes to it and is not looked up again.

    Raises:
        AddressError: the URL is none, its host is unknown, or leads into a private network.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (ValueError, KeyError, OSError, UnicodeError) as error:
        raise AddressError(f"{url!r} leads nowhere: {error}") from None
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    private = [str(address) for address in addresses if not address.is_global]
    if private and not private_allowed:
        raise AddressError(f"{url!r} leads to {private[0]}, which is not a public address")
    return Target(_with_address(parts, addresses[0], port), parts.netloc.rsplit("@", 1)[-1])


def _with_address(
    parts: SplitResult, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> str:
    host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
    return parts._replace(netloc=f"{host}:{port}").geturl()
