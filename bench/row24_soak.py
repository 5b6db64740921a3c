"""Row 24: 2,000 SSE clients, 200 WebSockets and 50 webhooks on two replicas while processes are killed with -9.

`python -m bench.row24_soak --sse 200 --seconds 60 ...` runs another size; see `bench/soak.py` for what is done.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import fields, replace
from pathlib import Path

from bench.report import Row, show
from bench.soak import Outcome, Size, soak
from deploy.local.engines import Postgres, Valkey
from shared.migrate import migrate


def _on_engines_of_its_own(size: Size) -> Outcome:
    home = Path(tempfile.mkdtemp(prefix="wiredesk-bench-"))
    postgres, valkey = Postgres(home), Valkey(home)
    try:
        postgres.start()
        postgres.create_database()
        valkey.start()
        migrate(postgres.url())
        return soak(postgres.url(), valkey.url(), home / "fleet", size, lambda line: print(f"  {line}", flush=True))
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def run(size: Size | None = None) -> Row:
    """The whole soak."""
    size = size or Size()
    told = _on_engines_of_its_own(size)
    clients, grown_mb = size.sse + size.ws, told.rss_peak_mb - told.rss_before_mb
    figures: dict[str, float | int | str] = {
        "missing / doubled / out of order / torn": f"{told.missing} / {told.doubled} / {told.disordered} / {told.torn}",
        "signatures that do not verify": told.unverified,
        "events told": told.events,
        "given to SSE and WebSocket clients": told.given,
        "connections they made": told.connections,
        "slow ones cut": told.cuts,
        "webhook deliveries": told.hook_deliveries,
        "of which again after a crash (same id, same body)": told.hook_repeats,
        "refused by receivers on purpose": told.hook_refused,
        "killed with -9": ", ".join(f"{name}: {n}" for name, n in sorted(told.kills.items())),
        "RSS of an API process before, at worst, MB": f"{told.rss_before_mb:.0f} / {told.rss_peak_mb:.0f}",
        "KB a client at worst, all on one replica": round(1024 * grown_mb / clients, 1),
    }
    kinds = f"{size.sse:,} SSE + {size.ws} WebSocket + {size.hooks} webhook subscribers"
    title = f"{kinds}, processes killed, {size.seconds:.0f} s"
    return Row(24, title, "nothing missing, doubled or out of order", figures, told.right)


def main() -> int:
    """Entry with a size of one's own."""
    known = {f.name: f for f in fields(Size) if f.name != "dies"}
    parser = argparse.ArgumentParser(description=__doc__)
    for name, one in known.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(one.default), default=one.default)
    row = run(replace(Size(), **vars(parser.parse_args())))
    show(row)
    return 0 if row.reached else 1


if __name__ == "__main__":
    raise SystemExit(main())
