"""Marks by which publishers take articles back."""

from __future__ import annotations

import pytest

from services.ingest.twins.notices import bare, is_withdrawn, tombstones


@pytest.mark.parametrize(
    "title",
    [
        "WITHDRAWN: Bridge falls",
        "Withdrawn: Bridge falls",
        "MANDATORY KILL: Bridge falls",
        "KILL - Bridge falls",
        "[WITHDRAWN] Bridge falls",
        "Bridge falls (WITHDRAWN)",
        "Bridge falls - KILLED",
        "ANNULATION: Bridge falls",
        "ZURÜCKGEZOGEN: Bridge falls",
        "ANULADA: Bridge falls",
    ],
)
def test_a_mark_is_read_and_taken_off(title: str) -> None:
    assert is_withdrawn(title)
    assert bare(title) == "Bridge falls"


@pytest.mark.parametrize(
    "title",
    [
        "Kill Bill returns to cinemas",
        "Troops withdrawn from border",
        "Candidate withdrawn, says party",
        "TO KILL A MOCKINGBIRD: the play",
        "Two killed - police",
        "KILLING OF MAYOR: what we know",
    ],
)
def test_prose_is_no_mark(title: str) -> None:
    assert not is_withdrawn(title)
    assert bare(title) == title


def test_a_status_takes_back_too() -> None:
    assert is_withdrawn("Bridge falls", "stat:canceled")
    assert not is_withdrawn("Bridge falls", "usable")


def test_tombstones_are_read_whatever_their_prefix() -> None:
    body = (
        b"""<feed><at:deleted-entry ref="urn:a&amp;b" when="x"/><deleted-entry when='y' ref='urn:2'></deleted-entry>"""
    )
    assert tombstones(body) == ["urn:a&b", "urn:2"]
    assert tombstones(b"<deleted-entry" * 1000) == []
