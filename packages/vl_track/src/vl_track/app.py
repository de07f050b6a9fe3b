"""The ``vl-track`` console command: what it offers, with nothing heavy imported."""

from holdfast.cli.app import App, Command

APP = App(
    name="vl-track",
    summary="follow one object through a video, told by a box, a sentence, or both",
    model="vl_track.training.module:Tracking",
    datamodule="holdfast.training.datamodule:StepDataModule",
    commands={
        "track": Command(
            target="vl_track.commands.track:track",
            help="follow an object through a video, a folder of pictures, or a camera",
        ),
        "demo": Command(
            target="vl_track.commands.demo:demo",
            help="serve a page to track with: upload, draw a box or type, watch it followed",
        ),
        "example": Command(
            target="vl_track.commands.example:example",
            help="track a real clip: overlay video, contact sheet, boxes",
        ),
        "annotate": Command(
            target="vl_track.commands.annotate:annotate",
            help="write tracked boxes as COCO, MOT, CVAT, LaSOT or rerun annotation",
        ),
        "benchmark": Command(
            target="vl_track.commands.benchmark:benchmark",
            help="run a tracker over a benchmark, in parallel and resumable",
        ),
        "submit": Command(
            target="vl_track.commands.submit:submit",
            help="pack raw results for the server of GOT-10k or TrackingNet",
        ),
        "vot": Command(
            target="vl_track.commands.vot:vot",
            help="answer the VOT toolkit: the command of a trackers.ini",
        ),
        "evaluate": Command(
            target="vl_track.commands.evaluate:evaluate",
            help="score raw results as each of the field's toolkits would",
        ),
        "data": Command(
            target="vl_track.commands.data:data",
            help="list the known data sets, or verify one on disk",
        ),
        "ablate-language": Command(
            target="vl_track.commands.ablate_language:ablate_language",
            help="score a model with the right sentence, none, and a wrong one",
        ),
        "score": Command(
            target="vl_track.commands.score:score",
            help="score a model on held-out Scenes",
        ),
        "clips": Command(
            target="vl_track.commands.clips:clips",
            help="score a model and OpenCV's trackers on hand-annotated real clips",
        ),
        "scenes": Command(
            target="vl_track.commands.scenes:scenes",
            help="prepare, look at, or write the Scenes data set",
        ),
        "export": Command(
            target="vl_track.commands.export:export",
            help="write a checkpoint as a small model folder",
        ),
        "convert": Command(
            target="vl_track.commands.convert:convert",
            help="turn released OSTrack or All-in-One weights into a model folder",
        ),
    },
)
