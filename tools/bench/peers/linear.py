"""The traditional methods (W4a to W4d) in numpy beside the project's own, both by processor time on one thread.

Called by run.py, or alone: python3 tools/bench/peers/linear.py [--quick]. Prints JSON rows of both, the peer's and
(peer "macrograd") those of tools/bench/linear.mjs; the numbers are the same, drawn by the generator of numbers.mjs.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # cspell:disable-line

import numpy as np  # noqa: E402 - the number of threads is read on import

import work  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]


def regression(rows, factors, assets):
    x = work.filled(rows * factors, 1, 1).astype(float).reshape(rows, factors)
    b = work.filled(assets * factors, 1, 2).astype(float).reshape(assets, factors)
    noise = work.filled(rows * assets, 1, 3).astype(float).reshape(rows, assets)
    return np.column_stack([np.ones(rows), x]), noise + x @ b.T


def persistent(rows, series, seed):
    values = work.filled(rows * series, 1, seed).astype(float)
    for at in range(series, len(values)):
        values[at] += 0.5 * values[at - series] + 0.2 * values[at - at % series]
    return values.reshape(rows, series)


def rolling(design, returns, window=60):
    """Coefficients and homoscedastic variances at every row from the first full window, by cumulative sums."""
    rows, k = design.shape
    gram = np.cumsum(np.einsum("ti,tj->tij", design, design), axis=0)
    moment = np.cumsum(np.einsum("ti,tn->tin", design, returns), axis=0)
    square = np.cumsum(returns**2, axis=0)
    for sums in (gram, moment, square):
        sums[window:] -= sums[:-window].copy()
    inverse = np.linalg.inv(gram[window - 1 :])
    b = inverse @ moment[window - 1 :]
    rest = (square[window - 1 :] - np.einsum("tin,tin->tn", b, moment[window - 1 :])) / (window - k)
    variances = np.einsum("tii->ti", inverse)[:, :, None] * rest[:, None, :]
    return b, variances


def kalman(design, returns, step):
    """Random-walk filter and smoother of all assets at once: covariances are shared where nothing is missing."""
    rows, k = design.shape
    mean, covariance = np.zeros((k, returns.shape[1])), np.eye(k) * 1e6
    means, covariances, predicted = [], [], []
    for t in range(rows):
        covariance = covariance + np.eye(k) * (step if t else 0.0)
        predicted.append(covariance)
        x = design[t]
        gain = covariance @ x / (x @ covariance @ x + 1.0)
        mean = mean + np.outer(gain, returns[t] - x @ mean)
        covariance = covariance - np.outer(gain, x @ covariance)
        means.append(mean)
        covariances.append(covariance)
    out = [means[-1]]
    for t in range(rows - 2, -1, -1):
        pull = covariances[t] @ np.linalg.inv(predicted[t + 1])
        out.append(means[t] + pull @ (out[-1] - means[t]))
    return np.stack(out[::-1])


def best_order(y, most=12):
    rows, k = y.shape
    n = rows - most
    z = np.column_stack([np.ones(n)] + [y[most - lag : rows - lag] for lag in range(1, most + 1)])
    gram, cross, total = z.T @ z, z.T @ y[most:], y[most:].T @ y[most:]
    criteria = []
    for p in range(most + 1):
        width = 1 + k * p
        left = total - cross[:width].T @ np.linalg.solve(gram[:width, :width], cross[:width])
        criteria.append(np.linalg.slogdet(left / n)[1] + 2 / n * (p * k * k + k))
    return int(np.argmin(criteria))


def fitted(y):
    p = max(1, best_order(y))
    rows, k = y.shape
    z = np.column_stack([np.ones(rows - p)] + [y[p - lag : rows - lag] for lag in range(1, p + 1)])
    b = np.linalg.lstsq(z, y[p:], rcond=None)[0]
    left = y[p:] - z @ b
    return b, left.T @ left / (rows - p - z.shape[1]), np.linalg.inv(z.T @ z)


def components(x):
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(z.T @ z)
    loadings = vectors[:, ::-1][:, :8] * np.sqrt(x.shape[1])
    return values[::-1] / (len(x) - 1), loadings, z @ loadings / x.shape[1]


def main():
    chosen = work.options()
    if chosen.threads != 1 or "W4" not in chosen.only.split(","):
        return
    rows, assets, wide, few = (120, 40, 24, 10) if chosen.quick else (600, 500, 120, 100)
    design, returns = regression(rows, 8, assets)
    narrow, own = regression(rows, 7, few)
    series, matrix = persistent(rows, 8, 4), persistent(rows, wide, 5)
    cases = [
        ("W4a rolling OLS", f"T{rows} K9 window 60 N{assets}", lambda: rolling(design, returns), None, 1),
        ("W4b Kalman smoother", f"T{rows} K8 N{few}", lambda: kalman(narrow, own, 0.001), None, 1),
        ("W4c VAR order", f"T{rows} K8 up to 12", lambda: best_order(series), lambda best: [best], 50),
        ("W4c VAR order and fit", f"T{rows} K8 up to 12", lambda: fitted(series), None, 50),
        ("W4d PCA", f"T{rows} N{wide}", lambda: components(matrix), lambda out: out[0], 20),
    ]
    command = ["node", "tools/bench/linear.mjs", "--json", "--probes", *(["--quick"] if chosen.quick else [])]
    for line in subprocess.check_output(command, cwd=ROOT, text=True).splitlines():
        print(json.dumps({"peer": "macrograd", **json.loads(line)}), flush=True)
    for workload, shape, run, result, calls in cases:
        calls = 1 if chosen.quick else calls
        seconds, values = [], run()
        for _ in range(1 if chosen.quick else 7):
            start = time.process_time()
            for _ in range(calls):
                run()
            seconds.append((time.process_time() - start) / calls)
        row = {"peer": "numpy", "workload": workload, "shape": shape, "threads": 1, "median_s": statistics.median(seconds)}
        print(json.dumps({**row, **({"probe": work.probe(result(values))} if result else {})}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
