"""Makes `wiredesk/sync.py` out of `wiredesk/aio.py`: one code path, two clients. `--check` only compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "wiredesk"
HEAD = '"""The synchronous client. Made from `aio.py` by `python client/make_sync.py`: change that one, not this."""'
RULES = [
    (r'^""".*"""', HEAD),
    (r"^import asyncio$", "import time"),
    (r"import AsyncIterator, Callable, ", "import Callable, Iterator, "),
    (r"AsyncIterator", "Iterator"),
    (r"httpx\.AsyncClient", "httpx.Client"),
    (r"\bAsync(?=Wiredesk|Entities|Feeds|Keys|Webhooks|Searches|Ops)", ""),
    (r"asyncio\.sleep", "time.sleep"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\basync (?=def|for|with)", ""),
    (r"\bawait ", ""),
    (r"for item in page\.items:\n +yield item", "yield from page.items"),
]


def made() -> str:
    """The text that `sync.py` should have."""
    text = (PACKAGE / "aio.py").read_text("utf-8")
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.replace(
        "import time\nfrom collections.abc import Iterator, Callable",
        "import time\nfrom collections.abc import Callable, Iterator",
    )


def main() -> int:
    """Write it, or with `--check` compare."""
    target, text = PACKAGE / "sync.py", made()
    if "--check" not in sys.argv:
        target.write_text(text, "utf-8")
        return 0
    current = target.exists() and target.read_text("utf-8") == text
    print("sync.py is up to date" if current else "sync.py is out of date: python client/make_sync.py")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
