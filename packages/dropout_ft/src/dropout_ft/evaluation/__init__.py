"""Scores from logits: per domain, i.i.d. and out of distribution; and selection rules."""
