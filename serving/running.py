"""The server at its address, from its greeting to its last request."""

import gc
import logging
import socket
import sys

import click
import uvicorn

from labels.errors import InputError
from serving.app import Settings, create_app
from serving.desk import Desk

#: how long requests that are being answered have when the server is told to stop
_DRAIN_SECONDS = 30


def run(desk: Desk, settings: Settings, host: str, port: int) -> None:
    """Answer until the process is told to stop.

    Raises:
        InputError: the address cannot be had.
    """
    with _bound(host, port) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        click.echo(_greeting(address))
        config = uvicorn.Config(
            create_app(desk, settings),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        # what was made by now lives on: to look for garbage in it would halt every thread
        gc.freeze()
        gc.enable()
        uvicorn.Server(config).run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it answers wait 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(
            f"{host}:{port}: {error.strerror}", remedy="choose another with --port (make: PORT=)"
        ) from None
    return listener


def _greeting(address: str) -> str:
    post = '{"items":[{"data_id":"1","text":"网传地铁9号线今晚全线停运，来源于互联网。"}]}'
    return (
        f"明辨 mingbian: {address}  (docs: {address}/docs)\n"
        f"试一试 try: curl -s {address}/v1/score -H 'content-type: application/json' -d '{post}'"
    )
