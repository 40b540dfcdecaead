"""Golden values of bootstrapped bands and of responses by regime.

Usage: python test/reference/response_bands_golden.py
Writes packages/kernel/test/golden/response-bands.json. Reference: numpy and statsmodels' estimates on Luetkepohl's West
German data, with the very draws of the product's generator (SplitMix64), so that bands agree to rounding.
"""

import json

import numpy as np
import statsmodels
from statsmodels.tsa.api import VAR

from linear_factors_golden import luetkepohl, plain

from pathlib import Path

OUT = Path(__file__).parents[2] / "packages" / "kernel" / "test" / "golden" / "response-bands.json"
SEED, DRAWS, HORIZON, LEVEL = 7, 39, 4, 0.9
MASK = (1 << 64) - 1


class SplitMix:
    """Steele, Lea and Flood (2014); stream number `stream` of a seed."""

    def __init__(self, seed, stream):
        self.state = seed ^ ((stream + 1) * 0xD6E8FEB86659FD93 & MASK)

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def uniform(self):
        return (self.bits() >> 11) / 2.0**53

    def index(self, n):
        return min(int(self.uniform() * n), n - 1)

    def sign(self):
        return 1.0 if self.bits() >> 63 == 0 else -1.0


def regress(y, rows, p):
    """Least squares on some rows: constant, [lag][equation][series], covariance, residuals enlarged to it."""
    z = np.column_stack([np.ones(len(rows))] + [y[np.array(rows) - lag] for lag in range(1, p + 1)])
    b, *_ = np.linalg.lstsq(z, y[rows], rcond=None)
    u = y[rows] - z @ b
    n, k = u.shape
    df = n - z.shape[1]
    lags = b[1:].reshape(p, k, k).transpose(0, 2, 1)
    return {"c": b[0], "a": lags, "sigma": u.T @ u / df, "noise": u * np.sqrt(n / df)}


def responses(fit, kind, cumulative):
    k, p = len(fit["c"]), len(fit["a"])
    phi = [np.eye(k)]
    for h in range(1, HORIZON + 1):
        phi.append(sum(phi[h - lag] @ fit["a"][lag - 1] for lag in range(1, min(p, h) + 1)))
    sigma = fit["sigma"]
    impulse = {"orthogonal": np.linalg.cholesky(sigma), "generalised": sigma / np.sqrt(np.diag(sigma))}[kind]
    values = np.array([m @ impulse for m in phi])
    return (np.cumsum(values, axis=0) if cumulative else values).transpose(1, 0, 2)


def shares(fit, kind):
    explained = np.cumsum(responses(fit, kind, False) ** 2, axis=1)
    total = np.cumsum(responses(fit, "orthogonal", False) ** 2, axis=1).sum(axis=2, keepdims=True)
    return explained / total


def draw_noise(noise, resampling, block, random):
    n = len(noise)
    if resampling == "residual":
        return np.array([noise[random.index(n)] for _ in range(n)])
    if resampling == "wild":
        return np.array([random.sign() * row for row in noise])
    starts = n - block + 1
    centres = np.array([noise[place : place + starts].mean(axis=0) for place in range(block)])
    out = []
    while len(out) < n:
        start = random.index(starts)
        out.extend(noise[start : start + block] - centres)
    return np.array(out[:n])


def bands(y, p, resampling, block, statistic):
    fit = regress(y, list(range(p, len(y))), p)
    drawn = []
    for draw in range(DRAWS):
        u = draw_noise(fit["noise"], resampling, block, SplitMix(SEED, draw))
        path = list(y[:p])
        for row in u:
            path.append(fit["c"] + sum(fit["a"][lag - 1] @ path[-lag] for lag in range(1, p + 1)) + row)
        path = np.array(path)
        drawn.append(statistic(regress(path, list(range(p, len(path))), p)))
    tail = (1 - LEVEL) / 2
    return {"values": statistic(fit), "lo": np.quantile(drawn, tail, axis=0), "hi": np.quantile(drawn, 1 - tail, axis=0)}


def by_regime(y, p, variable, delay, threshold, size, histories, futures, draws):
    reach = max(p, delay)

    def split(sample):
        rows = [[], []]
        for t in range(reach, len(sample)):
            rows[int(sample[t - delay, variable] > threshold)].append(t)
        return rows, [regress(sample, own, p) for own in rows]

    def step(path, fits, share, shock):
        fit = fits[int(path[-delay][variable] > threshold)]
        row = fit["noise"][min(int(share * len(fit["noise"])), len(fit["noise"]) - 1)]
        path.append(fit["c"] + sum(fit["a"][lag - 1] @ path[-lag] for lag in range(1, p + 1)) + row + shock)

    def mean(sample, random):
        rows, fits = split(sample)
        k = sample.shape[1]
        out = np.zeros((2, k, HORIZON + 1, k))
        for regime in (0, 1):
            sigma = fits[regime]["sigma"]
            shocks = size * sigma / np.sqrt(np.diag(sigma))
            for _ in range(histories):
                start = rows[regime][random.index(len(rows[regime]))]
                for _ in range(futures):
                    shares_ = [random.uniform() for _ in range(HORIZON + 1)]
                    paths = []
                    for shock in [np.zeros(k), *shocks.T]:
                        path = list(sample[start - reach : start])
                        for h, share in enumerate(shares_):
                            step(path, fits, share, shock if h == 0 else 0.0)
                        paths.append(np.array(path[reach:]))
                    for j in range(k):
                        out[regime, :, :, j] += (paths[1 + j] - paths[0]).T / (histories * futures)
        return out

    rows, fits = split(y)
    drawn = []
    for draw in range(draws):
        random = SplitMix(SEED, draw)
        path = list(y[:reach])
        while len(path) < len(y):
            step(path, fits, random.uniform(), 0.0)
        drawn.append(mean(np.array(path), random))
    tail = (1 - LEVEL) / 2
    return {
        "variable": variable, "delay": delay, "threshold": threshold, "size": size, "histories": histories,
        "futures": futures, "draws": draws, "observations": [len(own) for own in rows],
        "values": mean(y, SplitMix(SEED, MASK - 1)),
        "lo": np.quantile(drawn, tail, axis=0), "hi": np.quantile(drawn, 1 - tail, axis=0),
    }


def searched(y, p, variable, delay):
    """The threshold of least sum of n log det S among 100 ranks of the middle 70 %."""
    levels = np.sort(y[max(p, delay) - delay : len(y) - delay, variable])
    best = None
    for step in range(100):
        value = levels[int((len(levels) - 1) * (0.15 + 0.7 * step / 99))]
        rows = [[], []]
        for t in range(max(p, delay), len(y)):
            rows[int(y[t - delay, variable] > value)].append(t)
        loss = sum(len(own) * np.log(np.linalg.det(regress(y, own, p)["sigma"])) for own in rows)
        if best is None or loss < best[0]:
            best = (loss, value)
    return best[1]


def main():
    y = np.round(luetkepohl(), 12)
    order = 2
    check = VAR(y).fit(order)
    mine = regress(y, list(range(order, len(y))), order)
    assert np.allclose(check.coefs, mine["a"]) and np.allclose(check.sigma_u, mine["sigma"])
    assert np.allclose(check.irf(HORIZON).orth_irfs.transpose(1, 0, 2), responses(mine, "orthogonal", False))
    assert np.allclose(check.fevd(HORIZON + 1).decomp, shares(mine, "orthogonal"))
    cases = []
    for resampling in ("residual", "wild", "block"):
        for statistic, impulse, cumulative in [
            ("responses", "generalised", False),
            ("responses", "orthogonal", True),
            ("variance_shares", "orthogonal", False),
            ("variance_shares", "generalised", False),
        ]:
            of = (lambda fit: responses(fit, impulse, cumulative)) if statistic == "responses" else (lambda fit: shares(fit, impulse))
            cases.append({
                "resampling": resampling, "statistic": statistic, "impulse": impulse, "cumulative": cumulative,
                "blockLength": 8, **bands(y, order, resampling, 8, of),
            })
    golden = {
        "generator": "test/reference/response_bands_golden.py",
        "versions": {"numpy": np.__version__, "statsmodels": statsmodels.__version__},
        "seed": SEED, "draws": DRAWS, "horizon": HORIZON, "level": LEVEL, "order": order,
        "rows": y.shape[0], "series": y.shape[1], "values": y, "cases": cases,
        "regimes": by_regime(y, 1, 1, 2, searched(y, 1, 1, 2), 1.5, 6, 3, 9),
    }
    OUT.write_text(json.dumps(plain(golden)) + "\n")


main()
