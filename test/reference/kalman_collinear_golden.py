"""Random-walk Kalman filter and smoother in 300 digits on nearly collinear regressors: writes
native/crates/linear/tests/golden/kalman_collinear.txt.

Two regressors that differ by 10^-4 of their size in the first 20 of 40 rows, a constant, two assets, missing returns. The
start has a variance of 10^80 in place of an infinite one, which is the exactly diffuse filter to some 80 digits.
"""

import math
import random
from pathlib import Path

import mpmath as mp

OUT = Path(__file__).resolve().parents[2] / "native" / "crates" / "linear" / "tests" / "golden" / "kalman_collinear.txt"
SEED, ROWS, COLUMNS, ASSETS, APART = 9, 40, 3, 2, 1e-4
STEP = [0.0, 0.05, 0.3]
UNKNOWN = mp.mpf(10) ** 60


def data():
    draw = random.Random(SEED)
    design, returns = [], []
    b = [[draw.gauss(0, 1) for _ in range(COLUMNS)] for _ in range(ASSETS)]
    for row in range(ROWS):
        x = draw.gauss(0, 1)
        design.append([1.0, x, x + APART * draw.gauss(0, 1) if row < 20 else draw.gauss(0, 1)])
        returns.append([])
        for asset in range(ASSETS):
            value = sum(x * c for x, c in zip(design[row], b[asset])) + draw.gauss(0, 1)
            returns[row].append(math.nan if row % 9 == 4 else value)
            b[asset] = [c + math.sqrt(q) * draw.gauss(0, 1) for c, q in zip(b[asset], STEP)]
    return design, returns


def run(design, returns, asset):
    """Filtered and smoothed states and variances, [row][column] each."""
    step = mp.diag(STEP)
    state, covariance = mp.zeros(COLUMNS, 1), mp.eye(COLUMNS) * mp.mpf(10) ** 80
    filtered, predicted = [], []
    for row in range(ROWS):
        if row:
            covariance = covariance + step
        predicted.append(covariance)
        value = returns[row][asset]
        if not math.isnan(value):
            x = mp.matrix(design[row])
            moment = covariance * x
            variance = (x.T * moment)[0] + 1
            gain = moment / variance
            state = state + gain * (mp.mpf(value) - (x.T * state)[0])
            covariance = covariance - gain * moment.T
        filtered.append((state, covariance))
    smoothed = [filtered[-1]]
    for row in range(ROWS - 2, -1, -1):
        (state, covariance), (later, wide) = filtered[row], smoothed[-1]
        pull = covariance * predicted[row + 1] ** -1
        smoothed.append((state + pull * (later - state), covariance + pull * (wide - predicted[row + 1]) * pull.T))
    return filtered, smoothed[::-1]


def rows_of(found):
    for state, covariance in found:
        for j in range(COLUMNS):
            known = covariance[j, j] < UNKNOWN
            yield (state[j], covariance[j, j]) if known else (mp.nan, mp.nan)


def line(name, values):
    return " ".join([name, *(mp.nstr(mp.mpf(value), 17) for value in values)])


def main():
    mp.mp.dps = 300
    design, returns = data()
    lines = [
        f"# kalman_collinear_golden.py mpmath {mp.__version__} seed {SEED}",
        f"sizes {ROWS} {COLUMNS} {ASSETS}",
        line("design", [x for row in design for x in row]),
        line("returns", [y for row in returns for y in row]),
        line("step", STEP),
    ]
    for asset in range(ASSETS):
        for name, found in zip(("filtered", "smoothed"), run(design, returns, asset)):
            states, variances = zip(*rows_of(found))
            lines += [line(f"{name}_states", states), line(f"{name}_variances", variances)]
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
