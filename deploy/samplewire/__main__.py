"""`python -m deploy.samplewire`: serves the sample wire on 127.0.0.1:$WIREDESK_SAMPLEWIRE_PORT until SIGTERM or SIGINT.

Its first start is remembered in $WIREDESK_HOME/samplewire.json (default .wiredesk).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from deploy.samplewire.epoch import started_at
from deploy.samplewire.programme import load
from deploy.samplewire.server import make_app
from shared.observe import notify_ready

HOST = "127.0.0.1"


def main() -> int:
    """Runs the server; 2 and a message when the port is not given or taken."""
    port = os.environ.get("WIREDESK_SAMPLEWIRE_PORT", "")
    if not port.isdecimal():
        print("sample wire: set WIREDESK_SAMPLEWIRE_PORT to the port to listen on", file=sys.stderr)
        return 2
    try:
        listener = socket.create_server((HOST, int(port)))
    except (OSError, OverflowError) as error:
        print(f"sample wire: cannot listen on {HOST}:{port} ({error}); set WIREDESK_SAMPLEWIRE_PORT", file=sys.stderr)
        return 2
    started = started_at(Path(os.environ.get("WIREDESK_HOME") or ".wiredesk"), _now())
    asyncio.run(_serve(listener, started))
    return 0


async def _serve(listener: socket.socket, started: datetime) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    base = f"http://{HOST}:{listener.getsockname()[1]}"
    runner = web.AppRunner(make_app(load(), started, base, _now), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    print(f"sample wire: {base}/wire.opml", flush=True)
    notify_ready()
    await stop.wait()
    await runner.cleanup()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())
