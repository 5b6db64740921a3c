"""Row 6: the article out of real pages, on one core, against trafilatura called alone, with the F1 of both."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.pages import FOLDER, pages, score
from bench.report import Row
from services.enrich.steps.page import extract

ROUNDS = 5


def run() -> Row:
    """Both read every page in turn, five times; the best round of each counts."""
    if not FOLDER.is_dir():
        return Row(6, "page extraction", ">= 0.9 x trafilatura's pages/s at the same text", {}, None, ["no pages here"])
    import trafilatura

    def alone(html: str) -> str:
        return trafilatura.extract(html, include_comments=False, favor_precision=True, include_links=True) or ""

    def plain(html: str) -> str:
        return trafilatura.extract(html, include_comments=False, favor_precision=True) or ""

    def ours(html: str) -> str:
        found = extract(html)
        return found.body_text if found else ""

    found = pages()
    htmls = [page.html for page in found]
    took = {name: 1e9 for name in ("ours", "trafilatura", "trafilatura with links")}
    for _ in range(ROUNDS):
        for name, read in (("ours", ours), ("trafilatura", plain), ("trafilatura with links", alone)):
            took[name] = min(took[name], _seconds(read, htmls))
    speed = {name: round(len(htmls) / seconds, 1) for name, seconds in took.items()}
    mine, rival = score(found, ours), score(found, plain)
    ratio = round(speed["ours"] / speed["trafilatura"], 2)
    figures: dict[str, float | int | str] = {f"{name}: pages/s": value for name, value in speed.items()}
    figures |= {"ratio": ratio, "ours: 4-gram F1": mine["F1"], "trafilatura: 4-gram F1": rival["F1"]}
    return Row(
        6,
        f"page extraction, {len(found)} real pages, one core, with metadata",
        ">= 0.9 x trafilatura's pages/s at the same text",
        figures,
        ratio >= 0.9 and mine["F1"] >= rival["F1"] - 0.2,
    )


def _seconds(read: Callable[[str], str], htmls: list[str]) -> float:
    begun = time.process_time()
    for html in htmls:
        read(html)
    return time.process_time() - begun
