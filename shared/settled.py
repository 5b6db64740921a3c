"""The words of a page without its markup, and which of them stay when nothing was written anew. Pure.

What a site changes by itself is no news: counters, relative times, "updated" lines, advertisement labels, and boxes
of links to other articles. `settled` texts leave these out; two texts that settle alike are one to a reader.
"""

from __future__ import annotations

import html
import re

_BLOCK_NAMES = (
    "address article aside blockquote br caption dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header"
    " hr li main ol p pre section summary table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>")
_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: stand for the ends of a link
_LINK = re.compile(f"{_OPEN}[^{_OPEN}{_CLOSE}]*{_CLOSE}?")
_WORD = re.compile(r"\w")
_SPLIT = re.compile(r"\s*[|·•]\s*")

_AGO = re.compile(
    r"\b(?:\d+|an?|one)\s*(?:s|sec|second|m|min|minute|h|hr|hour|d|day|w|week|month|year)s?\.?\s+ago\b|\bjust now\b"
    r"|\bvor\s+(?:\d+|einer|einem)\s+(?:Sekunde|Minute|Std\.?|Stunde|Tag|Woche|Monat)(?:e?n)?\b"
    r"|\bil y a\s+(?:\d+|une?)\s+(?:seconde|minute|heure|jour|semaine|mois)s?\b"
    r"|\bhace\s+(?:\d+|una?)\s+(?:segundo|minuto|hora|d[ií]a|semana|mes)(?:e?s)?\b"
    r"|\bhá\s+(?:\d+|uma?)\s+(?:segundo|minuto|hora|dia|semana|m[eê]s)(?:e?s)?\b"
    r"|\b(?:\d+|un|una)\s+(?:second[oi]|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei])\s+fa\b"
    r"|\b\d+\s+(?:seconden?|minuten|minuut|uur|dag(?:en)?|week|weken)\s+geleden\b"
    r"|\b\d+\s+(?:секунд|минут|час|день|дн|недел)\w*\s+назад\b|\d+\s*(?:秒|分|分钟|分鐘|小时|小時|時間|天|日)前",
    re.IGNORECASE,
)
_COUNTED = (
    r"views?|reads?|comments?|shares?|likes?|reactions?|replies|votes?|visits?|aufrufe|kommentare?|leser|vues?"
    r"|commentaires?|partages?|visitas|comentarios?|lecturas|visualizações|comentários|visualizzazioni|commenti"
    r"|condivisioni|reacties|просмотр\w*|комментари\w*"
)
# Looking for one of these first costs a tenth of trying the patterns, which need one of them.
_COUNTED_STEMS = (
    "view|read|comment|share|like|reaction|repl(?:ies|y)|vote|visit|aufruf|kommentar|leser|vue|partage|comentario"
    "|comentário|lectura|visualiz|condivision|reactie|просмотр|комментари"
)
_FIGURE_FIRST = re.compile(rf"\d[.,\s]*[km]?\s*(?:{_COUNTED_STEMS})")  # of text in lower case, as is the next
_FIGURE_FIRST_ASCII = re.compile(_FIGURE_FIRST.pattern, re.ASCII)  # quicker where it will do
_FIGURE_LAST = re.compile(r"[:(]\s*\d")
_DIGIT = re.compile(r"\d")
# A figure and what it counts, standing by itself: at an end of the text or between separators, never within a sentence.
_COUNT = rf"(?:\d[\d.,\s]*[kmKM]?\s*(?:{_COUNTED})|(?:{_COUNTED})\s*[:(]\s*\d[\d.,]*[kmKM]?\)?)"
_COUNTER = re.compile(  # or up to five of them, side by side
    rf"(?:(?<=[.!?…])|(?<=[.!?…]\s)|^|[(\[])\s*{_COUNT}(?:\s*[,;/]?\s*{_COUNT}){{0,4}}\s*(?:[)\]]|$)", re.IGNORECASE
)
_UPDATED = re.compile(
    r"^\W*(?:last |zuletzt |dernière |última |ultimo )?"
    r"(?:updated?|modified|aktualisiert|mise? à jour|actualizad[oa]|actualización|atualizad[oa]|aggiornat[oa]"
    r"|aggiornamento|bijgewerkt)\b[^.!?]{0,70}\d[^!?]{0,30}$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\W*(?:(?:story|article) continues below(?: (?:this )?(?:ad|advertisement))?|advertisements?|advertising|ad|ads"
    r"|sponsored(?: content)?|promoted|anzeigen?|werbung|publicité|publicidad|pubblicità|publicidade|advertentie"
    r"|реклама|広告|广告|廣告|loading|read (?:more|also|next)|see also|also read|more (?:on this(?: story)?|stories)"
    r"|related(?: (?:articles?|stories|links|topics|content|news|reading))?|recommended(?: (?:for you|stories))?"
    r"|you may also like|most (?:read|popular)|trending(?: now)?|share (?:this(?: (?:article|story))?)"
    r"|lire aussi|à lire aussi|sur le même sujet|lea también|lee también|te puede interesar|leia também|leggi anche"
    r"|lesen sie auch|auch interessant|mehr zum thema|lees ook|читайте также)\W*$",
    re.IGNORECASE,
)


def settled(text: str) -> str:
    """Plain text without what its site changes by itself, line by line."""
    lines = text.split("\n") if "\n" in text else [text]
    if "  " in text or not text.replace("\n", "").isprintable():  # of all white space only the blank is printable
        lines = [" ".join(line.split()) for line in lines]
    else:
        lines = [line.strip() for line in lines]
    if _may_be_touched("\n".join(lines)):
        lines = [_settled_line(line) for line in lines]
    else:
        lines = [line for line in lines if len(line) >= 120 or not _goes(line)]
    return "\n".join(filter(None, lines))


def settled_html(sanitised: str) -> str:
    """The same of sanitised HTML: lines that are nothing but links go too, unless there is no other line."""
    flat = sanitised.replace("\n", " ")
    flat = _TAG.sub(_gap_or_link, flat) if "<" in flat else flat
    lines = (html.unescape(flat) if "&" in flat else flat).split("\n")
    if _OPEN not in flat:
        return settled("\n".join(lines))
    kept = [line for line in lines if _WORD.search(_LINK.sub("", line)) and not _LABEL.match(_LINK.sub("", line))]
    return settled("\n".join(kept or lines).replace(_OPEN, "").replace(_CLOSE, ""))


def _may_be_touched(text: str) -> bool:
    """Whether anything within a line may go: looked for once in all of a text, which most texts are done with."""
    low = text.lower()
    return _is_parted(low) or _tells_age(low) or _may_count(low)


def _is_parted(line: str) -> bool:
    return "|" in line or "·" in line or "•" in line


def _tells_age(low: str) -> bool:
    plain = " ago" in low or "just now" in low or "vor " in low or "il y a " in low or "hace " in low or " fa" in low
    return plain or " geleden" in low or (not low.isascii() and ("há " in low or " назад" in low or "前" in low))


def _may_count(low: str) -> bool:
    told_after = (":" in low or "(" in low) and _FIGURE_LAST.search(low) is not None
    return told_after or (_FIGURE_FIRST_ASCII if low.isascii() else _FIGURE_FIRST).search(low) is not None


def _goes(line: str) -> bool:
    """Whether a short line says nothing but what its site says of itself."""
    return _LABEL.match(line) is not None or _UPDATED.match(line) is not None


def _settled_line(line: str) -> str:
    if len(line) < 120:
        if _goes(line):
            return ""
    elif _DIGIT.search(line) is None:
        return line
    rest = _AGO.sub("", line) if _tells_age(line.lower()) else line
    counted = _may_count(rest.lower())
    if not (counted or rest != line or _is_parted(line)):
        return line
    parts = [_COUNTER.sub("", part) if counted else part for part in _SPLIT.split(rest)]
    return " ".join(" · ".join(filter(None, (part.strip() for part in parts))).split())


def _gap_or_link(match: re.Match[str]) -> str:
    name = match.group(2).lower()
    return (_CLOSE if match.group(1) else _OPEN) if name == "a" else "\n" if name in _BLOCKS else ""
