"""Feeds as the operator manages them: subscriptions, polls asked for, OPML."""
