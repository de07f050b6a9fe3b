"""Comparison methods computed after the fact from saved logits and weights, one file each."""
