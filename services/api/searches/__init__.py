"""Saved searches: a filter with a name, looked at before it is kept, served as feeds."""
