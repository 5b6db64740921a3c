"""The API process: `python -m services.api`.

bind -> open the store and the stream's reader -> first key -> serve -> ready
SIGTERM: streams are told to come back, requests end, all within some 3 seconds
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Generator

import uvicorn
import uvloop
from fastapi import FastAPI

from services.api.app import create_app
from services.api.auth import first_key, needs_keys
from services.api.deps import Resources, open_resources
from services.api.lines import Connection
from services.api.ops.health import is_ready
from shared.errors import Unavailable
from shared.observe import configure_logging, notify_ready
from shared.settings import Settings

GRACE_S = 3
FAREWELL_S = 0.1  # for streams to say why they end, before their connections are told to
MAX_MESSAGE_BYTES = 65_536  # of what a WebSocket client sends
LOOK_AGAIN_S = 0.1

logger = logging.getLogger("services.api")


class Server(uvicorn.Server):
    """uvicorn, that tells the streams before it waits for them, and leaves closing the resources to us."""

    def __init__(self, config: uvicorn.Config, held: Resources) -> None:
        super().__init__(config)
        self._held = held

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: each would otherwise be waited for until the grace is over."""
        self._held.hub.close("the server goes down; come back")
        await asyncio.sleep(FAREWELL_S)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on SIGTERM and SIGINT without raising them again afterwards: resources still have to be closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def bind(settings: Settings) -> socket.socket:
    """The listening socket. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((settings.host.strip("[]"), settings.port))
    return sock


def configured(app: FastAPI) -> uvicorn.Config:
    """How the app is served. What streams is never packed: each client would need 300 KB and its own work for it."""
    return uvicorn.Config(
        app,
        http=Connection,
        loop="none",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


async def serve(settings: Settings, sock: socket.socket) -> None:
    """Serve until told to stop. Raises `Unavailable` where PostgreSQL cannot be reached."""
    async with open_resources(settings) as held:
        if needs_keys(settings):
            await first_key(held)
        config = configured(create_app(settings, held))
        server = Server(config, held)
        held.reader.add_done_callback(lambda _task: setattr(server, "should_exit", True))
        announcing = asyncio.create_task(_announce(server, held, sock))
        await server.serve(sockets=[sock])
        announcing.cancel()
        if held.reader.done() and not held.reader.cancelled():
            held.reader.result()  # raises what ended it


async def _announce(server: Server, held: Resources, sock: socket.socket) -> None:
    while not (server.started and await is_ready(held)):
        await asyncio.sleep(LOOK_AGAIN_S)
    logger.info("ready", extra={"host": sock.getsockname()[0], "port": sock.getsockname()[1]})
    notify_ready()


def main() -> int:
    """Entry: 0 after a clean stop, 1 where it could not start, 2 where a setting is missing."""
    configure_logging("api")
    settings = Settings()
    for name, value in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url)):
        if not value:
            print(f"{name} is not set: name the engine to use", file=sys.stderr)
            return 2
    try:
        sock = bind(settings)
    except OSError as error:
        told = f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        print(f"{told}; set WIREDESK_PORT or WIREDESK_HOST to another", file=sys.stderr)
        return 1
    try:
        uvloop.run(serve(settings, sock))
    except Unavailable as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
