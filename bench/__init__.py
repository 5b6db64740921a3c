"""The benchmark suite: one file a row of the targets, both sides of every comparison in the same run."""
