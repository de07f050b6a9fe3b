"""Readers of the field's data sets: one file each, the same name in code, config and test."""
