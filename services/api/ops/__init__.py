"""What operators ask: depth of the queues, latency of the stages, sources, health, metrics."""
