"""Scores of tracking results."""
