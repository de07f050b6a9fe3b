"""From a folder of domains to a recommended recipe and a finished model (``dropout-ft advise``)."""
