"""Speed beside the peers, measured in alternation: ``python -m benchmarks``."""
