"""`python -m deploy.local`: start all of Wiredesk on this machine; `--status`, `--down` concern the one that runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from deploy.local import home as homes
from deploy.local.binaries import EngineMissing
from deploy.local.engines import EngineFailed
from deploy.local.machine import Machine
from shared.settings import Settings

NOT_RUNNING = 3  # as the Linux Standard Base has it for `status`


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry. Exit status: 0, 1 for a start that failed, 2 for a setting that cannot be read, 3 for 'not running'."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--status", action="store_true", help="tell what runs in WIREDESK_HOME")
    action.add_argument("--down", action="store_true", help="stop what runs in WIREDESK_HOME")
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings()
    except ValidationError as error:
        print(f"Wiredesk: {unreadable(error)}", file=sys.stderr)
        return 2
    home = settings.home.absolute()
    if chosen.status:
        return status(home)
    if chosen.down:
        return down(home)
    try:
        return Machine(settings, os.environ, say).run()
    except (homes.HomeBusy, homes.PortTaken, EngineMissing, EngineFailed, OSError) as error:
        print(f"Wiredesk: {error}", file=sys.stderr)
        return 1


def say(name: str, text: str) -> None:
    """One line of progress. A terminal that went away is no reason to stop."""
    try:
        print(f"  {name:<12}{text}", flush=True)
    except OSError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it stays open as long as we run


def unreadable(error: ValidationError) -> str:
    """Which variables could not be read, and why."""
    told = []
    for part in error.errors():
        name = str(part["loc"][0]) if part["loc"] else "settings"
        variable = name if name.isupper() else f"WIREDESK_{name.upper()}"
        told.append(f"{variable}={part['input']}: {part['msg']}")
    return "; ".join(told)


def status(home: Path) -> int:
    """Print the processes that run in `home`."""
    told = homes.state(home)
    if told is None:
        print(f"Wiredesk does not run in {home}")
        return NOT_RUNNING
    print(f"Wiredesk runs in {home} (process {told.get('pid', '?')}), {told.get('dashboard', '')}")
    for process in told["processes"]:
        restarts = f"  restarted {process['restarts']} times" if process["restarts"] else ""
        print(f"  {process['name']:<12}{process['state']:<10}{process['pid'] or '':<8}{restarts}")
    return 0


def down(home: Path, timeout_s: float = 60.0) -> int:
    """Stop what runs in `home` and wait until it is gone."""
    pid = homes.holder(home)
    if not pid:
        print(f"Wiredesk does not run in {home}")
        return NOT_RUNNING
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while homes.holder(home) == pid:
        if time.monotonic() > deadline:
            print(f"process {pid} still runs after {timeout_s:.0f} s", file=sys.stderr)
            return 1
        time.sleep(0.05)
    print("Wiredesk stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
