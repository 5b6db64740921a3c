"""All of Wiredesk on this machine, from the lock on the state folder to the dashboard's address.

lock → ports → engines (unless DATABASE_URL, REDIS_URL name others) → migrations → every process → starter feeds
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local.engines import Postgres, Valkey
from deploy.local.home import check_port, held, kept_port, write_private
from deploy.local.processes import Process, starter, wiredesk
from deploy.local.supervisor import Say, Supervisor
from shared.settings import Settings

STARTER = Path(__file__).with_name("starter.opml")
# What is stored is shown and told of first; what fetches more and what pushes it come a moment later.
FIRST = frozenset({"api", "enrich", "relay"})
CAN_WAIT = frozenset({"deliver", "ingest"})
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}


class Machine:
    """One start of everything; `run` returns the exit status when all is stopped."""

    def __init__(self, settings: Settings, env: Mapping[str, str], say: Say) -> None:
        self.settings = settings
        self.home = settings.home.absolute()
        self.env = dict(env)
        self.say = say
        self.begun = time.monotonic()
        self.failed = False
        self.announced = False
        self.processes: list[Process] = []
        self.later: list[Process] = []  # those that can wait for FIRST: starting is bound by the processor
        self.api = f"http://{WILDCARDS.get(settings.host, settings.host)}:{settings.port}"

    def run(self) -> int:
        """Start, watch, and stop when a signal asks for it. Raises `HomeBusy` or `PortTaken` before any start."""
        with held(self.home):
            check_port(self.settings.host, self.settings.port, "WIREDESK_PORT")
            check_port(self.settings.host, self.settings.ingest_port, "WIREDESK_INGEST_PORT")
            self.valkey = None if self.settings.redis_url else Valkey(self.home, self.env)
            self.postgres = None if self.settings.database_url else Postgres(self.home, self.env)
            engines = [engine for engine in (self.valkey, self.postgres) if engine is not None]
            self.say("home", str(self.home))
            about = {"dashboard": f"{self.api}/", "home": str(self.home)}
            self.supervisor = Supervisor(self.home, engines, self.say, self._one_more_ready, about)
            if not engines:
                self._engines_ready()
            self.supervisor.run()
        return 1 if self.failed else 0

    def _one_more_ready(self, names: frozenset[str]) -> None:
        engines = {engine.name for engine in (self.valkey, self.postgres) if engine is not None}
        if not self.processes:
            if engines <= names:
                self._engines_ready()
            return
        if self.later and names | self.supervisor.given_up() >= FIRST:
            for process in self.later:
                self.supervisor.add(process)
            self.later = []
        if not self.announced and "api" in names and names | self.supervisor.given_up() >= self._all():
            self.announced = True
            self._feeds()
            without = self.supervisor.given_up()
            but = f", without {', '.join(sorted(without))}" if without else ""
            self.say("ready", f"{self.api}/ after {time.monotonic() - self.begun:.1f} s{but}; Ctrl-C stops everything")

    def _all(self) -> frozenset[str]:
        return frozenset(process.name for process in self.processes)

    def _engines_ready(self) -> None:
        import psycopg  # these imports take longer than the engines' start, and run beside it

        from shared.errors import WiredeskError
        from shared.migrate import migrate

        database_url = self.postgres.url() if self.postgres else self.settings.database_url
        redis_url = self.valkey.url() if self.valkey else self.settings.redis_url
        begun = time.monotonic()
        try:
            if self.postgres:
                self.postgres.create_database()
            applied = migrate(database_url)
        except (psycopg.Error, WiredeskError) as error:
            self.say("migrations", f"failed: {error}")
            self.failed = True
            self.supervisor.stop()
            return
        self.say("migrations", f"{len(applied)} applied in {time.monotonic() - begun:.1f} s")
        urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        write_private(self.home / "engines.json", json.dumps(urls, indent=1))
        port = kept_port(self.home, "samplewire") if self.settings.starter_feeds != "" else None
        self.sample = f"http://127.0.0.1:{port}/feeds.json" if port else None
        self.processes = wiredesk(self.home, self.env | urls, port)
        self.later = [process for process in self.processes if process.name in CAN_WAIT]
        for process in self.processes:
            if process not in self.later:
                self.supervisor.add(process)

    def _feeds(self) -> None:
        if self.sample is None:
            return
        chosen = Path(self.settings.starter_feeds).absolute() if self.settings.starter_feeds else STARTER
        self.supervisor.add(starter(self.home, self.env, (self.api, self.sample, str(chosen))))
