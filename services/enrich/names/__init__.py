"""Names in text: how they are found by rule, folded into one form and told apart."""
