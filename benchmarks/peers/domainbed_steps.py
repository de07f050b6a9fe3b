"""DomainBed: one optimiser step with its loaders, or the loaders alone. Weights are random."""

import timm
import torch
import torchvision
from worker import first_line, serve, stand_in

setting = first_line()
torch.set_num_threads(setting["threads"])
stand_in("wilds.datasets.camelyon17_dataset", "wilds.datasets.fmow_dataset")
make_resnet = torchvision.models.resnet50
torchvision.models.resnet50 = lambda pretrained=False: make_resnet(weights=None)
make_timm = timm.create_model
timm.create_model = lambda name, pretrained=False, **rest: make_timm(name, pretrained=False, **rest)

from domainbed import algorithms, datasets, hparams_registry, networks  # noqa: E402
from domainbed.lib.fast_data_loader import InfiniteDataLoader  # noqa: E402

hparams = hparams_registry.default_hparams("ERM", "PACS")
hparams.update(batch_size=setting["batch"], freeze_bn=True, resnet50_augmix=False)
data = datasets.MultipleEnvironmentImageFolder(setting["root"], [], True, hparams)
loaders = [
    iter(InfiniteDataLoader(dataset=one, weights=None, batch_size=setting["batch"], num_workers=0))
    for one in data.datasets
]


def load() -> list[torch.Tensor]:
    return [next(loader) for loader in loaders]


if setting["what"] == "load":
    serve(load)
else:
    if setting["network"] != "resnet50":
        # DomainBed has no EfficientNet: its ERM around timm's, as a user would write it.
        class Featurizer(torch.nn.Module):
            def __init__(self, input_shape: object, hparams: object) -> None:
                super().__init__()
                self.net = make_timm(setting["network"], pretrained=False, num_classes=0)
                self.n_outputs = self.net.num_features

            def forward(self, pictures: torch.Tensor) -> torch.Tensor:
                return self.net(pictures)

        networks.Featurizer = Featurizer
    erm = algorithms.ERM(data.input_shape, data.num_classes, len(data.datasets), hparams)
    erm.train()
    serve(lambda: erm.update(load()))
