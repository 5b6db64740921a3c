"""Recipe of the dictionaries that stored JSON and texts are packed with."""
