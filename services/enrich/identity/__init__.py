"""Which keys of entities are one thing: learned from the stream or told by the operator, recorded, and undone."""
