# Owned by the template: every update rewrites this file. What is searched: configs/tune.yaml.
"""One search: `experiments/studies/<study id>/` with its settings and Optuna's journal.

Which values a trial tries depends on the search's seed and on the results before it, and on nothing
else: a search that was interrupted and goes on tries what it would have tried without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import optuna
import yaml
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from ...config import Config
from ..errors import ConfigError, OutOfMemoryError, RunError, TrainingError
from ..files import write_text
from ..reporting import Reporter, StepReport
from ..tracking.store import CONFIG_FILE, EXPERIMENTS
from .space import TuneConfig, distributions, with_values

STUDIES = EXPERIMENTS / "studies"
SEARCH_FILE = "tune.yaml"
JOURNAL = "study.journal"
RUN_ID, DATA = "run_id", "data_sha256"
ALONE = "alone"  # its number, where trials are trained side by side

_NAME = "search"
_DONE = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class TrialResult:
    """What one trial tried and reached.

    Attributes:
        number: From 1 on, in the order of the search.
        run_id: The recorded run; none where training failed, as with a learning rate too high.
        value: The metric; none where training failed.
        settings: The values that were tried.
    """

    number: int
    run_id: str | None
    value: float | None
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return all values, ready for JSON."""
        return asdict(self)


class SilentReporter(Reporter):
    """What a training inside a search reports to: the search itself reports its trials."""

    def say(self, text: str) -> None:
        """Print nothing."""

    @contextmanager
    def training(self, total_steps: int, done_steps: int = 0) -> Iterator[StepReport]:
        """Yield what takes steps and epochs, and prints nothing."""
        yield _Nothing()


class _Nothing:
    def step(self) -> None:
        """Print nothing."""

    def epoch(self, text: str) -> None:
        """Print nothing."""


class Search:
    """A study on disk."""

    def __init__(self, folder: Path, settings: TuneConfig, config: Config) -> None:
        """Use `create` or `reopen`."""
        self.folder = folder
        self.settings = settings
        self.config = config
        self._space = distributions(settings.space, config)
        self._too_large = ""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        journal = str(folder / JOURNAL)
        # Windows seldom allows the symbolic link by which Optuna would lock the file.
        backend = JournalFileBackend(journal, lock_obj=JournalFileOpenLock(journal))
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name=_NAME,
            direction=settings.direction,
            load_if_exists=True,
        )

    @classmethod
    def create(cls, settings: TuneConfig, config: Config) -> Self:
        """Start a search.

        Raises:
            ConfigError: The space does not fit the configuration.
        """
        distributions(settings.space, config)
        folder = STUDIES / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        folder.mkdir(parents=True)
        _write_yaml(folder / SEARCH_FILE, settings.model_dump(mode="json", exclude_unset=True))
        _write_yaml(folder / CONFIG_FILE, config.model_dump(mode="json"))
        return cls(folder, settings, config)

    @classmethod
    def reopen(cls, text: str) -> Self:
        """Open the search with this id, or the only one whose id contains the text.

        Raises:
            RunError: No search or several fit.
            ConfigError: The code no longer knows one of its settings.
        """
        fitting = sorted(folder for folder in STUDIES.glob("*") if text in folder.name)
        if len(fitting) != 1:
            raise RunError(f"{len(fitting) or 'No'} studies in {STUDIES} fit {text!r}.")
        (folder,) = fitting
        settings = TuneConfig.from_file(folder / SEARCH_FILE)
        return cls(folder, settings, Config.from_file(folder / CONFIG_FILE))

    @property
    def id(self) -> str:
        """The name of the folder; ids sort by the time of the start."""
        return self.folder.name

    @property
    def results(self) -> list[TrialResult]:
        """The trials that are done, in their order."""
        return [_result(number, trial) for number, trial in enumerate(self._done, start=1)]

    @property
    def best(self) -> list[TrialResult]:
        """The trials that reached a value, the best first; among equal ones the earlier first."""
        sign = -1 if self.settings.direction == "maximize" else 1
        reached = [result for result in self.results if result.value is not None]
        return sorted(reached, key=lambda result: sign * (result.value or 0.0))

    def run(
        self,
        trials: int,
        train: Callable[[Config, str], dict[str, Any]],
        report: Callable[[TrialResult], None],
    ) -> None:
        """Train until so many trials are done, counting those of earlier calls.

        Args:
            trials: How many.
            train: Trains with a configuration under a name, and returns the facts of the run.
            report: Gets every result at once.

        Raises:
            ConfigError: a run has no such metric.
            RunError: the data is not that of the trials before.
            OutOfMemoryError: no trial trained, and the last one ran out of memory.
        """
        try:
            while len(self._done) < trials:
                number = len(self._done) + 1
                sampler = optuna.samplers.TPESampler(seed=self.settings.seed + number - 1)
                self._try(train, sampler, number)
                report(self.results[-1])
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"Interrupted after {len(self._done)} of {trials} trials; "
                f"continue with `tune --resume {self.id}`."
            ) from None
        if self._too_large and not self.best:
            raise OutOfMemoryError(f"No trial fits. {self._too_large}")

    @property
    def _done(self) -> list[FrozenTrial]:
        """Trials that ended; one that was interrupted is tried again with the same values."""
        return self._study.get_trials(deepcopy=False, states=_DONE)

    def run_alone(
        self, number: int, train: Callable[[Config, str], dict[str, Any]]
    ) -> TrialResult | None:
        """Train one trial while others are trained elsewhere; None if it is done already.

        Its values are drawn at random by its number alone, whatever the others reach.

        Args:
            number: From 1 on, as the tasks of an array have it.
            train: As for `run`.

        Raises:
            ConfigError: a run has no such metric.
            RunError: the data is not that of the trials before.
            OutOfMemoryError: it ran out of memory.
        """
        if any(each.user_attrs.get(ALONE) == number for each in self._done):
            return None
        sampler = optuna.samplers.RandomSampler(seed=self.settings.seed + number)
        trial = self._try(train, sampler, number, alone=True)
        if self._too_large:
            raise OutOfMemoryError(self._too_large)
        (done,) = [each for each in self._done if each.number == trial]
        return _result(number, done)

    def _try(
        self,
        train: Callable[[Config, str], dict[str, Any]],
        sampler: optuna.samplers.BaseSampler,
        number: int,
        *,
        alone: bool = False,
    ) -> int:
        self._study.sampler = sampler
        trial = self._study.ask(self._space)
        if alone:
            trial.set_user_attr(ALONE, number)
        done = self._done
        try:
            facts = train(with_values(self.config, trial.params), f"tune-{number:03d}")
        except TrainingError as error:  # these values do not train: what the sampler should know
            # Kept as text: the error itself would hold on to the model.
            self._too_large = str(error) if isinstance(error, OutOfMemoryError) else ""
            self._study.tell(trial, state=TrialState.PRUNED)
            return trial.number
        if any(each.user_attrs.get(DATA, facts[DATA]) != facts[DATA] for each in done):
            raise RunError(f"The data is not that of study {self.id}: restore it or start anew.")
        trial.set_user_attr(RUN_ID, facts["run_id"])
        trial.set_user_attr(DATA, facts[DATA])
        self._study.tell(trial, self._value(_metrics(facts)))
        return trial.number

    def _value(self, metrics: dict[str, float]) -> float:
        if self.settings.metric not in metrics:
            known = ", ".join(metrics)
            raise ConfigError(f"A run has no metric {self.settings.metric!r}; known are {known}.")
        return metrics[self.settings.metric]


def _metrics(facts: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of the best epoch, or of the last one where training keeps no best."""
    metrics: dict[str, float] = (facts.get("best") or {}).get("metrics") or facts["final_metrics"]
    return metrics


def _result(number: int, trial: FrozenTrial) -> TrialResult:
    return TrialResult(number, trial.user_attrs.get(RUN_ID), trial.value, dict(trial.params))


def _write_yaml(path: Path, values: dict[str, Any]) -> None:
    write_text(path, yaml.safe_dump(values, sort_keys=False))
