"""Structured logs and readiness, the same in every process."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time

# What every LogRecord carries anyway; all else was passed as `extra` and belongs in the line.
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, process, logger, event, then whatever came as `extra`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Render one record; an exception becomes the member `error`."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line: dict[str, object] = {
            "at": stamp,
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _PLAIN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logging(process: str, level: int = logging.INFO) -> None:
    """Send all logs of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiohttp.access", "uvicorn.access", "kombu", "amqp", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def notify_ready() -> None:
    """Tell whoever started us that we serve now: READY=1 by the sd_notify protocol, if NOTIFY_SOCKET is set.

    Source: sd_notify(3). A supervisor that went away is no reason to fail.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(b"READY=1", address)
        except OSError:
            logging.getLogger(__name__).warning("cannot tell the supervisor that this process is ready")
