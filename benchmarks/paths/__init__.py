"""One file for each measured path; each has ``measure(results, rounds)``."""
