"""Samplers, data roots and packages that carry data."""
