"""README's commands: which are printed, and what makes the long ones short."""

import re
from typing import NamedTuple

from conftest import REPOSITORY

# What a machine without a hub, and a test without patience, add to a printed command.
SHORT = {
    "dropout-ft fit": (
        " --config hardware:cpu --trainer.max_steps 2 --trainer.val_check_interval 1"
        " --data.image_size 64 --data.global_batch_size 2"
    ),
    "dropout-ft advise": (
        " --backbones '[efficientnet_lite0]' --recipe quick --steps 4 --dropout_rates '[0,0.9]'"
        " --set '[data.image_size=64]'"
    ),
    "vl-track track": " --max_frames 4",
}


class Block(NamedTuple):
    """A fenced block: its section, what it is written in, and what it says."""

    section: str
    language: str
    text: str


def readme() -> str:
    """Return the text of README.md."""
    return (REPOSITORY / "README.md").read_text()


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    found, section = [], ""
    for match in re.finditer(
        r"^## ([^\n]*)$|^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE
    ):
        if match[1] is not None:
            section = match[1]
        else:
            found.append(Block(section, match[2], match[3]))
    return found


def command_lines(text: str) -> list[str]:
    """Return the command lines of a shell block, joined and without comments.

    Examples:
        >>> command_lines("a --b \\\\\n  c   # why\n\n# only words\nd")
        ['a --b c', 'd']
    """
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    lines = [re.sub(r"(^|\s+)#.*", "", line).rstrip() for line in joined.splitlines()]
    return [line for line in lines if line]


def shortened(line: str) -> str:
    """Return a command line with what makes it short."""
    return line + SHORT.get(" ".join(line.split()[:2]), "")
