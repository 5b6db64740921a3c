"""The embedded engines: started for real, killed for real."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import psycopg
import pytest
import redis

from deploy.local import binaries
from deploy.local.engines import EngineFailed, Postgres, Valkey
from deploy.local.process import ended, is_running


def test_a_fresh_database_is_there_for_each_test(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE mine (n int)")
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'").fetchone()
    assert row == (1,)


def test_no_test_sees_the_tables_of_another(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'").fetchone()
    assert row == (0,)


def test_redis_is_empty_for_each_test(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_never_evicts_and_asks_for_its_password(redis_url: str, valkey: Valkey) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendonly")["appendonly"] == "yes"
    with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert valkey.password not in Path(f"/proc/{valkey.child.pid}/cmdline").read_text() if valkey.child else False
