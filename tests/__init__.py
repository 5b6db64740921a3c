"""Tests: they mirror the source; `flow/` tries the whole product, `rules/` the house."""
