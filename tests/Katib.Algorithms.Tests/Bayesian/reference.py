#!/usr/bin/env python3
"""Computes the constants in GaussianProcessTests.cs and ImprovementTests.cs with 60 digits, by mpmath.

The formulas are those of the definitions, not of the code under test: a plain inverse, no factor, no closed gradient.
Gradients of the likelihood are difference quotients, which 60 digits allow.
"""
from mpmath import cholesky_solve, det, diff, erfc, exp, log, matrix, mp, mpf, pi, sqrt

mp.dps = 60
N = 50
LOGS = [mpf(x) for x in ("-1.2", "-0.2", "0.4", "0.5", "-7")]  # three lengths, signal, noise
PLACES = [(mpf("0.25"), mpf("0.75"), 0), (mpf("0.5"), mpf("0.5"), 1), (mpf(1), mpf(0), 2)]


def design():
    """The same doubles as in the test: every number comes from one or two rounded operations."""
    x = [(mpf((37 * i + 5) % 101 / 101), mpf((61 * i + 17) % 89 / 89), i % 3) for i in range(N)]
    y = [mpf((13 * i * i + 7 * i + 3) % 31 / 10 - 1.5) for i in range(N)]
    factors = [4 if i % 7 == 0 else 1 for i in range(N)]
    return x, y, factors


def matern(a, b, logs):
    r2 = sum(((p - q) / exp(l)) ** 2 for p, q, l in zip(a[:2], b[:2], logs))
    r2 += 0 if a[2] == b[2] else exp(-2 * logs[2])
    root = sqrt(5 * r2)
    return exp(logs[3]) * (1 + root + root ** 2 / 3) * exp(-root)


def solve(logs):
    x, y, factors = design()
    k = matrix(N)
    for i in range(N):
        for j in range(N):
            k[i, j] = matern(x[i], x[j], logs) + (exp(logs[4]) * factors[i] if i == j else 0)
    ones = matrix([1] * N)
    by_ones = cholesky_solve(k, ones)
    mean = (by_ones.T * matrix(y))[0] / ((by_ones.T * ones)[0] + 1)
    centred = matrix([v - mean for v in y])
    return k, mean, centred, cholesky_solve(k, centred)


def negative_log_likelihood(*logs):
    """Up to N/2 ln 2 pi, with the mean's prior and without that of the hyperparameters."""
    k, mean, centred, alpha = solve(logs)
    return (centred.T * alpha)[0] / 2 + log(det(k)) / 2 + mean ** 2 / 2


def improvement(t):
    t = mpf(t)
    density = exp(-t * t / 2) / sqrt(2 * pi)
    cumulative = erfc(-t / sqrt(mpf(2))) / 2
    h = density + t * cumulative
    return log(h), cumulative / h, density / h, log(cumulative), density / cumulative


def show(*numbers):
    return ", ".join(mp.nstr(n, 20) for n in numbers)


k, mean, _, alpha = solve(LOGS)
x, _, _ = design()
print("mean", show(mean))
for place in PLACES:
    row = matrix([matern(place, xi, LOGS) for xi in x])
    gain = cholesky_solve(k, row)
    print("posterior", show(mean + (row.T * alpha)[0], exp(LOGS[3]) - (row.T * gain)[0]))
print("likelihood", show(negative_log_likelihood(*LOGS)))
for d in range(len(LOGS)):
    order = tuple(int(d == e) for e in range(len(LOGS)))
    print("slope", show(diff(negative_log_likelihood, LOGS, order, h=mpf(10) ** -15)))

mp.dps = 80
for t in ("8", "3", "0.5", "0", "-0.75", "-1", "-1.5", "-3", "-3.5", "-4.5", "-7.5", "-8.5", "-10", "-19", "-21",
          "-59", "-61", "-100", "-1e4"):
    mp.dps = 80
    print("improvement", t, show(*improvement(t)))
