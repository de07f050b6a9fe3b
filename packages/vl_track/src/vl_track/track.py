"""The ``vl-track`` console command: Lightning's subcommands on the shared base.

The tracker itself comes with part B; until then the command trains any LightningModule that
``--model`` names by class path, with everything the base gives (resume, records, presets).
"""

from holdfast.cli.track import Track

TRACK = Track(
    name="vl-track",
    summary="follow one object through a video, told by a box, a sentence, or both",
    model="pytorch_lightning:LightningModule",
    datamodule="pytorch_lightning:LightningDataModule",
    any_model=True,
)
