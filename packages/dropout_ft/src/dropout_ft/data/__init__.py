"""Pictures in folders of domains and classes, and the data modules that feed them."""

from dropout_ft.data.domains import DomainFolders
from dropout_ft.data.emoji_styles.datamodule import EmojiStyles
from dropout_ft.data.sharded_folders import ShardedFolders

__all__ = ["DomainFolders", "EmojiStyles", "ShardedFolders"]
