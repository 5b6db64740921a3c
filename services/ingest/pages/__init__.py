"""Article pages: those behind teasers are claimed, asked for politely, looked at and kept for enrichment to read.

teaser stored ─▶ wanted ─ claim ─ robots ─ fetch ─ look ─▶ stored ─▶ its article sent to the queue
"""
