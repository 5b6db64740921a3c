"""Recipes of what the enrichment reads; never part of the running product."""
