"""Vision-language tracking with one transformer (All-in-One, arXiv 2307.03373)."""

__version__ = "0.1.0"
