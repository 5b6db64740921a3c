"""The place table: which places a folded name may mean, and what is known about each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from services.enrich.names.fold import name_hash

REMEMBERED = 20_000  # names whose places are kept
SMALL = 15_000  # people: the name of a smaller place alone says little
NEWLINE = 10
KINDS: tuple[Literal["country", "admin", "city"], ...] = ("country", "admin", "city")


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One place of the table. `admin` is the GeoNames first-level code inside `country` (US states: letters)."""

    geonames_id: int
    kind: Literal["country", "admin", "city"]
    name: str
    country: str
    admin: str
    lat: float
    lon: float
    population: int

    @property
    def small(self) -> bool:
        """Whether it is a town that is believed only where something speaks for it."""
        return self.kind == "city" and self.population < SMALL


class Gazetteer:
    """200,000 names of 151,000 places in about 9 MB: a sorted array of name hashes, and columns."""

    def __init__(self, path: Path) -> None:
        """Read the table that `training/lexicons/places.py` wrote. Raises FileNotFoundError where it is missing."""
        with np.load(path, allow_pickle=False) as table:
            self._hashes = array("Q", table["name_hash"].tobytes())
            self._rows = array("I", table["name_row"].tobytes())
            self._geonames_id = array("I", table["geonames_id"].tobytes())
            self._kind = bytes(table["kind"])
            self._country = array("H", table["country"].tobytes())
            self._admin = array("H", table["admin"].tobytes())
            self._lat = array("f", table["lat"].tobytes())
            self._lon = array("f", table["lon"].tobytes())
            self._population = array("I", table["population"].tobytes())
            self._names = bytes(table["names"])
            self._countries: list[str] = table["countries"].tolist()
            self._admins: list[str] = table["admins"].tolist()
        ends = np.flatnonzero(np.frombuffer(self._names + b"\n", dtype=np.uint8) == NEWLINE)
        self._ends = array("I", ends.astype(np.uint32).tobytes())
        self._divisions = {
            (self._countries[self._country[row]], self._admins[self._admin[row]]): row
            for row, kind in enumerate(self._kind)
            if kind == 1
        }
        self._found: dict[str, list[PlaceRow]] = {}
        self._known: dict[str, list[PlaceRow]] = {}  # the same without small towns, of names that have some
        self._country_rows = {
            self._countries[self._country[row]]: row for row, kind in enumerate(self._kind) if kind == 0
        }

    def find(self, folded: str) -> list[PlaceRow]:
        """The countries, provinces and larger cities of this folded name, these by falling population."""
        every = self.find_all(folded)
        if not every or not every[-1].small:
            return every
        known = self._known.get(folded)
        if known is None:
            known = self._known[folded] = [row for row in every if not row.small]
        return known

    def find_all(self, folded: str) -> list[PlaceRow]:
        """Every place of this folded name, small towns too: countries and provinces first, then by population."""
        found = self._found.get(folded)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found, self._known = {}, {}
            found = self._found[folded] = self._look_up(folded)
        return found

    def _look_up(self, folded: str) -> list[PlaceRow]:
        wanted = name_hash(folded)
        at = bisect_left(self._hashes, wanted)
        found: list[PlaceRow] = []
        while at < len(self._hashes) and self._hashes[at] == wanted:
            found.append(self.row(self._rows[at]))
            at += 1
        return found

    def country(self, iso: str) -> PlaceRow | None:
        """The country of an alpha-2 code."""
        index = self._country_rows.get(iso)
        return None if index is None else self.row(index)

    def division(self, country: str, code: str) -> PlaceRow | None:
        """The first-level division of a country by GeoNames' code."""
        index = self._divisions.get((country, code))
        return None if index is None else self.row(index)

    def row(self, index: int) -> PlaceRow:
        """The columns of one place."""
        start = self._ends[index - 1] + 1 if index else 0
        return PlaceRow(
            geonames_id=self._geonames_id[index],
            kind=KINDS[self._kind[index]],
            name=self._names[start : self._ends[index]].decode(),
            country=self._countries[self._country[index]],
            admin=self._admins[self._admin[index]],
            lat=round(self._lat[index], 5),
            lon=round(self._lon[index], 5),
            population=self._population[index],
        )
