"""The directory of everything ever named."""

from services.api.search.directory.store import Changed, Known, begins, changes, entities, followed, former

__all__ = ["Changed", "Known", "begins", "changes", "entities", "followed", "former"]
