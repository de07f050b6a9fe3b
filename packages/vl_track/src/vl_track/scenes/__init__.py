"""Scenes: procedural video with language, exact boxes, and a seed instead of files."""
