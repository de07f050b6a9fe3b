"""DomainBed's own training script from start to end, with an EfficientNet of random weights."""

import json
import runpy
import sys

import timm
import torch
from worker import stand_in

setting = json.loads(sys.argv[1])
torch.set_num_threads(setting["threads"])
stand_in("wilds.datasets.camelyon17_dataset", "wilds.datasets.fmow_dataset")

from domainbed import datasets, networks  # noqa: E402


class Featurizer(torch.nn.Module):
    """timm's network as a DomainBed user would put it in."""

    def __init__(self, input_shape: object, hparams: object) -> None:
        super().__init__()
        self.net = timm.create_model(setting["network"], pretrained=False, num_classes=0)
        self.n_outputs = self.net.num_features

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.net(pictures)


networks.Featurizer = Featurizer
# Its eight workers for each of eleven loaders would fight for the cores of a small machine.
datasets.PACS.N_WORKERS = setting["workers"]
sys.argv = [
    "train",
    *("--data_dir", setting["root"], "--dataset", "PACS", "--algorithm", "ERM"),
    *("--test_envs", "0", "--output_dir", setting["out"], "--skip_model_save"),
    *("--steps", str(setting["steps"]), "--checkpoint_freq", str(setting["every"])),
    *("--hparams", json.dumps({"batch_size": setting["batch"]})),
]
runpy.run_module("domainbed.scripts.train", run_name="__main__")
