"""``dropout-ft example``: the paper's comparison in minutes, on data that it fetches itself."""

import sys
from pathlib import Path
from typing import Literal

from dropout_ft.commands.report import report
from dropout_ft.sweep.config import read_sweep_config
from dropout_ft.sweep.expand import jobs_of
from dropout_ft.sweep.running import run_jobs, runs_of
from holdfast.cli.recipes import find_recipe
from holdfast.console import say
from holdfast.data.roots import data_root
from holdfast.errors import DataError, MissingToolError
from holdfast.jobs.engines import Engine, Resources
from holdfast.jobs.pool import Pool

DataSet = Literal["four_hands", "emoji_styles"]
RIVALS = ["ensemble over runs", "average over runs", "greedy soup"]
"""Of the short example; the full one computes every method."""
SWEEPS: dict[tuple[DataSet, bool], str] = {
    ("four_hands", False): "sweeps:demo_photographs",
    ("four_hands", True): "sweeps:demo_full",
    ("emoji_styles", False): "sweeps:demo_drawings",
    ("emoji_styles", True): "sweeps:emoji_styles_reduced",
}
NOTES: dict[DataSet, str] = {
    "four_hands": "FourHands: 1,101 real pictures of eight kinds of things, by a camera and in "
    "three ways of drawing. The network, EfficientNet-Lite0 with ImageNet weights at 96 pixels, is "
    "fine-tuned without one of the four and tested on it; in the short demo these are the "
    "photographs.",
    "emoji_styles": "EmojiStyles: 768 things in 15 classes, drawn in five styles. The network, "
    "EfficientNet-Lite0 with ImageNet weights at 96 pixels, is fine-tuned without one of the "
    "styles and tested on it; in the short demo it sees half of the drawings, and the style left "
    "out, openmoji, is the one farthest from the others.",
}


def example(
    *,
    out: str = "results/demo",
    data: Literal["auto", "four_hands", "emoji_styles"] = "auto",
    full: bool = False,
    engine: Engine = "processes",
    workers: int = 2,
) -> None:
    """Compare fine-tuning with and without very large dropout on real pictures, and report.

    Finished runs are not repeated and an interrupted one is resumed, so the same command can be
    given again at any time.

    Args:
        out: folder of the runs and of ``report.html``.
        data: ``four_hands`` (photographs and drawings; photographs come from Debian's archive),
            ``emoji_styles`` (drawings, from the npm registry alone), or ``auto``: the first that
            can be had.
        full: every domain of four_hands left out, three dropout rates and every method (36 runs,
            about 20 minutes on two cores); with emoji_styles 40 runs.
        engine: see ``dropout-ft sweep``.
        workers: runs at the same time.
    """
    chosen = prepared(data)
    folder = Path(out).expanduser()
    config = read_sweep_config(str(find_recipe(SWEEPS[chosen, full])))
    # Another data set or size in the same folder keeps its own runs.
    pool = Pool(
        root=folder / f"{chosen}{'_full' * full}",
        jobs=jobs_of(config),
        many_a_process=engine == "processes",
    )
    say(f"{len(pool.jobs)} runs in {pool.root}")
    pool.retry_failed()  # the user has mended what failed, or hears of it again
    run_jobs(pool, engine, Resources(workers=workers), again="give the same command again")
    report(
        [str(path) for path in runs_of(pool)],
        out=out,
        title="Very large dropout: the demo",
        note=NOTES[chosen],
        methods=["all"] if full else RIVALS,
    )


def prepared(data: Literal["auto", "four_hands", "emoji_styles"]) -> DataSet:
    """Fetch and draw the data set; for ``auto``, the drawings where photographs cannot be had.

    Raises:
        DataError: the data set cannot be fetched.
        MissingToolError: it needs a program that is not here.
    """
    from dropout_ft.data.sources import emoji_drawing, four_hands_drawing

    if data != "emoji_styles":
        try:
            four_hands_drawing.prepare(data_root())
        except (DataError, MissingToolError) as error:
            if data == "four_hands":
                raise
            sys.stderr.write(f"{error} The demo goes on with drawings alone (EmojiStyles).\n")
        else:
            return "four_hands"
    emoji_drawing.prepare(data_root())
    return "emoji_styles"
