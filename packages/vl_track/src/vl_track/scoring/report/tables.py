"""The scores as text, CSV, LaTeX and JSON; every one says its convention."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from holdfast.csv_cells import plain_cells
from vl_track.scoring.analysis import Analysis, Scored
from vl_track.scoring.curves import curves_of

Table = list[list[str]]
AO_NOTE = "AO: mean overlap without +1, first frame and hidden frames left out"
GOT_NOTE = (
    "AO, SR50, SR75 as GOT-10k's toolkit: over all frames of all sequences, first frames and "
    "frames without cover left out, boxes cut to the image"
)


SOME_FRAMES = (
    "Only some frames of this set are annotated. The toolkits would count the others as absent, "
    "so their numbers are left out."
)


def main_table(analysis: Analysis) -> Table:
    """Return a row of text a tracker, the best first; the first row is the header."""
    columns = {
        key: title for curve in curves_of(analysis.rules) for key, title in curve.columns.items()
    }
    averages = list(analysis.trackers[0].averages)
    first, *others = columns
    rows = [["tracker", columns[first], "95 %", *(columns[key] for key in others), *averages,
             "p", "FPS"]]  # fmt: skip
    rows += [
        [
            one.tracker,
            _number(one.figures[first]),
            f"{one.auc.low:.1f}-{one.auc.high:.1f}",
            *(_number(one.figures[key]) for key in others),
            *(_number(one.averages[name]) for name in averages),
            "" if one.versus is None else p_value_text(one.versus.p_value),
            "" if one.frames_per_second is None else f"{one.frames_per_second:.1f}",
        ]
        for one in ranked(analysis)
    ]
    return rows


def ranked(analysis: Analysis) -> list[Scored]:
    """Return the trackers by their first figure, the best first; equal ones in the order given."""
    first = next(key for curve in curves_of(analysis.rules) for key in curve.columns)
    return sorted(analysis.trackers, key=lambda one: -one.figures[first])


def collapsed(table: Table) -> Table:
    """Join the rows of :func:`toolkit_table` in which toolkits say the same of a tracker."""
    titles: dict[tuple[str, ...], list[str]] = {}
    for tracker, title, *numbers in table[1:]:
        titles.setdefault((tracker, *numbers), []).append(title)
    rows = [[key[0], ", ".join(found), *key[1:]] for key, found in titles.items()]
    return [table[0], *rows]


def toolkit_table(analysis: Analysis) -> Table:
    """Return what each toolkit would say of each tracker."""
    rows = [["tracker", "toolkit", "AUC", "OP50", "P", "Pnorm 0.2", "Pnorm mean",
             "its Pnorm"]]  # fmt: skip
    for one in ranked(analysis):
        for title, figures in one.by_convention.items():
            rows.append([one.tracker, title, *_toolkit_numbers(figures)])
    return rows


def attribute_table(analysis: Analysis) -> Table:
    """Return the AUC of each tracker on the sequences with each attribute."""
    rows = [["attribute", "sequences", *(one.tracker for one in analysis.trackers)]]
    for name in analysis.attributes:
        chosen = analysis.with_attribute(name)
        aucs = [_number(one.scores.auc(chosen)) for one in analysis.trackers]
        rows.append([name, str(len(chosen)), *aucs])
    return rows


def sequence_table(analysis: Analysis) -> Table:
    """Return the AUC of each tracker on each sequence, the first tracker's worst first."""
    rows = [["sequence", "frames", *(one.tracker for one in analysis.trackers)]]
    aucs = [one.scores.sequence_auc() for one in analysis.trackers]
    for index in aucs[0].argsort(kind="stable"):
        true = analysis.truths[int(index)]
        rows.append(
            [true.name, str(len(true.boxes)), *(_number(float(auc[index])) for auc in aucs)]
        )
    return rows


def footnote(analysis: Analysis) -> str:
    """Say how the numbers were made."""
    count = len(analysis.truths)
    parts = [
        f"convention {analysis.rules.title}; {count} sequences of {analysis.dataset}, "
        f"{sum(len(true.boxes) for true in analysis.truths)} frames",
        "coordinates cut to whole numbers" if analysis.truncated else "coordinates as saved",
        "AUC, OP, P, Pnorm in percent, averaged over sequences; 95 %: bootstrap over sequences of "
        "their mean AUC",
        GOT_NOTE if analysis.dataset == "got10k" else AO_NOTE,
    ]
    if len(analysis.trackers) > 1:
        least = max(one.versus.least_p for one in analysis.trackers if one.versus)
        parts.append(
            f"p: sign-flip test of {analysis.trackers[0].tracker} against the row, over sequences; "
            f"with {count} sequences it cannot be below {least:.2g}"
        )
    if analysis.left_out:
        parts.append(
            f"{len(analysis.left_out)} sequences have no result and are left out, so these are not "
            f"the benchmark's scores: {', '.join(analysis.left_out)}"
        )
    return "; ".join(parts) + "."


def as_text(table: Table) -> str:
    """Align a table for the terminal."""
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def as_csv(table: Table, note: str) -> str:
    """Return CSV with the footnote as a last column of every row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*table[0], "how"])
    writer.writerows(plain_cells([*row, note]) for row in table[1:])
    return buffer.getvalue()


def as_latex(table: Table, note: str) -> str:
    """Return a tabular with the footnote as a comment and below it."""
    lines = [f"% {note}", f"\\begin{{tabular}}{{l{'r' * (len(table[0]) - 1)}}}", "\\hline"]
    for number, row in enumerate(table):
        lines.append(" & ".join(_escape(cell) for cell in row) + r" \\")
        if number == 0:
            lines.append("\\hline")
    return "\n".join([*lines, "\\hline", "\\end{tabular}", f"% {note}", ""])


def as_record(analysis: Analysis) -> dict[str, Any]:
    """Return everything for JSON."""
    return {
        "dataset": analysis.dataset,
        "convention": analysis.rules.title,
        "label": analysis.rules.label,
        "truncated": analysis.truncated,
        "strict": analysis.strict,
        "sequences": len(analysis.truths),
        "left_out": list(analysis.left_out),
        "how": footnote(analysis),
        "trackers": {one.tracker: _tracker_record(analysis, one) for one in analysis.trackers},
    }


def _tracker_record(analysis: Analysis, one: Scored) -> dict[str, Any]:
    versus = one.versus
    return {
        "source": one.source,
        "scores": {**one.figures, "convention": analysis.rules.title},
        "auc_interval": vars(one.auc),
        "averages": one.averages,
        "frames_per_second": one.frames_per_second,
        "other_toolkits": one.by_convention,
        "compared": None
        if versus is None
        else {**vars(versus), "difference": vars(versus.difference)},
        "curves": {name: curve.tolist() for name, curve in one.scores.mean_curves().items()},
        "sequence_auc": dict(
            zip(one.scores.names, one.scores.sequence_auc().tolist(), strict=True)
        ),
        "attribute_auc": {
            name: one.scores.auc(analysis.with_attribute(name)) for name in analysis.attributes
        },
        "findings": [vars(finding) for finding in one.findings],
    }


def say_findings(trackers: Sequence[Scored], *, most: int = 12) -> str:
    """List what is wrong with the results, a line each."""
    lines = []
    for one in trackers:
        texts = [f"{one.tracker}: {finding.text}" for finding in one.findings]
        lines += texts[:most]
        if len(texts) > most:
            lines.append(f"{one.tracker}: {len(texts) - most} more such findings (see the JSON)")
    return "\n".join(lines) + "\n" if lines else ""


def _toolkit_numbers(figures: dict[str, float]) -> list[str]:
    keys = ("auc", "op50", "precision", "normalised_at", "normalised_mean", "normalised_precision")
    return [f"{figures[key]:.4f}" for key in keys]


def _number(value: float) -> str:
    return f"{value:.2f}"


def p_value_text(value: float) -> str:
    """Return a p-value as it is shown."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _escape(cell: str) -> str:
    for letter in "&%_#":
        cell = cell.replace(letter, f"\\{letter}")
    return cell
