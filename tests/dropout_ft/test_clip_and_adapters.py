"""CLIP's text head, FLYP and LoRA: each against CLIP's or peft's own arithmetic."""

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from dropout_ft.advice.recipe import LITE0, base_settings, clip_settings, write_trials
from dropout_ft.loading import choose_weights, load_classifier
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.methods.wise_ft import interpolate
from dropout_ft.nn.adapters import LoRA, merged
from dropout_ft.nn.backbones import OpenClipBackbone, TimmBackbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.clip_text import TEMPLATES
from dropout_ft.nn.head import VeryLargeDropoutHead
from dropout_ft.report.results import collect
from dropout_ft.report.table import make_rows
from dropout_ft.results.run import load_runs
from dropout_ft.training.objectives import FLYP
from dropout_ft.training.segments import segments_of
from dropout_ft.training.warm_start import PromptHead
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import ConfigError
from tests_support import only_run

Run = Callable[[list[str]], int]
TINY_CLIP = Path(__file__).parent / "tiny_clip.json"
NAMES = ["dog", "art_painting", "house"]
WARNINGS = pytest.mark.filterwarnings("ignore::UserWarning:peft.*")


@pytest.fixture(autouse=True)
def tiny_clip() -> None:
    open_clip.add_model_config(TINY_CLIP)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A whole tiny CLIP on disk, as a local weight file."""
    torch.manual_seed(3)
    path = tmp_path / "clip.safetensors"
    save_file(open_clip.create_model("tiny_clip").state_dict(), path)
    return path


def clip_classifier(weights: str | Path = "none", *, rate: float = 0.0) -> Classifier:
    backbone = OpenClipBackbone("tiny_clip", str(weights))
    head = VeryLargeDropoutHead(backbone.num_features, len(NAMES), dropout_rate=rate,
                                normalization="unit")  # fmt: skip
    return Classifier(backbone, head)


def no_batches() -> list[dict[str, Tensor]]:
    raise AssertionError("prompts need no pictures")


def images(count: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 255, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)


def test_the_prompt_head_is_clips_own_zero_shot_classifier(weights: Path) -> None:
    model = clip_classifier(weights).eval()
    PromptHead().apply(model, no_batches, NAMES)
    clip = open_clip.create_model("tiny_clip", pretrained=str(weights)).eval()
    tokenizer = open_clip.get_tokenizer("tiny_clip")
    with torch.no_grad():
        columns = []
        for name in ("dog", "art painting", "house"):
            texts = tokenizer([template.format(name) for template in TEMPLATES])
            columns.append(F.normalize(clip.encode_text(texts, normalize=True).mean(0), dim=-1))
        pictures = clip.encode_image(model.normalize(images()), normalize=True)
        expected = clip.logit_scale.exp() * pictures @ torch.stack(columns, 1)
        torch.testing.assert_close(model(images()), expected, rtol=1e-4, atol=1e-5)


def test_prompts_need_clip_cosines_and_a_place_for_the_name() -> None:
    plain = Classifier(TimmBackbone("test_vit", "none"), VeryLargeDropoutHead(64, 3))
    with pytest.raises(ConfigError, match="CLIP's text tower"):
        PromptHead().apply(plain, no_batches, NAMES)
    backbone = OpenClipBackbone("tiny_clip")
    with pytest.raises(ConfigError, match=r"normalization to unit"):
        PromptHead().apply(Classifier(backbone, VeryLargeDropoutHead(24, 3)), no_batches, NAMES)
    for wrong in (["a photo"], ["{} {}"], []):
        with pytest.raises(ConfigError, match=r"one \{\} for the class"):
            PromptHead(wrong)


def test_weights_of_the_other_activation_are_refused() -> None:
    """Were: ViT-B-32 with OpenAI's weights, computed with another activation than trained with."""
    with pytest.raises(ConfigError, match="take ViT-B-32-quickgelu"):
        OpenClipBackbone("ViT-B-32", "openai")


def test_unit_features_cannot_be_folded_into_a_linear_layer() -> None:
    head = VeryLargeDropoutHead(4, 2, normalization="unit")
    assert torch.allclose(head.normalize(torch.randn(3, 4)).norm(dim=1), torch.ones(3))
    with pytest.raises(ConfigError, match="no linear layer"):
        head.folded()


def test_flyp_is_clips_contrastive_loss_and_keeps_its_head(weights: Path) -> None:
    model, objective = clip_classifier(weights), FLYP()
    objective.class_names = NAMES
    objective.prepare(model)
    batch = {"input": images(), "label": torch.tensor([0, 2, 2, 1])}
    clip = open_clip.create_model("tiny_clip", pretrained=str(weights))
    texts = open_clip.get_tokenizer("tiny_clip")(
        [f"a photo of a {name}." for name in ("dog", "house", "house", "art painting")]
    )
    loss = open_clip.ClipLoss()(
        clip.encode_image(model.normalize(batch["input"]), normalize=True),
        clip.encode_text(texts, normalize=True),
        clip.logit_scale.exp(),
    )
    found = objective(model, batch)["loss"]
    torch.testing.assert_close(found, loss, rtol=1e-4, atol=1e-5)
    before = model.head.linear.weight.clone()
    found.backward()
    assert objective.text is not None
    assert objective.text.clip.token_embedding.weight.grad is not None
    assert float(model.head.linear.weight.grad.abs().max()) == 0  # type: ignore[union-attr]
    optimizer = torch.optim.SGD([*model.parameters(), *objective.parameters()], lr=0.1)
    optimizer.step()
    objective.update_head(model)
    assert not torch.equal(model.head.linear.weight, before)


def test_flyps_temperature_is_that_of_evaluation(weights: Path) -> None:
    """The scale of the features is divided out of the head; were: ten times colder in training."""
    losses = []
    for scale in (1.0, 10.0):
        model, objective = clip_classifier(weights), FLYP()
        model.head.feature_scale = scale
        objective.class_names = NAMES
        objective.prepare(model)
        batch = {"input": images(3), "label": torch.arange(3)}  # each prompt once, as in the head
        losses.append(objective(model, batch)["loss"])
        logits = model(batch["input"])
        expected = (F.cross_entropy(logits, batch["label"])
                    + F.cross_entropy(logits.T, batch["label"])) / 2  # fmt: skip
        torch.testing.assert_close(losses[-1], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-4, atol=1e-5)


@WARNINGS
def test_zero_shot_rows_of_unlike_prompts_are_apart(
    weights: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path
) -> None:
    """Whatever the order of the runs, each set of prompts has a row of its own."""
    own = ("--model.head_start.init_args.templates", '["a {}."]')
    for rate, extra in (("0", ()), ("0.9", ()), ("0", own)):
        words = clip_words(tiny_arguments, weights, "--model.dropout_rate", rate, *extra)
        assert dropout_ft(words) == 0
    runs = load_runs([tmp_path / "runs"])
    for ordered in (runs, runs[::-1]):
        rows = make_rows(collect(ordered, ["zero-shot CLIP"]).results)
        zero = [row for row in rows if row.method == "zero-shot CLIP"]
        assert [(row.label, row.count) for row in zero] == [
            ("prompts 'a photo of a {}.' and 5 more", 1), ("prompts 'a {}.'", 1)
        ]  # fmt: skip


def adapted(kind: str) -> Classifier:
    """A tiny ViT or CLIP tower with LoRA whose factors are not zero."""
    torch.manual_seed(0)
    backbone = TimmBackbone("test_vit", "none") if kind == "timm" else OpenClipBackbone("tiny_clip")
    LoRA(rank=2, alpha=3, layers="all").apply(backbone)
    for name, value in backbone.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(value, std=0.3)
    return Classifier(backbone, VeryLargeDropoutHead(backbone.num_features, 3)).eval()


def plain_like(kind: str) -> Classifier:
    backbone = TimmBackbone("test_vit", "none") if kind == "timm" else OpenClipBackbone("tiny_clip")
    return Classifier(backbone, VeryLargeDropoutHead(backbone.num_features, 3)).eval()


@WARNINGS
@pytest.mark.parametrize("kind", ["timm", "open_clip"])
def test_merged_weights_compute_what_the_adapters_do(kind: str) -> None:
    model, plain = adapted(kind), plain_like(kind)
    size = model.backbone.preprocessing.size
    pictures = torch.randint(0, 255, (2, 3, size, size), dtype=torch.uint8)
    plain.load_state_dict(merged(model.state_dict()))
    with torch.no_grad():
        torch.testing.assert_close(plain(pictures), model(pictures), rtol=1e-4, atol=1e-5)
    assert merged(plain.state_dict()).keys() == plain.state_dict().keys()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert all("lora_" in name or name.startswith("head.") for name in trained)
    assert any("lora_" in name for name in trained)


@WARNINGS
def test_averages_are_of_merged_weights_and_not_of_factors() -> None:
    """The mean of two products is not the product of the means."""
    models = [adapted("timm"), adapted("timm")]
    for value in models[1].backbone.parameters():
        if value.requires_grad:
            torch.nn.init.normal_(value, std=0.3)
    states = [merged(model.state_dict()) for model in models]
    right = average_weights(states)
    factors = merged(average_weights([model.state_dict() for model in models]))
    key = "backbone.net.blocks.0.attn.qkv.weight"
    torch.testing.assert_close(right[key], (states[0][key] + states[1][key]) / 2)
    assert not torch.allclose(right[key], factors[key], atol=1e-3)


def test_networks_without_such_blocks_are_refused() -> None:
    with pytest.raises(ConfigError, match="no ViT's blocks in test_resnet"):
        LoRA().apply(TimmBackbone("test_resnet", "none"))
    with pytest.raises(ConfigError, match="rank of 1 or more"):
        LoRA(rank=0)


def clip_words(build: Callable[..., list[str]], weights: Path, *extra: str) -> list[str]:
    return build(
        "fit", "--data.test_domains", "[a]", "--data.image_size", "null",
        "--model.backbone", '{"class_path": "dropout_ft.nn.backbones.OpenClipBackbone", '
        f'"init_args": {{"name": "tiny_clip", "weights": "{weights}"}}}}',
        "--model.normalization", "unit",
        "--model.head_start", "dropout_ft.training.warm_start.PromptHead",
        "--config", str(TINY_CLIP.parents[2] / "configs/methods/segments_alone.yaml"), *extra,
    )  # fmt: skip


LORA = ("--model.adapter", "dropout_ft.nn.adapters.LoRA", "--model.adapter.init_args.rank", "2",
        "--model.optimizer.init_args.lr", "0.5")  # fmt: skip


@WARNINGS
@pytest.mark.parametrize("extra", [(), LORA], ids=["whole", "lora"])
def test_runs_of_clip_from_the_command_line_to_every_method(
    extra: tuple[str, ...], weights: Path, tiny_arguments: Callable[..., list[str]],
    dropout_ft: Run, tmp_path: Path,
) -> None:  # fmt: skip
    """WiSE-FT goes to zero-shot; a checkpoint with adapters loads as a plain network."""
    for rate, seed in (("0", "0"), ("0", "1"), ("0.9", "0")):
        words = clip_words(tiny_arguments, weights, "--model.dropout_rate", rate,
                           "--seed_everything", seed, *extra)  # fmt: skip
        assert dropout_ft(words) == 0
    runs = load_runs([tmp_path / "runs"])
    found = collect(runs, ["zero-shot CLIP", "WiSE-FT 0.5", "SWAD", "SWA", "average over runs",
                           "Model Stock"])  # fmt: skip
    assert found.remarks == []
    rows = make_rows(found.results)
    (zero,) = [row for row in rows if row.method == "zero-shot CLIP"]
    assert (zero.name, zero.count, zero.train_seconds) == ("zero-shot CLIP", 1, 0)
    names = {row.method for row in rows}
    assert {"WiSE-FT 0.5", "SWAD", "SWA", "average over runs", "Model Stock"} <= names
    run = runs[0]
    evaluation = Reevaluation(run)
    start, end = (segments_of(run.directory.path)[place].read()[0] for place in (0, -1))
    start = {n.removeprefix("model."): v for n, v in start.items()}
    first = evaluation.scores({**evaluation.final, **start})
    assert 100 * first["ood"] == pytest.approx(zero.ood)
    last = {n.removeprefix("model."): v for n, v in end.items()}
    for name, value in last.items():
        torch.testing.assert_close(value, evaluation.final[name])
    half = interpolate(start, last, 0.5)
    key = "backbone.net.transformer.resblocks.0.attn.in_proj_weight"
    assert not torch.equal(start[key], last[key])
    torch.testing.assert_close(half[key], (start[key] + last[key]) / 2)
    assert not any("lora" in name for name in final_weights(run))


@WARNINGS
@pytest.mark.parametrize(("precision", "near"), [("32-true", 1e-3), ("bf16-mixed", 0.1)])
def test_a_checkpoint_with_adapters_answers_as_the_network_it_was(
    precision: str, near: float, weights: Path, tiny_arguments: Callable[..., list[str]],
    dropout_ft: Run, tmp_path: Path,
) -> None:  # fmt: skip
    """Under mixed precision the factors stay float32; only the run's own answers are rounded."""
    words = clip_words(tiny_arguments, weights, *LORA, "--trainer.precision", precision,
                       "--trainer.enable_model_summary", "false")  # fmt: skip
    assert dropout_ft(words) == 0
    run = load_runs([tmp_path / "runs"])[0]
    evaluation = Reevaluation(run)
    again = evaluation.logits(evaluation.final)
    kept = run.logits[run.last_step]["current"]
    test = run.table.of_test  # not augmented anew
    torch.testing.assert_close(
        torch.tensor(again[test]), torch.tensor(kept[test]), rtol=near, atol=near
    )
    raw = read_checkpoint(run.directory.last)["state_dict"]
    factors = {name: value for name, value in raw.items() if "lora_B" in name}
    assert factors
    assert all(value.dtype == torch.float32 for value in factors.values())
    assert any(float(value.abs().max()) > 0 for value in factors.values()), "they were trained"
    for name, value in segments_of(run.directory.path)[-1].read()[0].items():
        torch.testing.assert_close(value, evaluation.final[name.removeprefix("model.")])
    chosen = choose_weights(run.directory.last, {"state_dict": copy.deepcopy(raw)}, "current")
    assert not any("lora" in name for name in chosen)
    assert load_classifier(run.directory.last).class_names == ("blue", "green", "red")


@WARNINGS
def test_an_average_along_the_run_of_factors_is_refused(
    weights: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    sma = str(TINY_CLIP.parents[2] / "configs/methods/sma.yaml")
    words = clip_words(tiny_arguments, weights, *LORA, "--config", sma)
    assert dropout_ft(words) == 1
    assert "adapter's two factors" in capsys.readouterr().err


def test_flyp_from_the_command_line(
    weights: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path
) -> None:
    """The head that is saved is that of the text tower after the last step."""
    words = clip_words(tiny_arguments, weights, "--model.objective",
                       "dropout_ft.training.objectives.FLYP", "--model.dropout_rate", "0.5",
                       "--model.optimizer.init_args.lr", "0.1")  # fmt: skip
    assert dropout_ft(words) == 0
    state = read_checkpoint(only_run(tmp_path / "runs") / "checkpoints/last.ckpt")["state_dict"]
    model, objective = clip_classifier(weights), FLYP()
    objective.class_names = ["blue", "green", "red"]
    objective.prepare(model)
    objective.load_state_dict({n.removeprefix("objective."): v for n, v in state.items()
                               if n.startswith("objective.")})  # fmt: skip
    objective.update_head(model)
    torch.testing.assert_close(state["model.head.linear.weight"], model.head.linear.weight)


@WARNINGS
def test_advise_has_clip_and_lora_among_its_candidates(
    weights: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path,
    pictures: Path,
) -> None:  # fmt: skip
    """What advise writes for them trains, and both start as the same zero-shot CLIP."""
    further = clip_settings(str(weights), "tiny_clip")
    assert list(further) == ["tiny_clip", "tiny_clip-LoRA"]
    base = base_settings("quick", pictures, 2)
    first, trials = write_trials(tmp_path / "advice", base, [LITE0], "quick", further)
    assert [trial.backbone for trial in trials] == [LITE0, "tiny_clip", "tiny_clip-LoRA"]
    alone = str(TINY_CLIP.parents[2] / "configs/methods/segments_alone.yaml")
    for trial in trials[1:]:
        words = ["fit", "--config", str(first), "--config", str(trial.file),
                 "--data.test_domains", "[a]", "--trainer.max_steps", "2",
                 "--trainer.val_check_interval", "1", "--run.root", str(tmp_path / "runs"),
                 "--config", alone]  # fmt: skip
        assert dropout_ft(words) == 0
    whole, adapted = sorted(
        load_runs([tmp_path / "runs"]),
        key=lambda run: "model.adapter.class_path" in run.coordinates.recipe,
    )
    assert adapted.coordinates.recipe["model.adapter.init_args.rank"] == 8
    assert "model.head_start.init_args.steps" not in adapted.coordinates.recipe
    starts = [segments_of(run.directory.path)[0].read()[0] for run in (whole, adapted)]
    for name in starts[0].keys() & starts[1].keys():
        torch.testing.assert_close(starts[0][name], starts[1][name])
    with pytest.raises(ConfigError, match="no file"):
        clip_settings("nowhere.safetensors", "tiny_clip")
    with pytest.raises(ConfigError, match="open_clip does not have"):
        clip_settings(str(weights), "ViT-Z-99")


@WARNINGS
@pytest.mark.slow
def test_two_processes_train_adapters_as_one_does(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    """DDP over gloo: the factors' gradients are averaged, and what is saved is the same network."""
    root = TINY_CLIP.parents[2] / "configs"
    found = []
    for preset in ("cpu", "ddp_cpu"):
        words = tiny_arguments(
            "fit", "--config", str(root / "methods/lora.yaml"),
            "--config", str(root / f"hardware/{preset}.yaml"), "--model.dropout_rate", "0",
            "--run.root", str(tmp_path / preset),
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "dropout_ft", *words],
            env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        file = only_run(tmp_path / preset) / "checkpoints/last.ckpt"
        state = read_checkpoint(file)["state_dict"]
        assert any(float(v.abs().max()) > 0 for n, v in state.items() if "lora_B" in n)
        found.append(choose_weights(file, {"state_dict": state}, "current"))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-3, atol=1e-5)
