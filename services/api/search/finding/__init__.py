"""Finding the newest articles that pass."""
