"""``streams train``: from a recipe to weights that the embedded model loads."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

import numpy as np
import torch

from gateway.models import build_registry
from llm.adapter import BASE_WEIGHTS, SPEAK_THRESHOLD, A, save_adapter, weights_mark
from llm.chat import load_chat
from llm.connector import Connector, Tables, load_connector, save_connector
from llm.sight import ADAPTER, CONNECTOR, Sight
from streams.config import StreamsConfig
from streams.errors import ModelError
from streams.log import get_logger
from streams.models.registry import Registry
from streams.train.bar import bar_of
from streams.train.calibration import calibrate
from streams.train.data import Data, PixelEncoder
from streams.train.device import check_device
from streams.train.features import Features
from streams.train.finished import is_finished, settings_fact
from streams.train.folder import data_marks
from streams.train.imagined import Imagined, imagine, seen_imagined
from streams.train.labels import describe_words
from streams.train.language import Language
from streams.train.live_model import SeenPictures, as_pictures, joined, spoken_pictures
from streams.train.living import LiveSettings, Living
from streams.train.loop import VALIDATION, Figures, Loop, Schedule, checkpoint_file, read_checkpoint
from streams.train.mixture import Mixture
from streams.train.recipe import LivingRecipe, Recipe, SeeingRecipe, binding, load_recipe
from streams.train.sample import Facts
from streams.train.script import Reading
from streams.train.seeing import Looks, Seeing
from streams.train.start import Start, find_start
from video.efficientnet import EfficientNetEncoder

log = get_logger(__name__)
BATCH = 256
IMAGINED = 4_000
"""Photographs that are imagined, four of each class."""


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Train by the recipe; goes on where a run into the same folder stopped. Raises StreamsError."""
    recipe = load_recipe(
        args.recipe, data_folder=args.data, run_out=args.out, run_start=args.start, run_device=args.device
    )
    torch.set_num_threads(recipe.run.threads or os.cpu_count() or 1)
    out = recipe.run.out
    out.mkdir(parents=True, exist_ok=True)
    # Before hours of features, and whether stage 1 is finished or not.
    check_device(recipe.run.device)
    start = find_start(recipe)
    seeing, living = _settings(recipe, start)
    read_checkpoint(checkpoint_file(out, Seeing.name), seeing)
    read_checkpoint(checkpoint_file(out, Living.name), living)
    seen, lived = is_finished(out / CONNECTOR, seeing), is_finished(out / ADAPTER, living)
    if seen and lived:
        log.info("finished before, by the same recipe", out=out)
    else:
        run_ = _Run(recipe, build_registry(config.models), config, seeing, living, start)
        run_.live(run_.see())
    sys.stdout.write(f"{out / CONNECTOR}\n{out / ADAPTER}\n")
    return 0


def _settings(recipe: Recipe, start: Start | None) -> tuple[dict[str, object], dict[str, object]]:
    """What the weights of stage 1, and of both stages, hang on. Raises ConfigError."""
    if start is None:
        seeing, living = binding(recipe, "seeing"), binding(recipe, "seeing", "living")
    else:
        seeing, living = {**start.settings}, {**binding(recipe, "living"), **start.settings}
    if recipe.data.folder is None:
        return seeing, living
    pictures, dialogues = data_marks(recipe.data.folder)
    return seeing | pictures, living | pictures | dialogues


class _Run:
    """One run of a recipe."""

    def __init__(
        self,
        recipe: Recipe,
        registry: Registry,
        config: StreamsConfig,
        seeing: Mapping[str, object],
        living: Mapping[str, object],
        start: Start | None,
    ) -> None:
        """``seeing`` and ``living`` are what the weights of the stages hang on."""
        self._start = start
        self._recipe = recipe
        self._settings = {Seeing.name: seeing, Living.name: living}
        self._out = recipe.run.out
        vision = registry.resolve("vision").path
        assert vision is not None
        self._encoder = EfficientNetEncoder(vision)
        llm = registry.resolve("llm").path
        assert llm is not None
        self._language = Language.load(llm, load_chat(llm), recipe.run.device, recipe.run.dtype)
        if start is not None:
            self._check_start(start.sight)  # before hours of features
        self._data = Data(recipe, PixelEncoder(self._encoder), config)
        self._train, self._validation = self._data.split("train"), self._data.split("validation")

    def see(self) -> Connector:
        """Stage 1, calibrated. What was finished before is loaded."""
        file, recipe = self._out / CONNECTOR, self._recipe.seeing
        if is_finished(file, self._settings[Seeing.name]):
            log.info("stage finished before", stage=Seeing.name, file=file)
            return load_connector(file)
        if self._start is not None:
            connector = self._start.sight.connector
            save_connector(connector, file, settings_fact(self._settings[Seeing.name]))
            return connector
        connector = self._new_connector().to(self._language.frozen.spec.device)
        photographs = self._data.photographs("train"), self._data.photographs("validation")
        stage = Seeing(
            connector,
            Looks(self._train.features, self._train.pictures.facts, photographs[0]),
            Looks(self._validation.features, self._validation.pictures.facts, photographs[1]),
            batch=recipe.batch,
            rate=recipe.rate,
            decay=recipe.decay,
            smoothing=recipe.smoothing,
            seed=self._recipe.data.seed,
            mixed=self._recipe.run.dtype == "bfloat16",
        )
        self._loop(stage, recipe)
        calibrate(
            connector.cpu(), self._validation.features, self._validation.pictures.facts, recipe.precision
        )
        save_connector(connector, file, settings_fact(self._settings[Seeing.name]))
        return load_connector(file)

    def _check_start(self, start: Sight) -> None:
        """Raises ModelError where ``start`` is of another encoder or language model, rank or alpha."""
        config, spec = start.connector.config, self._language.frozen.spec
        if (config.encoder, config.hidden) != (self._encoder.name, spec.hidden):
            raise ModelError(
                f"the weights to start from are of {config.encoder} and a language model with states of "
                f"{config.hidden}, not of {self._encoder.name} and {spec.hidden}",
                param="run.start",
            )
        adapter, living = start.adapter, self._recipe.living
        ranks = {len(down) for down, _ in adapter.pairs.values()}
        if ranks != {living.rank} or adapter.scale != living.alpha / living.rank:
            raise ModelError(
                f"the weights to start from have rank {min(ranks)} and scale {adapter.scale:g}, the recipe "
                f"living.rank {living.rank} and living.alpha {living.alpha:g}",
                param="run.start",
            )
        if adapter.base_weights not in ("", weights_mark(self._language.weights, adapter.pairs)):
            raise ModelError(
                "the weights to start from were trained on another language model's", param="run.start"
            )

    def _new_connector(self) -> Connector:
        recipe, language = self._recipe.seeing, self._language
        facts: list[Facts] = [*self._train.pictures.facts]
        channels, classes = self._encoder.classifier
        torch.manual_seed(self._recipe.data.seed)
        connector = Connector(
            describe_words(
                facts,
                encoder=self._encoder.name,
                shape=(self._train.features.shape[1], channels.shape[1]),
                hidden=language.frozen.spec.hidden,
                width=recipe.width,
                layers=recipe.layers,
                rank=recipe.rank,
            )
        )
        with torch.no_grad():
            connector.classifier.weight.copy_(channels)
            connector.classifier.bias.copy_(classes)
        return connector

    def live(self, connector: Connector) -> None:
        """Stage 2; writes the adapter, and the connector again, with its residual."""
        recipe, language, data = self._recipe.living, self._language, self._recipe.data
        torch.manual_seed(data.seed)  # of the adapters, whether stage 1 was trained just now or before
        model = language.trainable(connector, recipe.rank, recipe.alpha)
        if self._start is not None:
            model.lora.begin_at(self._start.sight.adapter)
        tables = language.tables(connector)
        imagined = None
        if data.folder is None and recipe.imagined:
            imagined = imagine(connector, IMAGINED, data.seed)
        mixture = Mixture(
            self._train.dialogues,
            len(self._train.features),
            recipe.doubted,
            imagined,
            recipe.imagined,
            data.seed,
            varied=data.folder is None,
        )
        stage = Living(
            model,
            language.chat,
            Reading(recipe.instructions, recipe.window_tokens, recipe.dialogue_tokens, recipe.recall_blocks),
            LiveSettings(
                recipe.rate, recipe.residual_rate, recipe.speaking, recipe.unasked, recipe.workers, data.seed
            ),
            train=mixture.dialogue,
            per_step=recipe.dialogues_per_step,
            pictures=self._shown(connector, tables, imagined),
            validation=self._validation.dialogues,
            validation_pictures=self._spoken(connector, tables, self._validation.features),
        )
        last = self._loop(stage, recipe)
        factors = model.lora.adapter()
        facts = {
            "alpha": str(recipe.alpha),
            BASE_WEIGHTS: weights_mark(
                language.weights, {name.removesuffix(A) for name in factors if name.endswith(A)}
            ),
            **settings_fact(self._settings[Living.name]),
        }
        if not last:  # no step was left
            with torch.no_grad():
                last = {f"{VALIDATION}{name}": figure for name, figure in stage.evaluate().items()}
        threshold = last.get(f"{VALIDATION}speaking.threshold")
        if threshold is None:
            log.warning("no threshold to speak up from: nothing that falls due in validation is met")
        else:
            facts[SPEAK_THRESHOLD] = f"{threshold:.3f}"
        save_connector(connector, self._out / CONNECTOR, settings_fact(self._settings[Seeing.name]))
        save_adapter(factors, self._out / ADAPTER, facts)

    def _shown(self, connector: Connector, tables: Tables, imagined: Imagined | None) -> SeenPictures:
        """The pictures of training as ``Mixture`` numbers them."""
        seen = [self._spoken(connector, tables, self._train.features)]
        connector.train()
        seen.append(self._spoken(connector, tables, self._train.features))
        connector.eval()
        if imagined is not None:
            seen.append(as_pictures(connector, seen_imagined(connector, imagined), tables))
        return joined(seen)

    def _spoken(self, connector: Connector, tables: Tables, features: Features) -> SeenPictures:
        torch.manual_seed(self._recipe.data.seed)
        starts = range(0, len(features), BATCH)
        batches = (torch.from_numpy(np.asarray(features[s : s + BATCH], np.float32)) for s in starts)
        return spoken_pictures(connector, batches, tables)

    def _loop(self, stage: Seeing | Living, recipe: SeeingRecipe | LivingRecipe) -> Figures:
        """The figures of the last step, which was evaluated after; none where no step was left."""
        run_ = self._recipe.run
        schedule = Schedule(
            recipe.steps,
            run_.warmup,
            run_.clip,
            recipe.evaluate_every,
            recipe.save_every,
            self._recipe.data.seed,
        )
        loop = Loop(stage, schedule, self._out, self._settings[stage.name])
        with bar_of(stage.name, recipe.steps) as bar:
            last: Figures = {}

            def told(figures: Figures) -> None:
                nonlocal last
                last = figures
                told_of = ("loss", "validation.name", "validation.exact", "validation.speaking.f1")
                bar(1, "  ".join(f"{k} {figures[k]:.3f}" for k in told_of if k in figures))

            loop.run(told)
        return last
