"""Plain text from what publishers send: cleaning, markup to paragraphs, sentences."""
