"""``dropout-ft compare``: the runs of one experiment, one after another, and their report."""

from pathlib import Path

from dropout_ft.app import APP
from dropout_ft.commands.report import report
from holdfast.console import say
from holdfast.errors import ConfigError


def compare(
    *,
    fit: list[str],
    domains: list[str],
    rates: list[float] = [0.0, 0.5, 0.9],  # noqa: B006  (never changed; shown in --help)
    seeds: list[int] = [0],  # noqa: B006
    out: str = "report",
    title: str = "Very large dropout",
    note: str = "",
    set: list[str] = [],  # noqa: A002, B006  (the word users expect)
) -> None:
    """Train every dropout rate with every domain left out in turn, and report.

    Finished runs are not repeated and an interrupted one is resumed, so the same command can be
    given again at any time.

    Args:
        fit: YAML files of ``dropout-ft fit``; later ones win.
        domains: domains to leave out, one at a time.
        rates: dropout rates; 0 is ERM.
        seeds: seeds of each rate and domain.
        out: folder of the report; the runs are kept in its ``runs`` folder.
        title: heading of the page.
        note: a paragraph about data and budget.
        set: further settings for every run, as ``key=value``.
    """
    jobs = [(domain, seed, rate) for domain in domains for seed in seeds for rate in rates]
    if not jobs:
        raise ConfigError("There is nothing to compare: give --domains, --rates and --seeds.")
    runs: list[str] = []
    for number, (domain, seed, rate) in enumerate(jobs, start=1):
        say(f"run {number}/{len(jobs)}: without {domain}, dropout {rate:g}, seed {seed}")
        words = fit_words(fit, domain, seed, rate, root=Path(out) / "runs", extra=set)
        runs.append(str(APP.run_lightning(words).directory.path))
    report(runs, out=out, title=title, note=note)


def fit_words(
    config: list[str], domain: str, seed: int, rate: float, *, root: Path, extra: list[str]
) -> list[str]:
    """Return the arguments of one ``fit``, which may also be given by hand."""
    words = ["fit"]
    for file in config:
        words += ["--config", file]
    words += [
        f"--data.init_args.test_domains=[{domain}]",
        f"--seed_everything={seed}",
        f"--model.dropout_rate={rate}",
        f"--run.root={root}",
        "--trainer.enable_model_summary=false",
    ]
    return words + [f"--{setting}" for setting in extra]
