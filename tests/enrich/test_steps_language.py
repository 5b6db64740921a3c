"""Which language an article is in."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import quality_feeds
from bench.quality_rows import floors, under
from services.enrich.document import Document
from services.enrich.lexicons import load_neighbours
from services.enrich.pipeline import Resources
from services.enrich.text.language import primary_subtag
from services.enrich.text.neighbours import told_apart

Enriched = Callable[..., Document]
HEADLINES = Path(__file__).parents[3] / "shared/data/enrich/lang/masakhanews_dev_headlines.jsonl.gz"

TEXTS = {
    "en": "The mayor shut the bridge at noon because the river had risen by more than a metre overnight.",
    "fr": "Le maire a fermé le pont à midi parce que la rivière était montée de plus d'un mètre dans la nuit.",
    "de": "Der Bürgermeister sperrte die Brücke am Mittag, weil der Fluss über Nacht um mehr als einen Meter stieg.",
    "es": "El alcalde cerró el puente al mediodía porque el río había subido más de un metro durante la noche.",
    "pt": "O presidente da câmara fechou a ponte ao meio-dia porque o rio subiu mais de um metro durante a noite.",
    "ru": "Мэр закрыл мост в полдень, потому что ночью вода в реке поднялась больше чем на метр.",
    "ar": "أغلق رئيس البلدية الجسر ظهرا لأن النهر ارتفع أكثر من متر خلال الليل.",
    "ja": "川の水位が一晩で一メートル以上上がったため、市長は正午に橋を閉鎖した。",
    "sw": "Meya alifunga daraja saa sita mchana kwa sababu maji ya mto yalipanda zaidi ya mita moja usiku.",
}


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_sentence_is_enough(code: str, enriched: Enriched) -> None:
    language = enriched("", TEXTS[code]).language
    assert language is not None and language.code == code and 0.5 < language.confidence <= 1.0


def test_capitals_do_not_mislead(enriched: Enriched) -> None:
    language = enriched(TEXTS["en"].upper()).language
    assert language is not None and language.code == "en"


def test_the_feed_decides_where_the_text_says_nothing(enriched: Enriched) -> None:
    language = enriched("2026", None, language="pt-BR").language
    assert language is not None and (language.code, language.confidence) == ("pt", 0.5)
    assert enriched("2026", None).language is None


def test_the_feed_decides_between_languages_too_close_to_tell(enriched: Enriched) -> None:
    title = "Statsministeren møter pressen i dag"
    for declared, code in (("nb-NO", "no"), ("da", "da")):
        language = enriched(title, None, language=declared).language
        assert language is not None and language.code == code


def test_a_wrongly_declared_feed_does_not_change_a_body(enriched: Enriched) -> None:
    language = enriched("Pont", TEXTS["fr"] * 3, language="en").language
    assert language is not None and language.code == "fr"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-GB", "en"),
        ("en_US", "en"),
        ("eng", "en"),
        ("zh-Hant-TW", "zh"),
        ("iw", "he"),
        ("gsw", "gsw"),
        ("und", None),
    ],
)
def test_a_declared_tag_is_cut_to_its_language(tag: str, code: str | None) -> None:
    assert primary_subtag(tag) == code
    assert primary_subtag("english please") is None
    assert primary_subtag(None) is None


@pytest.mark.skipif(not HEADLINES.exists(), reason="the language data is not beside this checkout")
def test_african_headlines_hold_their_measured_floor(resources: Resources) -> None:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    with gzip.open(HEADLINES, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            found = resources.language_model.detect(row["headline"])
            total[row["lang"]] += 1
            right[row["lang"]] += found is not None and found.code == row["lang"]
    assert min(right[code] / total[code] for code in ("en", "fr")) >= 0.99
    african = total.keys() - {"en", "fr", "pcm"}  # Nigerian Pidgin is told from English by its feed only
    assert sum(right[code] for code in african) / sum(total[code] for code in african) >= 0.86


@pytest.mark.parametrize(
    ("code", "text", "meant"),
    [
        ("rw", "Amakuru mashasha y'ivyo abanyagihugu bavuze, niko prezida yavuze", "rn"),
        ("rn", "Ibyo Perezida yavuze byateye abaturage kugera ku isoko rishya", "rw"),
        ("zu", "Abantwana bafuna ukuba iinkunzi zibuye kwisibaya ngoku", "xh"),
        ("xh", "Iphoyisa lithe umuntu ubonwe ngesikhathi izintombi zilapho", "zu"),
        ("am", "\u1290\u1272 \u12a3\u1265 \u12a8\u1270\u121b \u12d8\u120e \u1293\u12ed \u122d\u12a5\u1232", "ti"),
        ("vi", "Ndị mmadụ na-achọ ka ọchịchị nye anyị ọrụ", "ig"),
        ("vi", "Chính phủ cho biết người dân được giúp đỡ", "vi"),
        ("rw", "Messi, Pogba", "rw"),
        ("de", "Der Minister", "de"),
    ],
)
def test_neighbours_are_told_apart_by_their_own_spellings_or_left_as_they_are(code: str, text: str, meant: str) -> None:
    assert told_apart(code, text) == meant


def test_runs_of_letters_tell_kirundi_where_its_spellings_do_not() -> None:
    kirundi = {" aba": 3.0, "bab": 1.5, "ka ": -9.0}
    assert told_apart("rw", "Ababanda", kirundi) == "rn"
    assert told_apart("rw", "Ababa ka", kirundi) == "rw"
    assert told_apart("rn", "Ingoma", kirundi) == "rw"  # what says nothing is what the models know
    assert told_apart("rn", "Ingoma") == "rn"  # and stays as it is without the table
    table = load_neighbours()
    assert len(table) == 1_000 and all(3 <= len(run) <= 5 for run in table)


def test_real_headlines_are_taken_where_the_domain_bears_out_the_language(tmp_path: Path) -> None:
    items = "".join(f"<item><title>Fähren stehen eine Woche still {n}</title></item>" for n in range(3))
    for name, language, link in (
        ("a", "de", "https://a.de/"),
        ("b", "de", "https://b.com/"),
        ("c", "fr", "https://c.de/"),
    ):
        text = (
            f"<rss><channel><title>T</title><link>{link}</link><language>{language}</language>{items}</channel></rss>"
        )
        (tmp_path / f"{name}.xml").write_text(text, encoding="utf-8")
    (tmp_path / "broken.xml").write_text("<rss", encoding="utf-8")
    found = quality_feeds.titles(tmp_path, tmp_path / "none")
    assert {code: len(lines) for code, lines in found.items()} == {"de": 3}


@pytest.mark.skipif(not quality_feeds.FEEDS.is_dir(), reason="no real feeds beside this checkout")
def test_real_headlines_hold_their_floor(resources: Resources) -> None:
    assert under(list(quality_feeds.rows(resources)), floors()) == []


def test_a_feeds_language_outweighs_cues(resources: Resources) -> None:
    told = resources.language_model.detect("Ibyo Perezida yavuze byateye abaturage kugera ku isoko", "rn")
    assert told is not None
    assert told.code == "rn"


ENGLISH = "The council of the town has decided to close the old bridge for three months while it is being repaired. "
SPANISH = "El ayuntamiento ha decidido cerrar el puente viejo durante tres meses mientras se repara la estructura. "


@pytest.mark.parametrize(
    ("paragraphs", "code", "others"),
    [
        ([ENGLISH * 2, ENGLISH * 2, SPANISH * 2, SPANISH * 2, ENGLISH * 2], "en", ("es",)),
        ([ENGLISH * 2, *[SPANISH * 2] * 5], "es", ()),
        ([ENGLISH * 2, ENGLISH * 2, *[SPANISH * 2] * 4], "es", ("en",)),
        ([ENGLISH * 2] * 6, "en", ()),
        ([*[ENGLISH * 2] * 8, SPANISH * 2], "en", ()),
    ],
)
def test_a_text_in_two_languages_is_in_that_of_most_and_names_the_other(
    enriched: Enriched, paragraphs: list[str], code: str, others: tuple[str, ...]
) -> None:
    doc = enriched("", "\n\n".join(f"{part} {n}." for n, part in enumerate(paragraphs)))
    assert doc.language is not None
    assert (doc.language.code, doc.language.others) == (code, others)
