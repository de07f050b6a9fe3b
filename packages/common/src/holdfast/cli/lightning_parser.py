"""The parser of Lightning's commands, with what :mod:`holdfast.cli.parser` adds."""

from typing import Any

from pytorch_lightning.cli import LightningArgumentParser

from holdfast.cli.parser import Suggesting
from holdfast.runs.directory import check_name


class SuggestingParser(Suggesting, LightningArgumentParser):
    """Lightning's parser; an unknown key is answered with the nearest known one."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (argparse's options)
        """Parse words; a run's name that leads out of its folder is refused."""
        config = super().parse_args(*args, **kwargs)
        for section in (config, config.get(str(config.get("subcommand")))):
            if section is not None and section.get("run.name") is not None:
                check_name(section["run.name"])
        return config
