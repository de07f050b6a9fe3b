"""Lightning's command lines of both tracks, parsed without building or training anything."""

from functools import lru_cache
from typing import Any

import pytest

from dropout_ft.app import APP as DROPOUT_FT
from holdfast.cli.app import App
from holdfast.cli.parser import Suggesting
from vl_track.app import APP as VL_TRACK

APPS = {"dropout_ft": DROPOUT_FT, "vl_track": VL_TRACK}


class _StopError(Exception):
    def __init__(self, parser: Suggesting) -> None:
        self.parser = parser


@lru_cache
def parser_of(track: str) -> Suggesting:
    """Return the very parser that `fit` uses; made once, because making it imports Lightning."""
    app: App = APPS[track]
    from holdfast.cli.lightning_cli import HoldfastCLI

    def stop(cli: object, parser: Suggesting, args: object) -> None:
        raise _StopError(parser)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HoldfastCLI, "parse_arguments", stop)
        with pytest.raises(_StopError) as stopped:
            app.run_lightning(["fit"])
    commands = next(a.choices for a in stopped.value.parser._actions if isinstance(a.choices, dict))
    fit: Suggesting = commands["fit"]
    return fit


def parsed(track: str, *words: str) -> Any:
    """Return the configuration of ``fit`` with these words."""
    return parser_of(track).parse_args(list(words))
