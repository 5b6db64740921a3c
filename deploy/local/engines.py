"""The embedded PostgreSQL and Valkey: real servers out of Python wheels, run by us, keeping their data in one folder.

    Postgres(home).prepare() → spawn() → ready() … stop()          data in home/postgres, socket in a private folder
    Valkey(home).prepare()   → spawn() → ready() … stop()          data in home/valkey, loopback port with a password

Both are direct children of the caller (a launcher in between would orphan them), both die when it dies, and both clear
away what an earlier run left: a half-made data folder, a stale pid file, a server whose supervisor was killed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local import binaries
from deploy.local.logs import log_tail, open_log
from deploy.local.process import ended, is_running, spawn, unprivileged_user

MAJOR = "18"
USER = DATABASE = "wiredesk"
START_S = 60.0  # replaying the log after a crash under load takes seconds; a slow disk takes longer

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "60",
    "max_parallel_workers_per_gather": "0",  # parallel plans need more /dev/shm than a container has
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EngineFailed(RuntimeError):
    """An engine did not start; the message ends with the last lines of its log."""


class _Engine:
    """What both engines share: one child, waited for, stopped with the signal that means 'now, but cleanly' to it."""

    name = ""
    stop_signal = signal.SIGTERM
    stop_order = 9  # after all that use it
    stop_within_s = 15.0
    once = False

    def __init__(self, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.home = home.absolute()
        self.env = dict(os.environ if env is None else env)
        self.child: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        raise NotImplementedError

    def spawn(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing of it lies outside its home."""

    def start(self, timeout_s: float = START_S) -> None:
        """Prepare, spawn and wait until it answers; a server that gives up is tried again until `timeout_s` is over."""
        self.prepare()
        self.spawn()
        self.wait_ready(timeout_s)

    def wait_ready(self, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        attempts = 0
        while not self.ready():
            if self.child is not None and self.child.poll() is not None:
                attempts += 1
                if attempts > 5 or time.monotonic() > deadline:
                    raise EngineFailed(
                        f"{self.name} exited with {self.child.returncode}\n{log_tail(self.home, self.name)}"
                    )
                time.sleep(0.5 * attempts)  # backends of a killed server hold its memory for up to 2 s
                self.prepare()
                self.spawn()
            elif time.monotonic() > deadline:
                self.stop()
                raise EngineFailed(
                    f"{self.name} is not ready after {timeout_s:.0f} s\n{log_tail(self.home, self.name)}"
                )
            time.sleep(0.01)

    def stop(self, timeout_s: float = 15.0) -> None:
        """Stop it cleanly, by force after `timeout_s`. Does nothing when it is not running."""
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(self.stop_signal)
        try:
            self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None
        self.close()


class Postgres(_Engine):
    """PostgreSQL 18, reachable only through a socket in a folder that is ours alone (so `trust` is safe there)."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": roll back, checkpoint, exit

    def __init__(
        self, home: Path, env: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(home, env)
        self.data = self.home / "postgres"
        self.settings = POSTGRES_SETTINGS | dict(settings or {})
        self.user = unprivileged_user()
        self.bin = binaries.postgres_bin(for_other_user=self.user is not None)
        self.sockets = self._socket_folder()

    def url(self, database: str = DATABASE) -> str:
        """The address of one of its databases, as `DATABASE_URL` takes it."""
        return f"postgresql://{USER}@/{database}?host={self.sockets}"

    def prepare(self) -> None:
        """Make the data folder if there is none, and clear away a server or pid file of an earlier run."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise EngineFailed(f"{self.data} holds data of PostgreSQL {found}; this is PostgreSQL {MAJOR}")
        self._give_away(self.data)
        self._make_socket_folder()
        self._clear_leftover()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server itself; it answers when `ready()` says so."""
        options = [f"-c{key}={value}" for key, value in self.settings.items()]
        command = [str(self.bin / "postgres"), "-D", self._seen_path(self.data), "-k", str(self.sockets), *options]
        with open_log(self.home, self.name) as log:
            self.child = spawn(
                command, cwd=self.data, env=self._clean_env(), output=log, death_signal=signal.SIGINT, user=self.user
            )
        return self.child

    def ready(self) -> bool:
        """PostgreSQL says so itself in the eighth line of its pid file."""
        lines = self._pid_lines()
        alive = self.child is not None and self.child.poll() is None
        return (
            alive
            and self.child is not None
            and len(lines) > 7
            and lines[0] == str(self.child.pid)
            and lines[7].strip() == "ready"
        )

    def close(self) -> None:
        """Remove the folder of its socket."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def create_database(self, name: str = DATABASE) -> None:
        """Make the database if it is not there yet."""
        import psycopg  # imported here: everything else of this module works without it

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def _initdb(self) -> None:
        """Make the cluster beside its place, then rename it: one that was killed half-way is never taken for whole."""
        making = self.data.with_name("postgres.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self._give_away(making)
        options = f"--username={USER} --auth=trust --encoding=UTF8 --no-locale --no-sync --no-instructions"
        locale = (
            "--locale-provider=builtin --builtin-locale=C.UTF-8"  # needs no locale of the machine, sorts alike on all
        )
        command = [str(self.bin / "initdb"), "-D", self._seen_path(making), *options.split(), *locale.split()]
        with open_log(self.home, self.name) as log:
            code = spawn(command, cwd=making, env=self._clean_env(), output=log, user=self.user).wait()
        if code:
            raise EngineFailed(f"initdb exited with {code}\n{log_tail(self.home, self.name)}")
        if self.data.exists():
            self.data.rmdir()  # an empty folder may be there; one with something else in it is not ours to remove
        making.rename(self.data)

    def _seen_path(self, folder: Path) -> str:
        """The name under which the server sees its data folder.

        As another account it could not walk through a closed home folder above it. It is started inside the folder
        instead, and /proc/self/cwd leads there without the walk.
        """
        return "/proc/self/cwd" if self.user is not None and Path("/proc/self/cwd").exists() else str(folder)

    def _give_away(self, folder: Path) -> None:
        if self.user is not None and folder.stat().st_uid != self.user.pw_uid:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            for inside, folders, files in os.walk(
                folder
            ):  # data made under another account: an ordinary user's, then root's
                for name in folders + files:
                    os.chown(Path(inside, name), self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)

    def _socket_folder(self) -> Path:
        """A short name (a socket's path has at most 107 bytes), the same at every start, one for each data folder."""
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return binaries.private_root() / f"pg-{digest}"

    def _make_socket_folder(self) -> None:
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self.sockets.chmod(0o700)
        if self.user is not None:
            os.chown(self.sockets, self.user.pw_uid, self.user.pw_gid)

    def _clean_env(self) -> dict[str, str]:
        """Without PG* (PGDATA, PGOPTIONS … would change our server) and without a locale the machine may not have."""
        return {k: v for k, v in self.env.items() if not k.startswith(("PG", "LC_", "LANG"))} | {"LC_ALL": "C"}

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _clear_leftover(self) -> None:
        """Stop a server that an earlier supervisor left in our data folder; remove a pid file without a server."""
        lines = self._pid_lines()
        if not lines:
            return
        pid = int(lines[0]) if lines[0].lstrip("-").isdigit() else 0
        if pid > 0 and is_running(pid) and self._is_ours(pid):
            os.kill(pid, signal.SIGINT)
            if not ended([pid], 10):
                os.kill(pid, signal.SIGQUIT)  # "immediate": the children go too
                ended([pid], 5)
        if pid <= 0 or not is_running(pid) or not self._is_ours(pid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        """Whether process `pid` is a server of this data folder, not a stranger that got an old number."""
        try:
            return Path(os.readlink(f"/proc/{pid}/cwd")) == self.data
        except OSError:
            told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
            return str(self.data) in told.stdout


class Valkey(_Engine):
    """Valkey (the Redis protocol) on a free loopback port, with a password, keeping an append-only file."""

    name = "valkey"

    def __init__(self, home: Path, env: Mapping[str, str] | None = None) -> None:
        super().__init__(home, env)
        self.data = self.home / "valkey"
        self.server = binaries.valkey_server()
        self.password = secrets.token_urlsafe(24)
        self.port = 0

    def url(self) -> str:
        """Its address, as `REDIS_URL` takes it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Choose a port if there is none yet and write the configuration (`ps` would show arguments to everyone)."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clear_leftover()
        if not self.port or not _is_free(self.port):
            self.port = free_port()
        lines = [
            "bind 127.0.0.1", f"port {self.port}", "protected-mode yes", f"requirepass {self.password}", "dir ./",
            'save ""', "appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction", "daemonize no",
            "pidfile valkey.pid", "always-show-logo no",
        ]  # fmt: skip
        path = self.data / "valkey.conf"
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as conf:
            conf.write("\n".join(lines) + "\n")

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server itself; it answers when `ready()` says so."""
        with open_log(self.home, self.name) as log:
            self.child = spawn([str(self.server), "valkey.conf"], cwd=self.data, env=self.env, output=log)
        (self.data / "valkey.pid").write_text(str(self.child.pid))
        return self.child

    def ready(self) -> bool:
        """It answers PING with PONG: not while it still loads its file."""
        if self.child is None or self.child.poll() is not None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = connection.recv(64)
                if answer == b"+OK\r\n":
                    answer += connection.recv(64)
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    def _clear_leftover(self) -> None:
        try:
            pid = int((self.data / "valkey.pid").read_text())
            ours = is_running(pid) and Path(os.readlink(f"/proc/{pid}/cwd")) == self.data
        except (OSError, ValueError):
            return
        if ours:
            os.kill(pid, signal.SIGTERM)
            if not ended([pid], 5):
                os.kill(pid, signal.SIGKILL)
                ended([pid], 5)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
