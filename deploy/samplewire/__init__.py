"""The sample wire: a local feed server that replays invented news, so that a fresh start has something to show.

Everything told in `articles/` is invented, the publishers in `publishers.toml` too. The flow:

    articles/*.md ─ load (once) ─▶ Wire ─ wire_at(elapsed) ─▶ editions ─ feed_at ─▶ RSS, Atom, RDF, JSON Feed
                                                                        page_at ─▶ article pages
"""

from __future__ import annotations
