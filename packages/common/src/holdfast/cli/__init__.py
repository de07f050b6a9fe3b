"""The command line both tracks share."""
