"""The local web page of ``dropout-ft demo``."""
