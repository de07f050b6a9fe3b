"""What every job is told."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CONFIGS = REPOSITORY / "configs"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Of one job.

    Attributes:
        out: folder of what it writes and continues from.
        device: ``cuda``, or ``cpu`` to see that the job works.
        miniature: tiny networks and a few steps: a test of the job, never a result.
        data: data root.
    """

    out: Path
    device: str
    miniature: bool
    data: Path

    @property
    def accelerator(self) -> str:
        """For ``trainer.accelerator``."""
        return "gpu" if self.device == "cuda" else "cpu"
