"""Where the text of a report begins behind its dateline. Pure.

KARACHI (Reuters) - …   DES MOINES, Iowa, Nov. 24 (UPI) -- …   DEARBORN, Mich. — …   Abuja, Nigeria – …
"""

from __future__ import annotations

import re

LONGEST = 120  # characters
_DASH = r"(?:--|[\u2014\u2013-])"
_NAME = r"[^\W\d_a-z][^\n:|()\u2014\u2013]{1,60}?"
_OPENING = re.compile(
    rf"{_NAME} ?\([^()\n]{{2,40}}\) ?{_DASH} ?"  # City, state, date (agency) -
    rf"|(?=[^a-z]{{3}})[^a-z\n:|()]{{3,40}}(?:, [^\n()]{{2,40}}?)? {_DASH} "  # CITY, state, date -
    r"|[^\W\d_a-z][\w'\u2019 -]{1,25}, [^\W\d_a-z][\w'\u2019 .-]{1,25} [\u2014\u2013] "  # City, Country -
    r"(?=[^\W\d_a-z])"
    rf"|[^\W\d_a-z][\w'\u2019]{{2,20}}(?: [^\W\d_a-z][\w'\u2019]{{1,20}}){{0,2}} {_DASH} (?=[^\W\d_a-z])"  # City -
)


def opening(text: str) -> int:
    """How many characters a dateline with what parts it from the text takes at the beginning; 0 where there is none."""
    match = _OPENING.match(text[:LONGEST])
    return match.end() if match else 0
