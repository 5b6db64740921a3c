"""The directory of everything ever named."""

from services.api.search.directory.store import Known, begins, entities

__all__ = ["Known", "begins", "entities"]
