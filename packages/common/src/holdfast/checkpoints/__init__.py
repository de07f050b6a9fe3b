"""Checkpoints that are whole or absent, and weights that are never unpickled blindly."""
