"""Records real tuning tasks as tables: every combination of a grid of hyperparameters, and its cross-validated loss.

    OMP_NUM_THREADS=1 python3 record.py FOLDER [NAME...]

FOLDER holds digits.csv, breast_cancer.csv, wine_data.csv, diabetes_data_raw.csv and diabetes_target.csv as scikit-learn
ships them in sklearn/datasets/data, decompressed. Without names, every task is recorded; each becomes NAME.csv beside
this file. Folds, subsets and random states are fixed, so that the same versions of Python's libraries give the same
tables; those here are of scikit-learn 1.2.1, NumPy 1.24.2 and SciPy 1.10.1.
"""

import argparse
import itertools
import pathlib
import time
import typing
import warnings

import numpy
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import SGDClassifier, enet_path
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import laplacian_kernel, polynomial_kernel, rbf_kernel, sigmoid_kernel
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, QuantileTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

SEED = 1
HERE = pathlib.Path(__file__).parent


class Parameter(typing.NamedTuple):
    """One axis of a grid: a double or int on a linear or log scale, or a categorical."""

    name: str
    type: str
    scale: str
    values: list


class Task(typing.NamedTuple):
    """A grid and what fills it: a function from the data to an array with one axis for each parameter."""

    set: str
    parameters: list
    losses: typing.Callable


TASKS = {}


def task(name, chosen, *parameters):
    """Enters a function into the tasks; it gets the data and then the values of each parameter."""
    def enter(losses):
        TASKS[name] = Task(chosen, list(parameters), losses)
        return losses
    return enter


def double(name, *values):
    return Parameter(name, "double", "linear", list(values))


def whole(name, *values):
    return Parameter(name, "int", "linear", list(values))


def log_whole(name, *values):
    return Parameter(name, "int", "log", list(values))


def category(name, *values):
    return Parameter(name, "categorical", "linear", list(values))


def log_double(name, low, high, count):
    """Equal steps of the logarithm from 10^low to 10^high, as they are written: four significant digits."""
    return Parameter(name, "double", "log", [float(f"{v:.4g}") for v in numpy.logspace(low, high, count)])


class Samples(typing.NamedTuple):
    """Features, and a class or a number for each row."""

    x: numpy.ndarray
    y: numpy.ndarray

    def subset(self, count):
        """So many rows, drawn once and for all."""
        rows = numpy.random.RandomState(SEED).permutation(len(self.y))[:count]
        return Samples(self.x[rows], self.y[rows])

    def folds(self, count):
        """Training features, their targets, test features, their targets: for each fold, classes in proportion."""
        kind = KFold if self.y.dtype.kind == "f" else StratifiedKFold
        return self.split_by(kind(count, shuffle=True, random_state=SEED))

    def repeated_folds(self, count, repeats):
        return self.split_by(RepeatedStratifiedKFold(n_splits=count, n_repeats=repeats, random_state=SEED))

    def split_by(self, splitter):
        return [(self.x[a], self.y[a], self.x[b], self.y[b]) for a, b in splitter.split(self.x, self.y)]


class Data:
    """The data sets, read when they are asked for."""

    def __init__(self, folder):
        self.folder = folder

    def digits(self):
        return self._classes("digits.csv", header=0, scale=1 / 16)

    def breast_cancer(self):
        return self._classes("breast_cancer.csv", header=1)

    def wine(self):
        return self._classes("wine_data.csv", header=1)

    def diabetes(self):
        return Samples(
            numpy.loadtxt(self.folder / "diabetes_data_raw.csv"), numpy.loadtxt(self.folder / "diabetes_target.csv"))

    def _classes(self, name, header, scale=1):
        table = numpy.loadtxt(self.folder / name, delimiter=",", skiprows=header)
        return Samples(table[:, :-1] * scale, table[:, -1].astype(int))


def scaled(folds, scaler):
    """The same folds after a transformer that has seen the training rows only."""
    result = []
    for train, targets, test, answers in folds:
        fitted = scaler().fit(train)
        result.append((fitted.transform(train), targets, fitted.transform(test), answers))
    return result


def error(folds, predict):
    """The share of wrong answers over all folds; predict takes one fold and gives one class for each test row."""
    wrong = [numpy.mean(predict(*fold[:3]) != fold[3]) for fold in folds]
    return numpy.mean(wrong)


def root_mean_square(squares):
    return numpy.sqrt(numpy.mean(numpy.concatenate(squares)))


def points(*axes):
    """Every combination of some axes, each with its place in the grid."""
    for place in itertools.product(*(range(len(axis)) for axis in axes)):
        yield place, [axis[i] for axis, i in zip(axes, place)]


@task("knn-digits", "judge",
      log_whole("k", 1, 2, 3, 5, 8, 13, 21, 34),
      double("p", 1.0, 1.5, 2.0, 3.0, 5.0),
      category("weights", "uniform", "distance"),
      log_whole("components", 2, 4, 8, 12, 16, 24, 32, 48),
      category("scaling", "none", "standard", "whiten"))
def knn_digits(data, ks, ps, weights, components, scalings):
    """Nearest neighbours after principal components: the distances of a fold serve all k and both weights."""
    wrong = numpy.zeros([len(ks), len(ps), len(weights), len(components), len(scalings)])
    samples = data.digits().subset(700)
    raw = samples.folds(3)
    for s, scaling in enumerate(scalings):
        for train, targets, test, answers in scaled(raw, StandardScaler) if scaling == "standard" else raw:
            pca = PCA(max(components), whiten=scaling == "whiten", svd_solver="full").fit(train)
            seen, asked = pca.transform(train), pca.transform(test)
            for (p, c), (power, count) in points(ps, components):
                distances = cdist(asked[:, :count], seen[:, :count], "minkowski", p=power)
                order = numpy.argsort(distances, axis=1, kind="stable")[:, :max(ks)]
                votes = numpy.eye(10)[targets[order]]
                near = 1 / numpy.maximum(numpy.take_along_axis(distances, order, axis=1), 1e-12)
                for (i, w), (k, weight) in points(ks, weights):
                    parts = votes[:, :k] * (near[:, :k, None] if weight == "distance" else 1)
                    wrong[i, p, w, c, s] += numpy.sum(parts.sum(axis=1).argmax(axis=1) != answers)
    return wrong / len(samples.y)


MACHINE = [
    category("kernel", "rbf", "poly", "sigmoid"),
    log_double("C", -3, 3, 9),
    log_double("gamma", -4, 0, 9),
    whole("degree", 2, 3, 4, 5),
    double("coef0", 0.0, 0.5, 1.0, 2.0)]


@task("svm-digits", "judge", *MACHINE)
def svm_digits(data, *axes):
    return support_vector_machine(data.digits().subset(500).folds(3), *axes)


@task("svm-wine", "tune", *MACHINE)
def svm_wine(data, *axes):
    return support_vector_machine(scaled(data.wine().folds(3), MinMaxScaler), *axes)


def support_vector_machine(folds, kernels, cs, gammas, degrees, shifts):
    """A support vector machine. The degree matters to the polynomial only, coef0 to all but the Gaussian."""
    losses = numpy.empty([len(kernels), len(cs), len(gammas), len(degrees), len(shifts)])

    def fill(place, kernel):
        grams = [(kernel(train, train), targets, kernel(test, train), answers)
                 for train, targets, test, answers in folds]
        for c, cost in enumerate(cs):
            machine = SVC(C=cost, kernel="precomputed", max_iter=20000)
            losses[place[0], c, place[1], place[2], place[3]] = error(
                grams, lambda train, targets, test: machine.fit(train, targets).predict(test))

    every = slice(None)
    for g, gamma in enumerate(gammas):
        fill((0, g, every, every), lambda a, b: rbf_kernel(a, b, gamma))
        for s, shift in enumerate(shifts):
            fill((2, g, every, s), lambda a, b: sigmoid_kernel(a, b, gamma, shift))
            for d, degree in enumerate(degrees):
                fill((1, g, d, s), lambda a, b: polynomial_kernel(a, b, degree, gamma, shift))
    return losses


@task("forest-digits", "judge",
      category("criterion", "gini", "entropy"),
      log_whole("trees", 2, 4, 8, 16, 32, 64),
      whole("max_depth", 2, 4, 7, 11, 16),
      log_whole("min_samples_leaf", 1, 3, 8, 20),
      double("max_features", 0.02, 0.08, 0.2, 0.5, 1.0),
      category("bootstrap", "true", "false"))
def forest_digits(data, criteria, counts, depths, leaves, shares, bootstraps):
    """A random forest by its log loss: the first trees of the largest one are the smaller ones."""
    losses = numpy.zeros([len(a) for a in (criteria, counts, depths, leaves, shares, bootstraps)])
    folds = data.digits().subset(360).folds(2)
    for place, (criterion, depth, leaf, share, bootstrap) in points(criteria, depths, leaves, shares, bootstraps):
        for train, targets, test, answers in folds:
            forest = RandomForestClassifier(
                max(counts), criterion=criterion, max_depth=depth, min_samples_leaf=leaf, max_features=share,
                bootstrap=bootstrap == "true", random_state=SEED).fit(train, targets)
            test = test.astype(numpy.float32)
            votes = numpy.array([tree.tree_.predict(test).reshape(len(test), -1) for tree in forest.estimators_])
            sums = numpy.cumsum(votes / votes.sum(axis=2, keepdims=True), axis=0)
            for n, count in enumerate(counts):
                guesses = numpy.clip(sums[count - 1] / count, 0.001, 1)
                losses[(place[0], n) + place[1:]] += log_loss(answers, guesses) / len(folds)
    return losses


@task("boosting-diabetes", "judge",
      category("criterion", "squared_error", "huber"),
      log_double("learning_rate", -2.5, 0, 7),
      log_whole("trees", 4, 8, 16, 32, 64, 128, 256),
      whole("max_depth", 1, 2, 3, 4, 6),
      double("subsample", 0.2, 0.5, 0.8, 1.0))
def boosting_diabetes(data, kinds, rates, counts, depths, shares):
    """Gradient-boosted regression trees: one run passes through every number of trees.

    Guesses stay within the targets seen; without that, the longest steps on the smallest shares reach 1e17.
    """
    losses = numpy.empty([len(a) for a in (kinds, rates, counts, depths, shares)])
    folds = data.diabetes().folds(3)
    for place, (kind, rate, depth, share) in points(kinds, rates, depths, shares):
        squares = [[] for _ in counts]
        for train, targets, test, answers in folds:
            model = GradientBoostingRegressor(
                loss=kind, learning_rate=rate, n_estimators=max(counts), max_depth=depth, subsample=share,
                max_features=0.5, random_state=SEED).fit(train, targets)
            stages = list(model.staged_predict(test))
            for n, count in enumerate(counts):
                guesses = numpy.clip(stages[count - 1], targets.min(), targets.max())
                squares[n].append((guesses - answers) ** 2)
        for n, _ in enumerate(counts):
            losses[place[0], place[1], n, place[2], place[3]] = root_mean_square(squares[n])
    return losses


@task("kernel-ridge-diabetes", "judge",
      category("kernel", "rbf", "laplacian", "poly"),
      log_double("alpha", -4, 3, 11),
      log_double("gamma", -4, 1, 11),
      whole("degree", 2, 3, 4),
      category("scaling", "standard", "minmax", "quantile"))
def kernel_ridge_diabetes(data, kernels, alphas, gammas, degrees, scalings):
    """Ridge regression with a kernel: one eigendecomposition for all alphas. The degree is the polynomial's alone."""
    losses = numpy.empty([len(a) for a in (kernels, alphas, gammas, degrees, scalings)])
    scalers = {
        "standard": StandardScaler,
        "minmax": MinMaxScaler,
        "quantile": lambda: QuantileTransformer(n_quantiles=50, random_state=SEED),
    }

    def errors(folds, kernel):
        squares = [[] for _ in alphas]
        for train, targets, test, answers in folds:
            mean = targets.mean()
            values, vectors = numpy.linalg.eigh(kernel(train, train))
            turned, asked = vectors.T @ (targets - mean), kernel(test, train) @ vectors
            for a, alpha in enumerate(alphas):
                guesses = mean + asked @ (turned / (numpy.maximum(values, 0) + alpha))
                squares[a].append((guesses - answers) ** 2)
        return [root_mean_square(s) for s in squares]

    for (s, g), (scaling, gamma) in points(scalings, gammas):
        folds = scaled(data.diabetes().folds(5), scalers[scaling])
        losses[0, :, g, :, s] = numpy.array(errors(folds, lambda a, b: rbf_kernel(a, b, gamma)))[:, None]
        losses[1, :, g, :, s] = numpy.array(errors(folds, lambda a, b: laplacian_kernel(a, b, gamma)))[:, None]
        for d, degree in enumerate(degrees):
            losses[2, :, g, d, s] = errors(folds, lambda a, b: polynomial_kernel(a, b, degree, gamma, 1))
    return losses


@task("mlp-digits", "judge",
      category("activation", "relu", "tanh", "logistic"),
      log_double("learning_rate", -4, -0.5, 8),
      log_double("alpha", -5, 1, 4),
      log_whole("hidden", 4, 12, 36, 108),
      log_whole("epochs", 2, 4, 8, 16, 32))
def mlp_digits(data, activations, rates, alphas, widths, lengths):
    """A network with one hidden layer, by its log loss after so many epochs of one training run."""
    losses = numpy.zeros([len(a) for a in (activations, rates, alphas, widths, lengths)])
    folds = data.digits().subset(450).folds(2)
    for place, (activation, rate, alpha, width) in points(activations, rates, alphas, widths):
        for train, targets, test, answers in folds:
            network = MLPClassifier(
                [width], activation=activation, learning_rate_init=rate, alpha=alpha, batch_size=25, random_state=SEED)
            for epoch in range(1, max(lengths) + 1):
                network.partial_fit(train, targets, range(10))
                if epoch in lengths:
                    guesses = numpy.clip(network.predict_proba(test), 1e-6, 1)
                    losses[place + (lengths.index(epoch),)] += log_loss(answers, guesses) / len(folds)
    return losses


CHOICE = [
    category("model", "svm", "knn", "trees"),
    log_double("C", -2, 4, 7),
    log_double("gamma", -5, 1, 7),
    log_whole("k", 1, 2, 4, 9, 20, 45),
    log_whole("min_samples_leaf", 1, 2, 5, 12, 30)]


@task("choice-breast-cancer", "judge", *CHOICE)
def choice_breast_cancer(data, *axes):
    return choice(scaled(data.breast_cancer().repeated_folds(5, 3), StandardScaler), *axes)


@task("choice-digits", "tune", *CHOICE)
def choice_digits(data, *axes):
    return choice(data.digits().subset(600).folds(3), *axes)


def choice(folds, models, cs, gammas, ks, leaves):
    """Which model, and its own parameters: C and gamma are the machine's, k the neighbours', the leaf the trees'."""
    losses = numpy.empty([len(a) for a in (models, cs, gammas, ks, leaves)])

    def measured(model):
        return error(folds, lambda train, targets, test: model.fit(train, targets).predict(test))

    for (c, g), (cost, gamma) in points(cs, gammas):
        losses[0, c, g] = measured(SVC(C=cost, gamma=gamma))
    for i, k in enumerate(ks):
        losses[1, :, :, i] = measured(KNeighborsClassifier(k, algorithm="brute"))
    for i, leaf in enumerate(leaves):
        losses[2, ..., i] = measured(ExtraTreesClassifier(30, min_samples_leaf=leaf, random_state=SEED))
    return losses


@task("tree-breast-cancer", "tune",
      category("criterion", "gini", "entropy"),
      category("splitter", "best", "random"),
      whole("max_depth", 1, 2, 3, 4, 6, 8, 11),
      log_whole("min_samples_leaf", 1, 2, 4, 8, 16, 32, 64),
      log_double("ccp_alpha", -4, -1, 7),
      double("max_features", 0.1, 0.4, 1.0))
def tree_breast_cancer(data, criteria, splitters, depths, leaves, alphas, shares):
    """One decision tree: a loss of steps, with wide plateaus where a limit no longer binds."""
    losses = numpy.empty([len(a) for a in (criteria, splitters, depths, leaves, alphas, shares)])
    folds = data.breast_cancer().folds(5)
    for place, (criterion, splitter, depth, leaf, alpha, share) in points(
            criteria, splitters, depths, leaves, alphas, shares):
        tree = DecisionTreeClassifier(
            criterion=criterion, splitter=splitter, max_depth=depth, min_samples_leaf=leaf, ccp_alpha=alpha,
            max_features=share, random_state=SEED)
        losses[place] = error(folds, lambda train, targets, test: tree.fit(train, targets).predict(test))
    return losses


@task("sgd-breast-cancer", "tune",
      category("criterion", "hinge", "log_loss", "modified_huber"),
      category("schedule", "optimal", "constant", "invscaling"),
      log_double("alpha", -6, 0, 9),
      log_double("eta0", -4, 1, 8),
      double("l1_ratio", 0.0, 0.15, 0.5, 1.0))
def sgd_breast_cancer(data, kinds, schedules, alphas, steps, ratios):
    """A linear model by stochastic gradient descent: rugged; eta0 matters to all schedules but the optimal one."""
    losses = numpy.empty([len(a) for a in (kinds, schedules, alphas, steps, ratios)])
    folds = scaled(data.breast_cancer().folds(4), StandardScaler)
    for place, (kind, schedule, alpha, step, ratio) in points(kinds, schedules, alphas, steps, ratios):
        if schedule == "optimal" and place[3] > 0:
            losses[place] = losses[place[:3] + (0,) + place[4:]]
            continue
        model = SGDClassifier(
            kind, penalty="elasticnet", alpha=alpha, l1_ratio=ratio, learning_rate=schedule, eta0=step, max_iter=20,
            tol=None, random_state=SEED)
        losses[place] = error(folds, lambda train, targets, test: model.fit(train, targets).predict(test))
    return losses


@task("svr-diabetes", "tune",
      category("kernel", "rbf", "sigmoid", "poly"),
      log_double("C", -1, 4, 10),
      log_double("gamma", -4, 0, 9),
      log_double("epsilon", -1, 2, 7))
def svr_diabetes(data, kernels, cs, gammas, widths):
    """Support vector regression: outside of a ridge in C and gamma it is no better than the mean, or far worse."""
    losses = numpy.empty([len(a) for a in (kernels, cs, gammas, widths)])
    folds = scaled(data.diabetes().folds(3), StandardScaler)
    for place, (kernel, cost, gamma, width) in points(kernels, cs, gammas, widths):
        machine = SVR(kernel=kernel, C=cost, gamma=gamma, epsilon=width, coef0=1, max_iter=20000)
        losses[place] = root_mean_square([
            (machine.fit(train, targets).predict(test) - answers) ** 2 for train, targets, test, answers in folds])
    return losses


@task("elastic-net-diabetes", "tune",
      whole("degree", 1, 2, 3),
      category("scaling", "standard", "minmax", "quantile"),
      category("products", "all", "distinct"),
      log_double("alpha", -2, 2, 13),
      double("l1_ratio", 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0))
def elastic_net_diabetes(data, degrees, scalings, products, alphas, ratios):
    """A linear model of products of the features, with both penalties: one path for all alphas."""
    losses = numpy.empty([len(a) for a in (degrees, scalings, products, alphas, ratios)])
    scalers = {
        "standard": StandardScaler,
        "minmax": MinMaxScaler,
        "quantile": lambda: QuantileTransformer(n_quantiles=50, random_state=SEED),
    }
    falling = alphas[::-1]
    for (d, s, i), (degree, scaling, product) in points(degrees, scalings, products):
        folds = scaled(data.diabetes().folds(4), lambda: make_pipeline(
            scalers[scaling](), PolynomialFeatures(degree, interaction_only=product == "distinct", include_bias=False),
            StandardScaler()))
        for r, ratio in enumerate(ratios):
            squares = [[] for _ in falling]
            for train, targets, test, answers in folds:
                mean = targets.mean()
                _, weights, _ = enet_path(
                    numpy.asfortranarray(train), targets - mean, l1_ratio=ratio, alphas=falling, max_iter=300, tol=1e-3)
                for a, guesses in enumerate((test @ weights).T):
                    squares[a].append((mean + guesses - answers) ** 2)
            losses[d, s, i, :, r] = [root_mean_square(s) for s in squares][::-1]
    return losses


@task("mlp-wine", "tune",
      category("solver", "adam", "sgd"),
      category("activation", "relu", "tanh"),
      log_double("learning_rate", -4, 0, 9),
      double("momentum", 0.0, 0.5, 0.9, 0.97),
      log_whole("hidden", 2, 6, 18, 54),
      log_whole("epochs", 3, 10, 30))
def mlp_wine(data, solvers, activations, rates, momenta, widths, lengths):
    """A small network by its log loss; momentum is the plain solver's alone."""
    losses = numpy.zeros([len(a) for a in (solvers, activations, rates, momenta, widths, lengths)])
    folds = scaled(data.wine().folds(4), StandardScaler)
    for place, (solver, activation, rate, momentum, width) in points(solvers, activations, rates, momenta, widths):
        if solver == "adam" and place[3] > 0:
            losses[place] = losses[place[:3] + (0,) + place[4:]]
            continue
        for train, targets, test, answers in folds:
            network = MLPClassifier(
                [width], activation, solver=solver, learning_rate_init=rate, momentum=momentum, batch_size=32,
                random_state=SEED)
            for epoch in range(1, max(lengths) + 1):
                network.partial_fit(train, targets, range(3))
                if epoch in lengths:
                    guesses = numpy.clip(network.predict_proba(test), 1e-6, 1)
                    losses[place + (lengths.index(epoch),)] += log_loss(answers, guesses) / len(folds)
    return losses


def write(path, recorded, losses):
    """The set, the parameters, and a row for each combination."""
    parameters = recorded.parameters
    if losses.shape != tuple(len(p.values) for p in parameters) or not numpy.isfinite(losses).all():
        raise ValueError(f"{path.name}: the grid is not filled with finite losses")
    with path.open("w", encoding="ascii", newline="\n") as table:
        table.write(f"# set,{recorded.set}\n")
        table.writelines(f"# {p.name},{p.type},{p.scale}\n" for p in parameters)
        table.write(",".join([p.name for p in parameters] + ["loss"]) + "\n")
        for place, values in points(*(p.values for p in parameters)):
            table.write(",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values))
            table.write(f",{losses[place]:.6g}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where the data sets lie")
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to record: {', '.join(TASKS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(TASKS)
    if unknown:
        parser.error(f"no task is called {', '.join(sorted(unknown))}")

    # Some corners of these grids do not converge; that is part of the task.
    warnings.simplefilter("ignore")
    data = Data(arguments.folder)
    for name in arguments.names or TASKS:
        recorded = TASKS[name]
        start = time.process_time()
        losses = recorded.losses(data, *(p.values for p in recorded.parameters))
        seconds = time.process_time() - start
        write(HERE / f"{name}.csv", recorded, losses)
        print(f"{name}: {losses.size} cells, best {losses.min():.6g}, median {numpy.median(losses):.6g}, "
              f"worst {losses.max():.6g}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
