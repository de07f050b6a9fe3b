"""EmojiStyles: the same things drawn by five hands, prepared from registry packages."""
