"""What is past is emptied, not forgotten (decision 0165)."""
