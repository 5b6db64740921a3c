"""Ingest: feeds in, articles stored, ids queued. The only service that talks to publishers."""
