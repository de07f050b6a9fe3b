"""What both Holdfast tracks share: command line, runs, exact resume, checkpoints, data helpers."""

__version__ = "0.1.0"
