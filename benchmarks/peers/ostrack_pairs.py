"""OSTrack: its sampler and processing on a tree in LaSOT's layout, as its training builds them."""

from types import SimpleNamespace

import cv2
import torch
from worker import first_line, serve, stand_in

setting = first_line()
torch.set_num_threads(1)
cv2.setNumThreads(1)
stand_in(
    "torch._six", "jpeg4py", "lmdb", "pycocotools.coco", "visdom", "tensorboardX", "easydict",
    "lib.train.admin.multigpu", "lib.train.admin", "lib.train.data.loader",
)  # fmt: skip

import lib.train.data.transforms as tfm  # noqa: E402
from lib.train.data.image_loader import opencv_loader  # noqa: E402
from lib.train.data.processing import STARKProcessing  # noqa: E402
from lib.train.data.sampler import TrackingSampler  # noqa: E402
from lib.train.dataset.lasot import Lasot  # noqa: E402

joint = tfm.Transform(tfm.ToGrayscale(probability=0.05), tfm.RandomHorizontalFlip(probability=0.5))
single = tfm.Transform(
    tfm.ToTensorAndJitter(0.2),
    tfm.RandomHorizontalFlip_Norm(probability=0.5),
    tfm.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
)
processing = STARKProcessing(
    search_area_factor={"template": 2.0, "search": 4.0},
    output_sz={"template": 128, "search": 256},
    center_jitter_factor={"template": 0, "search": 3},
    scale_jitter_factor={"template": 0, "search": 0.25},
    mode="sequence",
    transform=single,
    joint_transform=joint,
    settings=SimpleNamespace(num_template=1, num_search=1),
)
lasot = Lasot(setting["root"], image_loader=opencv_loader, vid_ids=setting["ids"])
sampler = TrackingSampler([lasot], [1], 1000, 200, 1, processing=processing)
serve(lambda: sampler[0])
