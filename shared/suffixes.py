"""Public suffixes: under what the public lets domains be registered (publicsuffix.org/list). Pure but for the list.

The list is the one that tldextract brings. It is read here and not by tldextract, whose import brings `requests`: a
quarter of a second in every process, in the middle of the first poll.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import idna

_BEGIN, _END = "// ===BEGIN ICANN DOMAINS===", "// ===END ICANN DOMAINS==="


def suffix_labels(labels: list[str]) -> int:
    """How many of a host's last labels are its public suffix; 0 where the list does not know it.

    The longest rule counts, exceptions before all others; only the part of the list that ICANN delegates.
    """
    rules = _rules()
    names = [_readable(label) for label in labels]
    for start in range(len(names)):
        name, parent = ".".join(names[start:]), ".".join(names[start + 1 :])
        if f"!{name}" in rules:
            return len(names) - start - 1
        if name in rules or (parent and f"*.{parent}" in rules):
            return len(names) - start
    return 0


def _readable(label: str) -> str:
    """As the list writes it: in letters of all scripts."""
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


@lru_cache(maxsize=1)
def _rules() -> frozenset[str]:
    spec = importlib.util.find_spec("tldextract")  # finds it without running it
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("tldextract is not installed, whose list of public suffixes is needed")
    text = (Path(spec.origin).parent / ".tld_set_snapshot").read_text("utf-8")
    listed = text.partition(_BEGIN)[2].partition(_END)[0].split("\n")
    return frozenset(line for line in listed if line and not line.startswith("//"))
