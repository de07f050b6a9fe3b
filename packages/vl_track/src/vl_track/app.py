"""The ``vl-track`` console command: what it offers, with nothing heavy imported."""

from holdfast.cli.app import App, Command

APP = App(
    name="vl-track",
    summary="track objects through video by a box, a text, or both",
    model="vl_track.training.module:Tracking",
    datamodule="holdfast.training.datamodule:StepDataModule",
    fit_example="{prog} {name} --config vl_track:scenes_tiny --config hardware:cpu",
    commands={
        "track": Command(
            target="vl_track.commands.track:track",
            help="track objects through videos, folders of images, cameras and addresses",
            example="vl-track track clip.mp4 --box 300,120,80,60 --text cup --out seen.mp4",
        ),
        "demo": Command(
            target="vl_track.commands.demo:demo",
            help="serve a page to track with: upload, draw a box or type, watch the box",
            example="vl-track demo --port 7860",
        ),
        "example": Command(
            target="vl_track.commands.example:example",
            help="track a real clip: overlay video, contact sheet, boxes",
            example="vl-track example --out results/track-demo",
        ),
        "annotate": Command(
            target="vl_track.commands.annotate:annotate",
            help="write tracked boxes as COCO, MOT, CVAT, LaSOT or rerun annotation",
            example="vl-track annotate boxes.csv --video clip.mp4 --format coco --out coco.json",
        ),
        "benchmark": Command(
            target="vl_track.commands.benchmark:benchmark",
            help="run a tracker over a benchmark, in parallel and resumable",
            example="vl-track benchmark lasot --out results/lasot --workers 4",
        ),
        "submit": Command(
            target="vl_track.commands.submit:submit",
            help="pack raw results for the server of GOT-10k or TrackingNet",
            example="vl-track submit got10k --results results/got10k --out got10k.zip",
        ),
        "vot": Command(
            target="vl_track.commands.vot:vot",
            help="answer the VOT toolkit: the command of a trackers.ini",
            example="vl-track vot --text cup",
        ),
        "evaluate": Command(
            target="vl_track.commands.evaluate:evaluate",
            help="score raw results as each of the field's toolkits would",
            example="vl-track evaluate --results results/lasot --dataset lasot --out report",
        ),
        "leaderboard": Command(
            target="vl_track.commands.leaderboard:leaderboard",
            help="rank many trackers' raw results, and show how the convention changes the ranks",
            example="vl-track leaderboard raw_results --dataset lasot --out leaderboard",
        ),
        "data": Command(
            target="vl_track.commands.data:data",
            help="list the known data sets, or verify one on disk",
            example="vl-track data verify lasot --root data",
        ),
        "audit": Command(
            target="vl_track.commands.audit:audit",
            help="say how much of anyone's tracker is language: right, no and wrong sentences",
            example="vl-track audit --tracker mytracker:Tracker --out audit.html",
        ),
        "score": Command(
            target="vl_track.commands.score:score",
            help="score a model on held-out Scenes",
            example="vl-track score --count 40 --out score.json",
        ),
        "clips": Command(
            target="vl_track.commands.clips:clips",
            help="score a model and OpenCV's trackers on hand-annotated real clips",
            example="vl-track clips annotated --out clips.json",
        ),
        "presence": Command(
            target="vl_track.commands.presence:presence",
            help="score and calibrate the probability that the object is in view",
            example="vl-track presence --weights mine --split test --count 20",
        ),
        "scenes": Command(
            target="vl_track.commands.scenes:scenes",
            help="prepare, look at, or write the Scenes data set",
            example="vl-track scenes sheet --out sheet.png",
        ),
        "phases": Command(
            target="vl_track.commands.phases:phases",
            help="train one recipe in phases, each from the weights of the one before",
            example="vl-track phases configs/vl_track/phases.yaml --out results/vl-small",
        ),
        "export": Command(
            target="vl_track.commands.export:export",
            help="write a checkpoint as a small model folder",
            example="vl-track export --ckpt last.ckpt --out model --formats onnx",
        ),
        "convert": Command(
            target="vl_track.commands.convert:convert",
            help="turn released OSTrack or All-in-One weights into a model folder",
            example="vl-track convert OSTrack_ep0300.pth.tar --out model",
        ),
    },
)
