"""What the self-contained HTML reports of both tracks share."""
