"""A browser's own EventSource as a reader: it takes named events, and comes back by itself with the last id."""

from __future__ import annotations

import httpx
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Publisher
from tests.flow.system import until

LISTEN = """
() => {
  window.told = [];
  window.opened = 0;
  const source = new EventSource('/v1/events');
  source.onopen = () => { window.opened += 1; };
  source.addEventListener('wiredesk.article.enriched.v1', e => {
    const event = JSON.parse(e.data);
    window.told.push([e.lastEventId, event.id, event.data.title]);
  });
}
"""


def test_event_source_takes_events_and_resumes_where_it_was(publisher: Publisher, browser: Browser) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(publisher.system.url + "/")
        page.evaluate(LISTEN)
        until(lambda: page.evaluate("window.opened") == 1, 60, "it follows")
        publisher.publish("Harbour opens", "In Lisbon.")
        until(lambda: page.evaluate("window.told.length") == 1, 60, "the first event")
        publisher.system.kill("api")
        publisher.system.start("api")
        until(lambda: httpx.get(publisher.system.url + "/readyz").status_code == 200, 60, "the api is back")
        # Told before or after the browser is back: it asks from its last id.
        publisher.publish("Harbour closes", "In Porto.")
        until(lambda: page.evaluate("window.told.length") == 2, 60, "the second event")
        told = page.evaluate("window.told")
        assert [title for _, _, title in told] == ["Harbour opens", "Harbour closes"]
        assert all(last == position for last, position, _ in told)
        assert page.evaluate("window.opened") >= 2
        expect(page.locator('#link[data-state="live"]')).to_be_visible(timeout=60_000)
    finally:
        context.close()
