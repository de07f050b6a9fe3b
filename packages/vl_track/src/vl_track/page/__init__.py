"""The local web page of ``vl-track demo``."""
