"""The ``vl-track`` console command: what it offers, with nothing heavy imported."""

from holdfast.cli.track import Track

TRACK = Track(
    name="vl-track",
    summary="follow one object through a video, told by a box, a sentence, or both",
    model="vl_track.module:Tracking",
    datamodule="holdfast.data.datamodule:StepDataModule",
)
