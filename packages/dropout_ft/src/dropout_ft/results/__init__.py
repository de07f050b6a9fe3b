"""Scores of saved logits, selection rules, and the files of a run; needs no network."""
