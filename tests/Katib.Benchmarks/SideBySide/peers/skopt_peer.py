"""scikit-optimize, driven as Katib's bayesianoptimization service drives it with its default settings.

Steps and distributions are ignored, discrete lists are categorical, and a failed trial is never told, so that asking
again gives the same point again. The variant katib has Katib's logarithmic prior on every double; a range that reaches
0 or below, for which Katib's service gives "nan", is searched evenly instead. The variant uniform searches all evenly.
"""

import warnings

import numpy

# scikit-optimize 0.9.0 is older than NumPy 1.24, which removed this name.
if not hasattr(numpy, "int"):
    numpy.int = int

import skopt
from skopt.space import Categorical, Integer, Real

from protocol import serve, text

warnings.filterwarnings("ignore")


def dimension(parameter, variant):
    name, low, high = parameter["name"], parameter["min"], parameter["max"]
    if parameter["type"] == "int":
        return Integer(int(low), int(high), name=name)
    if parameter["type"] == "double":
        log = variant == "katib" and float(low) > 0
        return Real(float(low), float(high), "log-uniform" if log else "uniform", name=name)
    return Categorical(parameter["list"], name=name)


class Optimiser:
    def __init__(self, parameters, seed, variant):
        self.parameters = parameters
        self.optimizer = skopt.Optimizer(
            [dimension(p, variant) for p in parameters], base_estimator="GP", n_initial_points=10,
            acq_func="gp_hedge", acq_optimizer="auto", random_state=seed)

    def tell(self, ended):
        finished = [trial for trial in ended if trial["loss"] is not None]
        if finished:
            points = [[self.value(p, trial["point"][p["name"]]) for p in self.parameters] for trial in finished]
            self.optimizer.tell(points, [trial["loss"] for trial in finished])

    def ask(self, count):
        return [{p["name"]: self.text(p, value) for p, value in zip(self.parameters, point)}
                for point in self.optimizer.ask(n_points=count)]

    @staticmethod
    def value(parameter, value):
        kind = {"int": int, "double": float}.get(parameter["type"], str)
        return kind(value)

    @classmethod
    def text(cls, parameter, value):
        return text(cls.value(parameter, value))


def begin(parameters, seed, parallel, variant):
    return f"scikit-optimize {skopt.__version__}", Optimiser(parameters, seed, variant)


serve(begin)
