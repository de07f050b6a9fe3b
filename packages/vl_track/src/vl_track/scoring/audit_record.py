"""Figures of ``vl-track audit``: kept in a file after every run, and taken up again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.scoring.clip_record import digest_of_run
from vl_track.scoring.runs import SequenceResult
from vl_track.scoring.score_record import ScoreRecord


@dataclass(frozen=True, kw_only=True)
class AuditScore:
    """One run of an audit.

    Attributes:
        auc: success AUC.
        seconds: of the tracker.
    """

    auc: float
    seconds: float


class AuditRecord(ScoreRecord[AuditScore]):
    """Scores by video and by data set, prompt and condition; see :class:`ScoreRecord`.

    Attributes:
        same: by video, what the digests of this run's tracker on it begin with. Figures of the same
            tracker with another prompt stay.
    """

    kind, command, rows_name = AuditScore, "audit", "videos"

    def __init__(self, place: str | None, convention: str, *, resume: bool = False) -> None:
        super().__init__(place, convention, resume=resume)
        self.same: dict[str, str] = {}

    def belongs(self, video: str, made: str) -> bool:
        """See :meth:`ScoreRecord.belongs`."""
        return video in self.same and made.startswith(self.same[video])


class Keeper:
    """Keeps the runs of one tracker on one data set; see :func:`vl_track.scoring.language.ablate`.

    Args:
        record: to keep them in.
        data: name of the data set.
        maker: what the tracker is: model, options and runtime, or the name of another one.
        videos: of the data set.
    """

    def __init__(self, record: AuditRecord, data: str, maker: str, videos: Sequence[Video]) -> None:
        self._record, self._data, self._maker = record, data, maker
        for video in videos:  # the tracker and the video, whatever the tracker is told
            record.same[video.name] = digest_of_run(video, maker, "", "")[:8]

    def take_up(
        self, video: Video, prompt: PromptKind, condition: str, sentence: str
    ) -> SequenceResult | None:
        """Return a run that is in the record, without its boxes; ``None`` if it is not there."""
        who = self._who(prompt, condition)
        if not self._record.take_up(video.name, who, self._made(video, prompt, sentence)):
            return None
        found = self._record.table[video.name][who]
        return SequenceResult(
            name=video.name, boxes=np.zeros((0, 4)), auc=found.auc, seconds=found.seconds
        )

    def add(
        self, video: Video, prompt: PromptKind, condition: str, sentence: str, run: SequenceResult
    ) -> None:
        """Keep a run."""
        made = self._made(video, prompt, sentence)
        score = AuditScore(auc=run.auc, seconds=run.seconds)
        self._record.add(video.name, self._who(prompt, condition), made, score)

    def _who(self, prompt: PromptKind, condition: str) -> str:
        return f"{self._data}, {prompt}, {condition}"

    def _made(self, video: Video, prompt: PromptKind, sentence: str) -> str:
        run = digest_of_run(video, self._maker, sentence, prompt)
        return f"{self._record.same[video.name]} {run}"
