"""The dashboard in a real browser against the real product: what a person sees is what the API served."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk, Publisher
from tests.flow.system import System, until

pytestmark = pytest.mark.browser

BODY = (
    "🚢🚢 Maria Duarte, who leads the Dockers' Union, met the ministers in Lisbon on Monday.\n\n"
    "Duarte said in Lisbon that the strike 𝒻 would go on. The mayor of Tournai closed the bridge 🌉 at noon."
)


def test_an_article_that_arrives_while_the_page_is_open_appears_without_reload(
    desk: Desk, publisher: Publisher
) -> None:
    desk.page.evaluate("window.same = true")
    before = int(desk.page.inner_text("#position").replace(",", "").replace("–", "0"))
    article_id = publisher.publish("Ferry strike goes on in Lisbon", BODY)
    expect(desk.row(article_id)).to_be_visible()
    expect(desk.row(article_id)).to_contain_text("Ferry strike goes on in Lisbon")
    assert desk.page.evaluate("window.same") is True
    assert int(desk.page.inner_text("#position").replace(",", "")) > before
    expect(desk.page.locator("#list [data-article-id]").first).to_have_attribute("data-article-id", str(article_id))


def test_the_marks_in_the_text_are_the_mentions_that_the_api_served(desk: Desk, publisher: Publisher) -> None:
    article_id = publisher.publish("🌊 Flood reaches Tournai 𝒻 and Lisbon", BODY)
    served = publisher.article(article_id)
    expect(desk.row(article_id)).to_be_visible()
    desk.read(article_id)
    for field, place, text in (("title", "#headline", served["title"]), ("body_text", "#body", served["body_text"])):
        wanted = sorted(
            (m["start"], e["id"], m["text"]) for e in served["entities"] for m in e["mentions"] if m["field"] == field
        )
        assert wanted, f"the {field} names nobody: this test would prove nothing"
        assert all(text[start : start + len(name)] == name for start, _, name in wanted)
        marks = desk.page.locator(f"{place} mark").evaluate_all(
            "marks => marks.map(m => [Number(m.dataset.start), m.dataset.entity, m.textContent])"
        )
        assert [tuple(mark) for mark in marks] == wanted
    shown = desk.page.locator("#body p").all_inner_texts()
    assert shown == [line for line in served["body_text"].split("\n") if line.strip()]
    assert desk.page.inner_text("#headline") == served["title"]


def test_a_hostile_title_and_text_stay_text(desk: Desk, publisher: Publisher) -> None:
    title = "<script>window.owned=1</script><img src=x onerror='window.owned=1'> Lisbon"
    text = "Ana Reis wrote <script>window.owned=1</script> & <b>more</b> in Lisbon."
    article_id = publisher.publish(title, text)
    served = publisher.article(article_id)
    assert "<script>" in served["title"], "the API must have served it: else this test would prove nothing"
    expect(desk.row(article_id)).to_contain_text(served["title"])
    desk.read(article_id)
    expect(desk.page.locator("#headline")).to_have_text(served["title"])
    assert desk.page.locator("main script, main img").count() == 0
    assert desk.page.evaluate("window.owned") is None


def test_a_correction_shows_in_the_row_and_in_the_open_article(desk: Desk, publisher: Publisher) -> None:
    article_id = publisher.publish("Bridge at Tournai closed for a week", "The mayor of Tournai closed the bridge.")
    expect(desk.row(article_id)).to_be_visible()
    desk.read(article_id)
    publisher.items[-1]["title"] = "Bridge at Tournai closed for a month"
    publisher.poll()
    expect(desk.row(article_id)).to_contain_text("closed for a month", timeout=60_000)
    expect(desk.row(article_id)).to_contain_text("corrected")
    expect(desk.page.locator("#headline")).to_have_text("Bridge at Tournai closed for a month")
    expect(desk.page.locator(".changes del")).to_contain_text("closed for a week")
    expect(desk.page.locator(".changes ins")).to_contain_text("closed for a month")


def test_text_of_right_to_left_languages_runs_that_way(desk: Desk, publisher: Publisher) -> None:
    title = "وزراء الخارجية يجتمعون في القاهرة لبحث الهدنة"
    article_id = publisher.publish(title, f"{title}. وقال المتحدث إن الاجتماع سيستمر يومين في القاهرة.")
    expect(desk.row(article_id)).to_be_visible()
    desk.read(article_id)
    direction = "element => getComputedStyle(element).direction"
    assert desk.page.locator("#headline").evaluate(direction) == "rtl"
    assert desk.row(article_id).locator(".row-title").evaluate(direction) == "rtl"
    assert desk.page.locator("#body p").first.evaluate(direction) == "rtl"


def test_the_state_of_each_feed_is_shown_and_a_feed_can_be_added(desk: Desk, publisher: Publisher) -> None:
    publisher.publish("Something for the feed to hold", "Nothing more than that.")
    page = desk.page
    page.click("#tab-feeds")
    row = page.locator(f'#feed-rows tr[data-feed-id="{publisher.feed_id}"]')
    expect(row.locator(".state")).to_have_text("ok")
    expect(row).to_contain_text("Browser wire")
    page.fill("#feed-url", publisher.wire.url + "/missing.xml")
    page.click("#add-feed button")
    broken = page.locator("#feed-rows tr", has_text="/missing.xml")
    expect(broken.locator(".state")).to_have_text("failing", timeout=30_000)
    expect(broken.locator(".trouble")).to_be_visible()
    expect(page.locator("#feeds-trouble")).to_have_text("1")


def test_on_a_phone_nothing_of_a_feed_lies_beside_the_screen(desk: Desk, publisher: Publisher) -> None:
    publisher.publish("Something to hold in a hand", "Nothing more than that.")
    page = desk.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.click("#tab-feeds")
    row = page.locator(f'#feed-rows tr[data-feed-id="{publisher.feed_id}"]')
    expect(row.locator("button")).to_be_visible()
    for part in (row.locator("td"), page.locator(".tablewrap")):
        for box in [one.bounding_box() for one in part.all()]:
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360, box


def test_a_refused_feed_says_why(desk: Desk) -> None:
    page = desk.page
    page.click("#tab-feeds")
    page.fill("#feed-url", "http://10.0.0.1/feed")
    page.click("#add-feed button")
    expect(page.locator("#add-note")).to_contain_text("private")
    # The browser itself notes every answer of status 4xx; ours is the one above.
    desk.complaints[:] = [c for c in desk.complaints if "status of 422" not in c]


def test_filters_narrow_the_list_and_what_arrives_later(desk: Desk, publisher: Publisher) -> None:
    spanish = publisher.publish(
        "Los ministros se reúnen en Lisboa por la huelga de los transbordadores",
        "Los ministros se reunieron el lunes en Lisboa con los trabajadores y la huelga seguirá esta semana.",
    )
    english = publisher.publish(
        "Ministers meet again in Lisbon", "The ministers met the workers again on Monday in Lisbon."
    )
    page = desk.page
    expect(desk.row(english)).to_be_visible()
    page.select_option('select[name="lang"]', "es")
    expect(desk.row(english)).to_have_count(0)
    expect(desk.row(spanish)).to_be_visible()
    later = publisher.publish(
        "Quiet day in the harbour of Lisbon", "There was nothing at all to report from the harbour."
    )
    also = publisher.publish(
        "La huelga de los estibadores continúa en el puerto de Lisboa",
        "Los estibadores del puerto decidieron continuar la huelga durante toda la semana, dijo el sindicato.",
    )
    expect(desk.row(also)).to_be_visible()
    expect(desk.row(later)).to_have_count(0)
    assert "lang=es" in page.url
    page.reload()
    page.locator('#link[data-state="live"]').wait_for()
    expect(desk.row(also)).to_be_visible()
    expect(desk.row(english)).to_have_count(0)


def test_words_are_searched_as_they_are_typed_and_an_entity_filters_by_a_click(
    desk: Desk, publisher: Publisher
) -> None:
    article_id = publisher.publish("Heron counted at Tournai", "A rare heron was counted in Tournai on Monday.")
    expect(desk.row(article_id)).to_be_visible()
    page = desk.page
    page.fill("#q", "heron")
    expect(page.locator("#list [data-article-id]")).to_have_count(1)
    desk.read(article_id)
    page.locator(".chip", has_text="Tournai").click()
    expect(page.locator("#entity-filter")).to_contain_text("Tournai")
    with page.expect_response("**/v1/articles?*entity=*"):
        page.fill("#q", "")
    rows = page.locator("#list [data-article-id]")
    expect(rows.first).to_be_visible()
    ids = rows.evaluate_all("rows => rows.map(row => Number(row.dataset.articleId))")
    assert article_id in ids
    for found in ids:
        assert any("Tournai" in e["name"] for e in publisher.article(found)["entities"])


def test_the_keyboard_moves_reads_and_closes(desk: Desk, publisher: Publisher) -> None:
    publisher.publish("First of two for the keyboard", "One.")
    publisher.publish("Second of two for the keyboard", "Two.")
    page = desk.page
    rows = page.locator("#list [data-article-id]")
    expect(rows.nth(1)).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#headline")).to_have_text(rows.nth(1).locator(".row-title").inner_text())
    page.keyboard.press("Escape")
    expect(page.locator("#reader")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


def test_after_the_server_was_away_nothing_is_missing(desk: Desk, publisher: Publisher) -> None:
    publisher.publish("Before the server went away", "One.")
    publisher.system.kill("api")
    desk.page.locator('#link[data-state="waiting"]').wait_for()
    publisher.system.start("api")
    article_id = 0
    with httpx.Client() as client:
        while not article_id:
            try:
                client.get(publisher.system.url + "/readyz").raise_for_status()
                article_id = publisher.publish("While the desk reconnects", "Two.")
            except httpx.HTTPError:
                desk.page.wait_for_timeout(100)
    expect(desk.row(article_id)).to_be_visible(timeout=30_000)
    desk.page.locator('#link[data-state="live"]').wait_for()
    # The browser notes every refused connection.
    desk.complaints[:] = [c for c in desk.complaints if not re.search("ERR_CONNECTION|ERR_INCOMPLETE", c)]


def test_where_keys_are_required_it_asks_for_one_and_follows_with_it(publisher: Publisher, browser: Browser) -> None:
    key = "wd_" + "k" * 40
    closed = System(
        publisher.system.home / "closed",
        publisher.database_url,
        publisher.redis_url,
        WIREDESK_AUTH="keys",
        WIREDESK_ADMIN_KEY=key,
    )
    closed.start("api")
    context = browser.new_context()
    try:
        until(lambda: httpx.get(closed.url + "/readyz").status_code == 200, 60, closed.tail("api"))
        page = context.new_page()
        page.goto(closed.url + "/")
        page.fill("#key", "wd_wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#link-state")).to_have_text("stopped")
        expect(page.locator("#key-dialog")).to_be_visible()
        page.fill("#key", key)
        page.keyboard.press("Enter")
        page.locator('#link[data-state="live"]').wait_for()
        article_id = publisher.publish("Read with a key", "In Lisbon.")
        expect(page.locator(f'#list [data-article-id="{article_id}"]')).to_be_visible()
    finally:
        context.close()
        closed.stop()


def test_the_page_allows_no_foreign_script_and_stays_small(publisher: Publisher) -> None:
    answer = httpx.get(publisher.system.url + "/")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=)|\son[a-z]+=|style=", answer.text)
    assert "//" not in re.sub(r"<!doctype html>|https://…", "", answer.text)
    again = httpx.get(publisher.system.url + "/", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(publisher.system.url + "/dashboard/__init__.py").status_code == 404
