"""What advise says, as a table and as the model card beside the exported files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from dropout_ft.advice.choosing import Candidate
from dropout_ft.report.table import with_error
from holdfast.runs.record import git_state, hardware, package_versions

HEADER = (
    "backbone",
    "dropout",
    "steps",
    "left-out domain %",
    "i.i.d. %",
    "behind the best, points",
    "s a run",
)


@dataclass(frozen=True, kw_only=True)
class Final:
    """The model trained on all domains.

    Attributes:
        run: its directory.
        iid: accuracy in [0, 1] on the held-out fifth of every domain.
        classes: names, in logit order.
        domains: all of the folder's.
        images: in the folder.
        size: side of its pictures, in pixels.
        files: names of the exported files.
    """

    run: str
    iid: float
    classes: Sequence[str]
    domains: Sequence[str]
    images: int
    size: int
    files: Sequence[str]


def cells(candidate: Candidate) -> list[str]:
    """Return a candidate's row; accuracies in percent."""
    behind = "best" if candidate.behind == 0 else _points(candidate.behind, candidate.behind_error)
    return [
        candidate.backbone,
        f"{candidate.dropout_rate:g}",
        str(candidate.steps),
        _points(candidate.ood, candidate.ood_error),
        f"{100 * candidate.iid:.1f}",
        behind,
        f"{candidate.seconds:.0f}",
    ]


def advice_text(ranked: Sequence[Candidate]) -> str:
    """Say what is recommended and what cannot be told from it."""
    best = ranked[0]
    method = (
        "plain fine-tuning (ERM)" if best.dropout_rate == 0 else f"dropout {best.dropout_rate:g}"
    )
    lines = [f"Recommended: {best.backbone}, {method}, {best.steps} steps."]
    alike = [f"{c.backbone} with rate {c.dropout_rate:g}" for c in ranked[1:] if c.alike]
    if alike:
        lines.append(
            f"Within two standard errors of it, so no worse as far as this sweep can tell: "
            f"{', '.join(alike)}. More seeds (--seeds) or steps (--steps) would tell them apart."
        )
    return " ".join(lines)


def changes(
    ranked: Sequence[Candidate], *, most_steps: int, splits: int, dropout_rates: Sequence[float]
) -> list[str]:
    """Say what would change the advice, in whole sentences.

    Args:
        ranked: candidates, best first.
        most_steps: of a short run.
        splits: domains left out times seeds that were to be run.
        dropout_rates: those that were tried.
    """
    best = ranked[0]
    found = []
    for one in ranked[1:]:
        rival = f"{one.backbone} with rate {one.dropout_rate:g}"
        if one.splits < best.splits:
            found.append(
                f"{rival} was left out after {one.splits} of {splits} domains and seeds, "
                f"{_points(one.behind, one.behind_error)} points behind: it would have to win the "
                "others clearly."
            )
        elif one.alike:
            found.append(_until_told_apart(rival, one))
        else:
            found.append(
                f"{rival} is {_points(one.behind, one.behind_error)} points behind, more than two "
                "standard errors: only domains of another kind would put it first."
            )
    if best.steps >= most_steps:
        found.append("The best step is the last one: more steps (--steps) may give another order.")
    tried = sorted(set(dropout_rates))
    if len(tried) > 1 and best.dropout_rate in {tried[0], tried[-1]} and best.dropout_rate > 0:
        found.append("The best rate is at the end of those tried: try rates beyond it.")
    if best.splits < splits:
        found.append(
            f"The time budget ended the short runs after {best.splits} of {splits} domains and "
            "seeds: the remaining domains may speak otherwise (a larger --minutes goes on)."
        )
    return found


def _until_told_apart(rival: str, one: Candidate) -> str:
    """Say how many splits would tell a rival from the best, if the difference is what it seems."""
    if not one.behind > 0 or not one.behind_error > 0:
        return (
            f"{rival} is not told from the best, and how many more domains or seeds would do it is "
            "not known."
        )
    needed = ceil(one.splits * (2 * one.behind_error / one.behind) ** 2)
    return (
        f"{rival} is not told from the best ({_points(one.behind, one.behind_error)} points behind "
        f"on {one.splits} domains and seeds): with such a difference about {needed} would do it."
    )


def model_card(
    ranked: Sequence[Candidate], final: Final, command: str, changing: Sequence[str] = ()
) -> str:
    """Return the card as Markdown.

    Args:
        ranked: candidates, best first.
        final: the model.
        command: that made it.
        changing: what would change the advice, of :func:`changes`.
    """
    rows = [HEADER, ["---"] * len(HEADER), *(cells(candidate) for candidate in ranked)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    versions = package_versions()
    used = ", ".join(
        f"{name} {versions[name]}" for name in ("torch", "timm", "holdfast-dropout-ft")
    )
    state = git_state()
    return CARD.format(
        command=command,
        advice=advice_text(ranked),
        changing="\n".join(f"- {line}" for line in changing) or "- Nothing that was tried.",
        table=table,
        iid=f"{100 * final.iid:.1f}",
        ood=_points(ranked[0].ood, ranked[0].ood_error),
        run=final.run,
        classes=", ".join(final.classes),
        domains=", ".join(final.domains),
        images=final.images,
        size=final.size,
        files=", ".join(f"`{name}`" for name in final.files),
        made=datetime.now(UTC).isoformat(timespec="minutes"),
        hardware=hardware()["processor"],
        gpus=", ".join(hardware()["gpus"]) or "none",
        packages=used,
        commit=state["commit"] if state else "no repository",
    )


def _points(value: float, error: float) -> str:
    return with_error(100 * value, 100 * error)


CARD = """# Model card

Made {made} by `{command}` on {hardware} (GPUs: {gpus}); {packages}; commit {commit}.

{advice}

- Files: {files}. Input: RGB pictures resized to {size} x {size} (aspect ratio not kept).
- Classes: {classes}.
- Trained on four fifths of every domain ({domains}; {images} pictures in all); run: `{run}`.
- Accuracy on the held-out fifth of these domains: {iid} %. A new domain will see less.
- What to expect on a new domain, if it differs from these as they differ from each other: {ood} %
  (every domain left out in turn, the same recipe; the number of steps, the rate and the backbone
  were chosen on the very same figures, so it is somewhat optimistic).

## The short sweep

{table}

± is the standard error over domains left out and seeds; "behind the best" is paired by them.
"I.i.d." is the accuracy on held-out pictures of the domains trained on.

## What would change this advice

{changing}

## Limits

Nothing is known about classes or domains that are not listed above. Probabilities are not
calibrated. The pre-trained weights bring their own licence and biases.
"""
