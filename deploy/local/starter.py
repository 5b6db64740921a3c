"""Subscribes the starter feeds through the public API, each address once: `python -m deploy.local.starter API [LIST…]`.

A list is OPML, or JSON (`.json`) holding bodies of `POST /v1/feeds`.

What was offered before is remembered in `WIREDESK_HOME/starter.json`, so a feed that the operator deleted does not come
back at the next start. Its last line of output tells what was done.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

TIMEOUT_S = 60


def main(arguments: list[str]) -> int:
    """Offer each list (a path or an http address, OPML or JSON); 0 when all were taken."""
    api, sources = arguments[0], arguments[1:]
    home = Path(os.environ["WIREDESK_HOME"])
    record = home / "starter.json"
    offered = _offered(record)
    added = 0
    problems: list[str] = []
    for source in sources:
        try:
            offer = _offer_bodies if source.endswith(".json") else _offer_opml
            count, taken, refused = offer(api, _read(source), offered, _key(home))
        except (OSError, ValueError, ET.ParseError) as error:
            problems.append(f"{source}: {error}")
            continue
        added += count
        problems += [f"refused {url}: {message}" for url, message in refused.items()]
        offered |= taken  # what was refused is offered again at the next start
        record.write_text(json.dumps({"offered": sorted(offered)}, indent=1))
    told = f"{added} starter feeds subscribed" if added else "starter feeds were subscribed before"
    print("; ".join([told, *problems]))
    return 1 if problems else 0


Offered = tuple[int, set[str], dict[str, str]]  # feeds added, addresses taken, {address refused: why}


def _offer_opml(api: str, opml: bytes, offered: set[str], key: str | None) -> Offered:
    left = only_new(opml, offered)
    if left is None:
        return 0, set(), {}
    answer = _post(f"{api}/v1/feeds.opml", left[0], key, "text/x-opml")
    refused = refusals(answer)
    return _count(answer.get("added")), left[1] - refused.keys(), refused


def _offer_bodies(api: str, bodies: bytes, offered: set[str], key: str | None) -> Offered:
    new = [body for body in json.loads(bodies) if body["url"] not in offered]
    for body in new:
        _post(f"{api}/v1/feeds", json.dumps(body).encode(), key, "application/json")
    return len(new), {body["url"] for body in new}, {}


def only_new(opml: bytes, offered: set[str]) -> tuple[bytes, set[str]] | None:
    """The list without the feeds in `offered`, and the addresses left in it; None when none is left."""
    root = ET.fromstring(opml)
    left: set[str] = set()
    for parent in list(root.iter()):
        for outline in [child for child in parent if child.tag == "outline" and child.get("xmlUrl")]:
            url = outline.get("xmlUrl", "")
            if url in offered:
                parent.remove(outline)
            else:
                left.add(url)
    return (ET.tostring(root, encoding="utf-8", xml_declaration=True), left) if left else None


def refusals(answer: dict[str, object]) -> dict[str, str]:
    """{address: why} of the feeds that the API did not take."""
    told = answer.get("refused")
    return (
        {str(r.get("url")): str(r.get("message")) for r in told if isinstance(r, dict)}
        if isinstance(told, list)
        else {}
    )


def _read(source: str) -> bytes:
    if source.startswith("http://"):
        with urllib.request.urlopen(source, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())
    return Path(source).read_bytes()


def _post(url: str, body: bytes, key: str | None, media_type: str) -> dict[str, object]:
    headers = {"content-type": media_type, "accept": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            told: dict[str, object] = json.load(answer)
            return told
    except urllib.error.HTTPError as error:
        raise OSError(f"the API answered {error.code}: {error.read(500).decode(errors='replace')}") from error


def _key(home: Path) -> str | None:
    if os.environ.get("WIREDESK_ADMIN_KEY"):
        return os.environ["WIREDESK_ADMIN_KEY"]
    with contextlib.suppress(OSError):
        return (home / "admin.key").read_text().strip()
    return None


def _offered(record: Path) -> set[str]:
    try:
        return set(json.loads(record.read_text())["offered"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _count(value: object) -> int:
    return value if isinstance(value, int) else len(value) if isinstance(value, list) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
