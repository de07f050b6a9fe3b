"""Where a run lives, what it records, and how it is found again."""
