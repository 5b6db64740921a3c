"""Alert a chat room to articles: posts to an incoming webhook (Slack, Mattermost, Rocket.Chat, Zulip: `{"text": …}`).

    python to_chat.py https://chat.example/hooks/… --query '"night boat" OR ferry' --lang en --state ferries.position

A message is posted before its position is saved: after a crash in the instant between, one message comes again and none
is lost. It carries the event's id as `Idempotency-Key`, for receivers that know how to drop it then. A room that asks
for patience (429) gets it; one that refuses a message for good (another 4xx) ends the program, which tells why.
`WIREDESK_URL` and `WIREDESK_KEY` say where the desk is.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable

import httpx
from wiredesk import Event, FileState, Wiredesk

KINDS = ("wiredesk.article.enriched.v1", "wiredesk.article.corrected.v1", "wiredesk.article.withdrawn.v1")
LONGEST_WAIT_S = 60.0


def message_of(event: Event) -> str | None:
    """What the room reads; None for what is not worth a message: a correction of no significance."""
    article = event.article
    if article is None or (event.type.endswith(".corrected.v1") and not event.data.get("significant")):
        return None
    what = {"corrected": "Corrected: ", "withdrawn": "Withdrawn: "}.get(event.type.split(".")[2], "")
    title = article.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    source = f" ({article.source.name or article.source.id})" if article.source else ""
    return f"{what}{title}{source}\n{article.url}"


def post(room: httpx.Client, hook: str, event: Event, text: str) -> None:
    """Until the room has it. Raises `httpx.HTTPStatusError` where it never will."""
    wait_s = 1.0
    while True:
        try:
            answer = room.post(hook, json={"text": text}, headers={"Idempotency-Key": event.id})
            if answer.status_code < 500 and answer.status_code != 429:
                answer.raise_for_status()
                return
            asked_s = answer.headers.get("retry-after", "")
            pause_s = float(asked_s) if asked_s.isdigit() else wait_s
        except httpx.TransportError:
            pause_s = wait_s
        time.sleep(min(pause_s, LONGEST_WAIT_S))
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def run(desk: Wiredesk, hook: str, state: FileState, query: str | None, lang: Iterable[str]) -> None:
    """For ever: a message for each article that is new, corrected or withdrawn. Begins with what comes next."""
    with httpx.Client(timeout=30.0) as room:
        for event in desk.follow(q=query, lang=list(lang), type=KINDS, resume=state):
            text = message_of(event)
            if text is not None:
                post(room, hook, event, text)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("hook", help="address of the room's incoming webhook")
    asked.add_argument("--query", help="words, as `wiredesk search` takes them")
    asked.add_argument("--lang", action="append", default=[])
    asked.add_argument("--state", default="to_chat.position", help="file that remembers the position")
    given = asked.parse_args()
    url = os.environ.get("WIREDESK_URL", "http://127.0.0.1:8080")
    with Wiredesk(url, key=os.environ.get("WIREDESK_KEY")) as desk:
        run(desk, given.hook, FileState(given.state), given.query, given.lang)
