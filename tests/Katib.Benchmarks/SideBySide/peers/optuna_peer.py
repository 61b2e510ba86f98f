"""Optuna's samplers with their defaults: tpe is TPESampler(multivariate=True), gp is GPSampler."""

import warnings

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from protocol import serve, text

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def distribution(parameter):
    log = parameter["distribution"] == "logUniform"
    low, high, step = parameter["min"], parameter["max"], parameter["step"]
    if parameter["type"] == "double":
        return FloatDistribution(float(low), float(high), log=log, step=float(step) if step else None)
    if parameter["type"] == "int":
        return IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return CategoricalDistribution(parameter["list"])


class Optimiser:
    def __init__(self, parameters, sampler):
        self.space = {p["name"]: distribution(p) for p in parameters}
        self.study = optuna.create_study(sampler=sampler)
        self.trials = []

    def tell(self, ended):
        for trial in ended:
            loss = trial["loss"]
            if trial["id"] >= 0:
                state = TrialState.FAIL if loss is None else TrialState.COMPLETE
                self.study.tell(self.trials[trial["id"]], loss, state=state)
            else:
                params = {name: self.value(name, value) for name, value in trial["point"].items()}
                self.study.add_trial(optuna.trial.create_trial(params=params, distributions=self.space, value=loss))

    def ask(self, count):
        asked = [self.study.ask(self.space) for _ in range(count)]
        self.trials += asked
        return [{name: text(value) for name, value in trial.params.items()} for trial in asked]

    def value(self, name, value):
        kind = self.space[name]
        return value if isinstance(kind, CategoricalDistribution) else type(kind.low)(value)


def begin(parameters, seed, parallel, variant):
    if variant == "gp":
        sampler = optuna.samplers.GPSampler(seed=seed)
    else:
        # What Optuna advises where trials run at once.
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=parallel > 1)
    return f"optuna {optuna.__version__}", Optimiser(parameters, sampler)


serve(begin)
