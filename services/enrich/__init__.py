"""Enrich: ids in, enriched articles and events out. CPU only, no network beyond the store and the queue."""
