"""Flags and lists as people write them."""

from dataclasses import dataclass

import pytest

from holdfast.cli.app import App, Command
from holdfast.cli.spelling import spell_out


@dataclass
class Options:
    deep: bool = False
    depth: int = 1


SEEN: dict[str, object] = {}


def command(
    source: str,
    place: str | None = None,
    *,
    select: bool = False,
    others: list[str] | None = None,
    name: str = "a",
    options: Options | None = None,
) -> None:
    """Remember what was given.

    Args:
        source: any.
        place: any.
        select: any.
        others: any.
        name: any.
        options: any.
    """
    SEEN.update(
        source=source, place=place, select=select, others=others, name=name, options=options
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["v", "--select"], ["v", "--select", "true"]),
        (["--select", "v"], ["--select", "true", "v"]),
        (["--select", "false", "v"], ["--select", "false", "v"]),
        (["--options.deep", "--name", "b"], ["--options.deep", "true", "--name", "b"]),
        (["--options.depth", "2"], ["--options.depth", "2"]),
        (["--others", "a", "b", "--select"], ["--others", '["a", "b"]', "--select", "true"]),
        (["--others", "[a,b]"], ["--others", '["a", "b"]']),
        (["--others=[010,no]", "v"], ['--others=["010", "no"]', "v"]),
        (["--others"], ["--others"]),
        (["v", "here", "--name", "b"], ["v", "--place", "here", "--name", "b"]),
        (["--name", "b", "v", "here"], ["--name", "b", "v", "--place", "here"]),
        (["v", "here", "more"], ["v", "--place", "here", "more"]),
        (["--select=true", "--name", "--odd"], ["--select=true", "--name", "--odd"]),
    ],
)  # fmt: skip
def test_words_are_spelled_out(words: list[str], expected: list[str]) -> None:
    assert spell_out(command, words) == expected


def test_a_command_line_understands_them() -> None:
    track = App(
        name="x", summary="", model="", datamodule="",
        commands={"go": Command(target=f"{__name__}:command", help="")},
    )  # fmt: skip
    words = ["--select", "--others", "a", "b", "--options.deep"]
    assert track.main(["go", "clip.mp4", "here", *words]) == 0
    assert {
        "source": "clip.mp4",
        "place": "here",
        "select": True,
        "others": ["a", "b"],
        "name": "a",
        "options": Options(deep=True),
    } == SEEN


def many(places: list[str], *, out: str = "x") -> None:
    """Remember what was given.

    Args:
        places: any.
        out: any.
    """
    SEEN.update(places=places, out=out)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a", "b", "--out", "c"], ['["a", "b"]', "--out", "c"]),
        (["--out", "c", "a"], ["--out", "c", '["a"]']),
        (["[a,b]"], ['["a", "b"]']),
        (["010", "no"], ['["010", "no"]']),
    ],
)
def test_a_list_by_place(words: list[str], expected: list[str]) -> None:
    assert spell_out(many, words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["v", "--others", "a-b"], ["v", "--others", '["a-b"]']),
        (["v", "--name=a-b"], ["v", "--name=a-b"]),
        (["v", "--no-such", "x"], ["v", "--no-such", "x"]),
    ],
)
def test_only_names_of_options_are_respelled(words: list[str], expected: list[str]) -> None:
    assert spell_out(command, words) == expected


def hyphened(*, dry_run: bool = False, out_folder: str = "x") -> None:
    """Remember what was given.

    Args:
        dry_run: any.
        out_folder: any.
    """
    SEEN.update(dry_run=dry_run, out_folder=out_folder)


def test_hyphens_in_options_are_underscores() -> None:
    assert spell_out(hyphened, ["--dry-run", "--out-folder", "a-b"]) == [
        "--dry_run", "true", "--out_folder", "a-b",
    ]  # fmt: skip
    assert spell_out(hyphened, ["--out-folder=a-b"]) == ["--out_folder=a-b"]
