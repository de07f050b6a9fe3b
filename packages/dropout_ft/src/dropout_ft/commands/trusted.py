"""What the user names on the command line: models, and classes of their own."""

from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.errors import CheckpointError
from holdfast.trusted import import_class

if TYPE_CHECKING:
    from dropout_ft.data.sources.base import Source
    from dropout_ft.nn.backbones.base import Backbone
    from dropout_ft.results.run import Trusted


def check_models(*paths: str) -> None:
    """Refuse a checkpoint or model folder that is not there, before PyTorch is imported.

    Raises:
        CheckpointError: names it.
    """
    for path in paths:
        if not Path(path).expanduser().exists():
            raise CheckpointError(
                f"There is no checkpoint at {path}: check the path, or train first with `fit`."
            )


def own_backbones(name: str | None) -> list[type["Backbone"]]:
    """Import the backbone class that a user names on the command line.

    Args:
        name: ``module.Class``; None for none.

    Raises:
        ConfigError: there is no such class, or it is no backbone.
    """
    if name is None:
        return []
    from dropout_ft.nn.backbones.base import Backbone

    must_be = "no backbone: derive it from dropout_ft.nn.backbones.Backbone"
    return [import_class(name, [Backbone], option="--backbone", must_be=must_be)]


def own_sources(name: str | None) -> list[type["Source"]]:
    """Import the source of data that a user names on the command line.

    Args:
        name: ``module.Class``; None for none.

    Raises:
        ConfigError: there is no such class, or it is no source.
    """
    if name is None:
        return []
    from dropout_ft.data.sources.base import Source

    must_be = "no source: derive it from dropout_ft.data.sources.Source"
    return [import_class(name, [Source], option="--source", must_be=must_be)]


def own_classes(backbone: str | None, source: str | None) -> "Trusted":
    """Import the classes that a user names and that the files of runs may name.

    Args:
        backbone: ``module.Class``; None for none.
        source: ``module.Class``; None for none.

    Raises:
        ConfigError: there is no such class, or it is of another kind.
    """
    from dropout_ft.results.run import Trusted

    return Trusted(backbones=tuple(own_backbones(backbone)), sources=tuple(own_sources(source)))
