"""The parser of Lightning's commands, with what :mod:`holdfast.cli.parser` adds."""

from typing import Any

from pytorch_lightning.cli import LightningArgumentParser

from holdfast.cli.parser import Suggesting
from holdfast.errors import ConfigError

_FORBIDDEN = ("/", "\\", "\0")


class SuggestingParser(Suggesting, LightningArgumentParser):
    """Lightning's parser; an unknown key is answered with the nearest known one."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (argparse's options)
        """Parse words; a run's name that leads out of its folder is refused."""
        config = super().parse_args(*args, **kwargs)
        for section in (config, config.get(str(config.get("subcommand")))):
            if section is not None and section.get("run.name") is not None:
                check_run_name(section["run.name"])
        return config


def check_run_name(name: str) -> None:
    """Refuse a run's name that is not one plain folder name.

    Raises:
        ConfigError: it is empty, hidden, too long, or has a separator.
    """
    wrong = any(character in name for character in _FORBIDDEN) or name.startswith(".")
    if not name.strip() or wrong or len(name.encode()) > 200:
        raise ConfigError(
            f"run.name is {name[:60]!r}, but it must be one folder's name, without separators or a "
            "dot in front: set --run.root for where runs are kept."
        )
