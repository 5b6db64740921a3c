"""`reader` (PyPI) as the rival of rows 1 to 3, in a virtual environment of its own.

Its vendored feedparser needs `sgmllib`, which newer feedparser no longer brings: `sgmllib3k` is installed beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VENV = Path(tempfile.gettempdir()) / f"wiredesk-bench-reader-{os.getuid()}"
SCRIPT = """
import json, sys, time
from reader import make_reader
base, feeds, path, rounds = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
reader = make_reader(path, feed_root="")
for n in range(feeds):
    reader.add_feed(f"{base}/f/{n}")
times = []
for _ in range(rounds):
    begun = time.monotonic()
    for _ in reader.update_feeds_iter(scheduled=False):
        pass
    times.append(time.monotonic() - begun)
print(json.dumps({"rounds": times, "entries": reader.get_entry_counts().total}))
"""


def python() -> str:
    """The rival's interpreter, installed at first use. Raises `subprocess.CalledProcessError`."""
    interpreter = VENV / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "-q", "reader", "sgmllib3k"], check=True)
    return str(interpreter)


def reader_rounds(base: str, feeds: int, rounds: int) -> tuple[list[float], int]:
    """(seconds of each round over all feeds, entries stored)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python(), "-c", SCRIPT, base, str(feeds), f"{folder}/reader.sqlite", str(rounds)]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer["rounds"], answer["entries"]
