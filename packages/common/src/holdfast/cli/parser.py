"""Errors of the argument parser, with the nearest key that would have been right."""

import difflib
import re
from typing import Any, NoReturn

from jsonargparse import ArgumentParser
from pytorch_lightning.cli import LightningArgumentParser

_UNKNOWN_KEY = re.compile(
    r"(?:Key|Keys|Option|Group key|unrecognized arguments:?|Unrecognized arguments:?|key)\s+"
    r"['\"]?(?:--)?([\w.\-]+)['\"]?"
)


def nearest_key(unknown: str, known: list[str]) -> str | None:
    """Return the known dotted key most like ``unknown``, or None if none is near.

    The last part is compared first, because a misspelt key usually sits at the right place.
    """
    whole = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
    leaf = unknown.rsplit(".", 1)[-1]
    leaves = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
    near = difflib.get_close_matches(leaf, list(leaves), n=1, cutoff=0.7)
    if near:
        return leaves[near[0]]
    return whole[0] if whole else None


class SuggestingParser(LightningArgumentParser):
    """Lightning's parser; an unknown key is answered with the nearest known one."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print one message, with a suggestion where a key is unknown, and exit with status 2."""
        found = _UNKNOWN_KEY.search(message)
        if found and "not" in message + "not recognized":
            near = nearest_key(found.group(1), self.known_keys())
            if near is not None:
                message = f"{message}\nDid you mean '{near}'?"
        super().error(message, ex)
        raise AssertionError("argparse's error always exits")  # pragma: no cover

    def known_keys(self) -> list[str]:
        """List the dotted keys of this parser and of the classes chosen by default."""
        keys: list[str] = []
        for action in self._actions:
            keys.extend(
                option.removeprefix("--")
                for option in action.option_strings
                if option.startswith("--")
            )
        return keys


def parser_class() -> type[ArgumentParser]:
    """Return the parser every command uses."""
    return SuggestingParser
