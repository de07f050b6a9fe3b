"""OSTrack's tracker with given weights, on frames in memory; ``.cuda()`` is what the device has."""

from types import SimpleNamespace

import cv2
import numpy as np
import torch
from worker import first_line, serve, stand_in

setting = first_line()
torch.set_num_threads(setting["threads"])
stand_in("jpeg4py", "lmdb", "visdom", "tensorboardX", "easydict", "lib.vis.visdom_cus")
stand_in("lib.test.tracker.vis_utils", "torch._six", "lib.train.data.loader")
if not torch.cuda.is_available():
    torch.Tensor.cuda = lambda self, *_, **__: self
    torch.nn.Module.cuda = lambda self, *_, **__: self


class Names(dict):  # what easydict gives
    def __getattr__(self, name: str) -> object:
        return self[name]


def names(**values: object) -> Names:
    return Names(**values)


import lib.test.tracker.ostrack as official  # noqa: E402

size, template = setting["search"], setting["template"]
backbone = names(
    TYPE="vit_base_patch16_224_ce", STRIDE=16, CAT_MODE="direct", SEP_SEG=False,
    CE_LOC=[3, 6, 9], CE_KEEP_RATIO=[0.7, 0.7, 0.7], CE_TEMPLATE_RANGE="CTR_POINT",
)  # fmt: skip
cfg = names(
    MODEL=names(
        PRETRAIN_FILE="", RETURN_INTER=False, RETURN_STAGES=[], BACKBONE=backbone,
        HEAD=names(TYPE="CENTER", NUM_CHANNELS=256),
    ),
    DATA=names(SEARCH=names(SIZE=size), TEMPLATE=names(SIZE=template)),
    TEST=names(SEARCH_SIZE=size),
    TRAIN=names(DROP_PATH_RATE=0.1),
)  # fmt: skip
params = SimpleNamespace(
    cfg=cfg, checkpoint=setting["weights"], debug=0, save_all_boxes=False, template_size=template,
    search_size=size, template_factor=2.0, search_factor=setting["factor"],
)  # fmt: skip
torch.manual_seed(0)
network = official.build_ostrack(cfg, training=False)
torch.save({"net": network.state_dict()}, setting["weights"])
tracker = official.OSTrack(params, "lasot")
frames = np.load(setting["frames"])
boxes: list[list[float]] = []


def work() -> None:
    """Start from the same box for every frame: random weights drift, and would drift apart."""
    place = len(boxes) % (len(frames) - 1) + 1
    tracker.initialize(read(0), {"init_bbox": setting["box"]})
    boxes.append(list(map(float, tracker.track(read(place))["target_bbox"])))


def read(place: int) -> np.ndarray:
    """Return a frame, from memory or as OSTrack reads its own: by OpenCV, channels turned."""
    if not asked.get("decode"):
        return frames[place]
    return cv2.cvtColor(cv2.imread(setting["files"][place]), cv2.COLOR_BGR2RGB)


asked: dict[str, object] = {}
serve(work, lambda: {"boxes": boxes[-(len(frames) - 1) :]}, asked.update)
