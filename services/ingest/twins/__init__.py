"""Articles found to be one after they were stored, and those that their publisher takes back."""
