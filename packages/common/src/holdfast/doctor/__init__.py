"""``holdfast doctor``: what is wrong with this machine or installation, and what mends it."""
