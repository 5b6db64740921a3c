"""When the replay began: kept in a file, so that a restart shows the same items with the same dates."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path


def started_at(home: Path, now: datetime) -> datetime:
    """The first start as `home`/samplewire.json tells it; `now` (whole seconds) if it tells nothing, written there.

    A file that cannot be read is replaced: the wire then begins anew, ids and links stay the same.
    """
    file = home / "samplewire.json"
    try:
        started = datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["started"])
        return started.astimezone(UTC)
    except FileNotFoundError:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (ValueError, KeyError, TypeError) as error:
        print(f"sample wire: begins anew, {file} is unreadable ({error})", flush=True)
    started = now.astimezone(UTC).replace(microsecond=0)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps({"started": started.isoformat()}) + "\n", encoding="utf-8")
    draft.replace(file)
    return started
