"""Flags and lists as people write them."""

from dataclasses import dataclass

import pytest

from holdfast.cli.spelling import spell_out
from holdfast.cli.track import Command, Track


@dataclass
class Options:
    deep: bool = False
    depth: int = 1


SEEN: dict[str, object] = {}


def command(
    source: str,
    *,
    select: bool = False,
    others: list[str] | None = None,
    name: str = "a",
    options: Options | None = None,
) -> None:
    """Remember what was given.

    Args:
        source: any.
        select: any.
        others: any.
        name: any.
        options: any.
    """
    SEEN.update(source=source, select=select, others=others, name=name, options=options)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["v", "--select"], ["v", "--select", "true"]),
        (["--select", "v"], ["--select", "true", "v"]),
        (["--select", "false", "v"], ["--select", "false", "v"]),
        (["--options.deep", "--name", "b"], ["--options.deep", "true", "--name", "b"]),
        (["--options.depth", "2"], ["--options.depth", "2"]),
        (["--others", "a", "b", "--select"], ["--others", '["a", "b"]', "--select", "true"]),
        (["--others", "[a,b]"], ["--others", "[a,b]"]),
        (["--others"], ["--others"]),
        (["--select=true", "--name", "--odd"], ["--select=true", "--name", "--odd"]),
    ],
)  # fmt: skip
def test_words_are_spelled_out(words: list[str], expected: list[str]) -> None:
    assert spell_out(command, words) == expected


def test_a_command_line_understands_them() -> None:
    track = Track(
        name="x", summary="", model="", datamodule="",
        commands={"go": Command(target=f"{__name__}:command", help="")},
    )  # fmt: skip
    assert track.main(["go", "clip.mp4", "--select", "--others", "a", "b", "--options.deep"]) == 0
    assert {
        "source": "clip.mp4",
        "select": True,
        "others": ["a", "b"],
        "name": "a",
        "options": Options(deep=True),
    } == SEEN
