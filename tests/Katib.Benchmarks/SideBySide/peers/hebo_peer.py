"""HEBO with its defaults: a Gaussian process under a power transform, and MACE by NSGA-II."""

import random
import warnings

import numpy
import pandas
import torch

import hebo
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from protocol import serve, text

warnings.filterwarnings("ignore")


class Axis:
    """One parameter as HEBO has it, and its values there and back."""

    def __init__(self, parameter):
        self.name, self.type = parameter["name"], parameter["type"]
        log = parameter["distribution"] == "logUniform"
        self.low = self.step = 0
        if self.type in ("discrete", "categorical"):
            self.spec = {"name": self.name, "type": "cat", "categories": parameter["list"]}
            return
        number = int if self.type == "int" else float
        self.low, high = number(parameter["min"]), number(parameter["max"])
        if parameter["step"]:
            # HEBO has no steps: it gets their number.
            self.step = number(parameter["step"])
            self.spec = {"name": self.name, "type": "int", "lb": 0, "ub": int((high - self.low) / self.step + 1e-9)}
            return
        kind = {("int", False): "int", ("int", True): "pow_int", ("double", False): "num", ("double", True): "pow"}
        self.spec = {"name": self.name, "type": kind[self.type, log], "lb": self.low, "ub": high}

    def to_text(self, value):
        if self.step:
            value = self.low + int(value) * self.step
        kind = {"int": int, "double": float}.get(self.type, str)
        return text(kind(value))

    def from_text(self, value):
        if self.step:
            return round((float(value) - self.low) / self.step)
        return {"int": int, "double": float}.get(self.type, str)(value)


class Optimiser:
    def __init__(self, parameters, seed):
        self.axes = [Axis(p) for p in parameters]
        self.optimizer = HEBO(DesignSpace().parse([axis.spec for axis in self.axes]), scramble_seed=seed)

    def tell(self, ended):
        finished = [trial for trial in ended if trial["loss"] is not None]
        if finished:
            points = pandas.DataFrame(
                [{axis.name: axis.from_text(trial["point"][axis.name]) for axis in self.axes} for trial in finished])
            self.optimizer.observe(points, numpy.array([[trial["loss"]] for trial in finished]))

    def ask(self, count):
        try:
            points = self.optimizer.suggest(n_suggestions=count)
        except ValueError:
            # Its model has given up and answers nan; its own first points are what it has left.
            points = self.optimizer.quasi_sample(count)
        return [{axis.name: axis.to_text(row[axis.name]) for axis in self.axes} for _, row in points.iterrows()]


def begin(parameters, seed, parallel, variant):
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    return f"HEBO {hebo.__version__}", Optimiser(parameters, seed)


serve(begin)
