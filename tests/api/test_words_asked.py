"""Questions in web-search syntax, against articles in several languages and scripts: on lists and on streams."""

from __future__ import annotations

import httpx

from tests.api.conftest import Newsroom

ARTICLES = {
    "Bridges": ("The new bridge was opened by the mayor of New York.", "en"),
    "The Who": ("A band plays.", "en"),
    "Pont": ("Le pont réouvre; les nouvelles élections approchent, c'est nouveau.", "fr"),
    "Мост": ("Российский мост снова открыт.", "ru"),
    "橋": ("東京都知事が会見した。", "ja"),
    "สะพาน": ("สะพานเปิดอีกครั้ง", "th"),
    "다리": ("다리가 다시 열렸다", "ko"),
}
ASKED = [
    ("bridge", {"Bridges"}),
    ("BRIDGES mayor", {"Bridges"}),
    ("news", set()),  # French takes the s off; what it leaves is no word of an English article
    ("new", {"Bridges"}),
    ('"new york"', {"Bridges"}),
    ('"york new"', set()),
    ('"mayor of new york"', {"Bridges"}),
    ("bridge OR pont", {"Bridges", "Pont"}),
    ("bridge OR pont -york", {"Pont"}),
    ('pont OR bridge -"york new"', {"Bridges", "Pont"}),
    ("the who", {"The Who"}),
    ("réouvrir election", {"Pont"}),
    ("reouvre", {"Pont"}),
    ("российского", {"Мост"}),
    ("東京", {"橋"}),
    ("都知事", {"橋"}),
    ("会", {"橋"}),
    ("大阪", set()),
    ("東京 -知事", set()),
    ("เปิด", {"สะพาน"}),
    ("다리가", {"다리"}),
    ("-bridge -band -pont -мост -東京 -เปิด", {"다리"}),
    ("&|!", set()),
    ('"', set()),
    ("-", set()),
    ("OR", set()),
    ("bridge OR", {"Bridges"}),
    ("OR bridge", {"Bridges"}),
]


async def test_lists_and_streams_answer_the_same(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    for title, (body, lang) in ARTICLES.items():
        newsroom.article(title, body=body, lang=lang)
    for q, expected in ASKED:
        for sort in ("newest", "relevance"):
            page = await api.get("/v1/articles", params={"q": q, "sort": sort})
            assert page.status_code == 200, page.text
            assert {item["title"] for item in page.json()["items"]} == expected, (q, sort)
        events = (await api.get("/v1/events", params={"after": 0, "q": q})).json()["items"]
        assert {event["data"]["title"] for event in events} == expected, q


async def test_the_language_filter_narrows_what_a_word_means(newsroom: Newsroom, api: httpx.AsyncClient) -> None:
    newsroom.article("Pont", body="nouvelles", lang="fr")
    newsroom.article("Puente", body="nouvelle cuisine", lang="es")
    for q, lang, expected in (("nouvelle", "fr", ["Pont"]), ("nouvelle", "es", ["Puente"]), ("nouvelle", "de", [])):
        page = (await api.get("/v1/articles", params={"q": q, "lang": lang})).json()
        assert [item["title"] for item in page["items"]] == expected, (q, lang)
