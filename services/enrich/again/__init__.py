"""Reading stored articles again, by slices, after a step has changed."""
