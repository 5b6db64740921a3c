"""Behind a reverse proxy: links are those of the address that the reader asked."""

from __future__ import annotations

import pytest

from services.api.deps import Resources
from shared.settings import Settings
from tests.api.conftest import Newsroom, serving


@pytest.mark.parametrize(("believed", "scheme"), [(None, "https"), ("192.0.2.1", "http")])
async def test_feeds_link_to_where_the_proxy_was_asked(
    newsroom: Newsroom,
    settings: Settings,
    held: Resources,
    monkeypatch: pytest.MonkeyPatch,
    believed: str | None,
    scheme: str,
) -> None:
    if believed:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", believed)
    newsroom.article()
    published = settings.model_copy(update={"allowed_hosts": ("desk.example",)})
    proxied = {"Host": "desk.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    async with serving(published, held) as (api, _):
        feed = (await api.get("/v1/articles.jsonfeed", headers=proxied)).json()
        assert feed["feed_url"] == f"{scheme}://desk.example/v1/articles.jsonfeed"
        search = (await api.post("/v1/searches", json={"name": "n", "filters": {"q": "bridge"}})).json()
        answer = await api.get(f"/v1/searches/{search['id']}.atom", headers=proxied)
        assert f'<{scheme}://desk.example/v1/hub>; rel="hub"' in answer.headers["link"]
