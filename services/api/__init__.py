"""API: reads, streams, webhooks and the dashboard."""
