"""The ``holdfast`` console command."""

import sys
from collections.abc import Sequence

from holdfast.doctor.checks import CHECKS, Finding

USAGE = """holdfast: look after an installation

usage: holdfast doctor

  doctor  versions, torch's pair, GPU, decoders, data root, disk, permissions: what is wrong and
          what mends it; the exit status is 1 if something will fail

The tracks have commands of their own: dropout-ft, vl-track.
"""
SIGNS = {"good": "  ok ", "note": "  -- ", "bad": " BAD "}


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit status."""
    words = list(sys.argv[1:] if args is None else args)
    if not words or words[0] in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return 0 if words else 2
    if words != ["doctor"]:
        sys.stderr.write(f"holdfast: error: there is no command '{' '.join(words)}': try doctor\n")
        return 2
    findings = [finding for check in CHECKS for finding in check()]
    sys.stdout.write(report(findings))
    return int(any(finding.verdict == "bad" for finding in findings))


def report(findings: Sequence[Finding]) -> str:
    """Return one line for each finding, and what mends it on the next."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{SIGNS[finding.verdict]} {finding.name:<{width}}  {finding.what}")
        if finding.mend:
            lines.append(f"{'':<{width + 8}}-> {finding.mend}")
    bad = sum(finding.verdict == "bad" for finding in findings)
    lines.append(f"{bad} thing(s) to mend" if bad else "nothing to mend")
    return "\n".join(lines) + "\n"
