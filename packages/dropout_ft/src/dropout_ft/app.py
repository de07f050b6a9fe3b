"""The ``dropout-ft`` console command: what it offers, with nothing heavy imported."""

from holdfast.cli.app import App, Command

APP = App(
    name="dropout-ft",
    summary="fine-tune a pre-trained image model so that it holds on data from elsewhere",
    model="dropout_ft.training.module:FineTuning",
    datamodule="dropout_ft.data.domains:DomainData",
    any_data=False,
    link_class_names=True,
    hooks="dropout_ft.training.hooks:hooks",
    fit_example="{prog} {name} --config dropout_ft:paper_resnet50 --data.source pictures "
    "--data.test_domains site_a",
    commands={
        "predict": Command(
            target="dropout_ft.commands.predict:predict",
            help="classify a folder of pictures with a checkpoint into one CSV",
            example="dropout-ft predict new --ckpt best.ckpt --out answers.csv",
        ),
        "compare": Command(
            target="dropout_ft.commands.compare:compare",
            help="train several dropout rates with domains left out in turn, and report",
            example="dropout-ft compare --fit own.yaml --domains a b c --dropout_rates 0 0.9",
        ),
        "sweep": Command(
            target="dropout_ft.commands.sweep:sweep",
            help="run domains x seeds x rates x hyper-parameters on processes, Ray or Slurm",
            example="dropout-ft sweep sweeps:paper_pacs --out results/pacs --workers 4",
        ),
        "advise": Command(
            target="dropout_ft.commands.advise:advise",
            help="recommend a recipe for a folder of domains, train with it and export",
            example="dropout-ft advise pictures --out advice",
        ),
        "estimate": Command(
            target="dropout_ft.commands.estimate:estimate",
            help="estimate the accuracy at a new site from unlabelled pictures and a sweep",
            example="dropout-ft estimate new_site --sweep results/mine --out estimate",
        ),
        "example": Command(
            target="dropout_ft.commands.example:example",
            help="the paper's comparison in minutes, on pictures that it fetches itself",
            example="dropout-ft example --out results/demo",
        ),
        "demo": Command(
            target="dropout_ft.commands.demo:demo",
            help="serve a page: drop a picture, shift it, compare checkpoints' answers",
            example="dropout-ft demo erm=a/best.ckpt large=b/best.ckpt",
        ),
        "report": Command(
            target="dropout_ft.commands.report:report",
            help="make the table and report.html from finished runs",
            example="dropout-ft report results/pacs --methods all --out results/pacs/report",
        ),
        "curve": Command(
            target="dropout_ft.commands.curve:curve",
            help="draw the best rate against the distance of the shift and the training images",
            example="dropout-ft curve results/pacs/report --out curve",
        ),
        "corruptions": Command(
            target="dropout_ft.commands.corruptions:corruptions",
            help="accuracy of finished runs on corrupted pictures (ImageNet-C's kinds)",
            example="dropout-ft corruptions results/pacs --severities 1 3 5",
        ),
        "combine": Command(
            target="dropout_ft.commands.combine:combine",
            help="ensemble and weight-average several runs of one test domain",
            example="dropout-ft combine runs/a runs/b runs/c",
        ),
        "export": Command(
            target="dropout_ft.commands.export:export",
            help="write a checkpoint as safetensors plus JSON that timm loads",
            example="dropout-ft export --ckpt best.ckpt --out exported --formats onnx",
        ),
        "domainbed-tables": Command(
            target="dropout_ft.commands.domainbed:domainbed_tables",
            help="select models in a DomainBed sweep folder and print its tables",
            example="dropout-ft domainbed-tables sweep_folder",
        ),
        "domainbed-export": Command(
            target="dropout_ft.commands.domainbed:domainbed_export",
            help="write finished runs as a folder that DomainBed's table tool reads",
            example="dropout-ft domainbed-export results/pacs --out domainbed --dataset PACS",
        ),
        "prepare": Command(
            target="dropout_ft.commands.prepare:prepare_data",
            help="fetch and draw an embedded data set: emoji_styles or four_hands",
            example="dropout-ft prepare",
        ),
        "data": Command(
            target="dropout_ft.commands.data:data",
            help="list known data sets, verify one, make the digits",
            example="dropout-ft data verify PACS",
        ),
        "verify": Command(
            target="dropout_ft.commands.verify:verify",
            help="check a folder of domains: classes, counts, unreadable pictures",
            example="dropout-ft verify pictures",
        ),
    },
)
