"""Names in text: the default entity model and its spans."""

from __future__ import annotations

from services.enrich.ner.model import SERVES, NerModel
from services.enrich.ner.spans import Label, Span

__all__ = ["SERVES", "Label", "NerModel", "Span"]
