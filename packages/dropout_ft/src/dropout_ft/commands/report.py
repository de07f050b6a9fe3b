"""``dropout-ft report``: table and page from finished runs."""

from pathlib import Path

from dropout_ft.methods.average_over_runs import averages_over_runs
from dropout_ft.methods.derived import DERIVED, derived_results
from dropout_ft.methods.trajectory_ensemble import Average
from dropout_ft.report.collect import Part, collect, of_part
from dropout_ft.report.write import write_report
from holdfast.console import say
from holdfast.errors import DataError
from holdfast.runs.record import read_record


def report(
    runs: list[str],
    *,
    out: str = "report",
    title: str = "Very large dropout",
    note: str = "",
    averages: bool = True,
    methods: list[str] = [],  # noqa: B006
    ood_part: Part = "whole",
    ensemble_of: Average = "logits",
) -> None:
    """Make ``report.html`` and ``results.csv``.

    Args:
        runs: run directories, or folders of run directories.
        out: folder to write into.
        title: heading of the page.
        note: a paragraph about data and budget.
        averages: also average weights over runs of one rate and test domain (evaluates a network).
        methods: more methods to compute from the runs, such as SWAD, "greedy soup" or "MC dropout";
            ``all`` is every one (docs/dropout_ft.md lists them).
        ood_part: score all of a test domain (``whole``), or its 80 % ``in`` part as DomainBed's
            tables do, or its 20 % ``out`` part.
        ensemble_of: ``logits`` as the official code, or ``probabilities``.
    """
    directories = [found for given in runs for found in run_directories(Path(given).expanduser())]
    collection = collect(directories, ensemble_of=ensemble_of)
    if averages:
        collection.results.extend(averages_over_runs(collection.runs))
    chosen = DERIVED if "all" in methods else methods
    collection.results.extend(derived_results(collection.runs, chosen))
    collection.results = of_part(collection.results, ood_part)
    write_report(collection, out, title=title, note=note, part=ood_part, ensemble_of=ensemble_of)


def run_directories(place: Path) -> list[Path]:
    """Return ``place`` itself if it is a run, else the runs below it, as in a sweep's folder.

    Of a sweep that is not through, the finished runs are taken, and the others are counted aloud.

    Raises:
        DataError: there are none.
    """
    if (place / "run.json").is_file():
        return [place]
    found = sorted(path.parent for path in place.glob("*/run.json"))
    found = found or _finished(sorted(place.glob("jobs/*/*/run.json")))
    if not found:
        raise DataError(f"There are no runs in {place}: give run directories or a folder of them.")
    return found


def _finished(records: list[Path]) -> list[Path]:
    """Return the folders of the finished runs of a sweep."""
    done = [path.parent for path in records if read_record(path).get("status") == "finished"]
    if len(done) < len(records):
        say(f"{len(records) - len(done)} of the sweep's {len(records)} runs are left out")
    return done
