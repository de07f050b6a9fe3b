"""The parser of Lightning's commands, with what :mod:`holdfast.cli.parser` adds."""

from pytorch_lightning.cli import LightningArgumentParser

from holdfast.cli.parser import Suggesting


class SuggestingParser(Suggesting, LightningArgumentParser):
    """Lightning's parser; an unknown key is answered with the nearest known one."""
