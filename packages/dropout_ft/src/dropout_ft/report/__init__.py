"""From finished runs to one table and one page."""
