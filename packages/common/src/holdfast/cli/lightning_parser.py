"""The parser of Lightning's commands, with what :mod:`holdfast.cli.parser` adds."""

from typing import Any

from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.cli import LightningArgumentParser

from holdfast.cli.parser import Suggesting
from holdfast.errors import ConfigError
from holdfast.runs.directory import check_name


class SuggestingParser(Suggesting, LightningArgumentParser):
    """Lightning's parser; an unknown key is answered with the nearest known one."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (argparse's options)
        """Parse words; a run's name that leads out of its folder is refused.

        Raises:
            ConfigError: the name is refused, or an interpolation ``${...}`` has no value.
        """
        try:
            config = super().parse_args(*args, **kwargs)
        except OmegaConfBaseException as error:
            what, *_ = str(error).splitlines()
            where = str(error.full_key or "a value")
            raise ConfigError(f"The configuration cannot be resolved at {where}: {what}") from error
        for section in (config, config.get(str(config.get("subcommand")))):
            if section is not None and section.get("run.name") is not None:
                check_name(section["run.name"])
        return config
