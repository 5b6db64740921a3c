"""Recipe of the static text vectors: `make train-embedding`."""
