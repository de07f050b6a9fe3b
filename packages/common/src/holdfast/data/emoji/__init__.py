"""Emoji drawings of five hands, fetched from registry packages; both tracks draw from them."""
