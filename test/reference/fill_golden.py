"""Golden values of the paths from quarters to months, by dense matrices (Chow and Lin 1971) and by the package tempdisagg.

Writes packages/linear/test/golden/fill.json. The dense route builds the full covariance of the monthly residual, and
maximises the likelihood of the quarters over rho by scipy; nothing in it is a Kalman filter.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from tempdisagg.model.models_handler import ModelsHandler

SEED = 3
QUARTERS = 60
OUT = Path(__file__).parents[2] / "packages/linear/test/golden/fill.json"


def ties(value, observed, short):
    """[long][short], weights of the months in the observed quarters."""
    c = np.zeros((QUARTERS, short))
    for q in range(QUARTERS):
        c[q, 3 * q : 3 * q + 3] = {"mean": [1 / 3] * 3, "sum": [1] * 3, "last": [0, 0, 1]}[value]
    return c[observed]


def covariance(rho, short):
    t = np.arange(short)
    if rho == 1:
        return np.minimum.outer(t, t) + 1.0
    return rho ** np.abs(np.subtract.outer(t, t)) / (1 - rho**2)


def solve(y, x, c, rho):
    v = covariance(rho, x.shape[0])
    inner = c @ v @ c.T
    inverse = np.linalg.inv(inner)
    cx = c @ x
    beta = np.linalg.solve(cx.T @ inverse @ cx, cx.T @ inverse @ y)
    e = y - cx @ beta
    n = len(y)
    variance = e @ inverse @ e / n
    loglik = -0.5 * (n * (np.log(2 * np.pi * variance) + 1) + np.linalg.slogdet(inner)[1])
    return {"path": x @ beta + v @ c.T @ inverse @ e, "coefficients": beta, "logLikelihood": loglik}


def by_likelihood(y, x, c):
    grid = np.linspace(0, 0.999, 200)
    start = max(grid, key=lambda rho: solve(y, x, c, rho)["logLikelihood"])
    bounds = (max(0, start - 0.01), min(0.999, start + 0.01))
    rho = minimize_scalar(
        lambda r: -solve(y, x, c, r)["logLikelihood"], bounds=bounds, method="bounded", options={"xatol": 1e-10}
    ).x
    return {"rho": rho, **solve(y, x, c, rho)}


def by_package(y, x, c, rho):
    """Chow and Lin's path at a given rho, by tempdisagg."""
    models = ModelsHandler(rho_min=0, rho_max=0.999)
    # Its own preparation takes one regressor alone; its formulae take several.
    models.preprocess_inputs = lambda y, x, c: (y.reshape(-1, 1), x, c)
    return {"chowLin": models.chow_lin_estimation(y, x, c, rho)["y_hat"].ravel()}


def listed(result):
    return {key: v.tolist() if isinstance(v, np.ndarray) else v for key, v in result.items()}


def main():
    rng = np.random.default_rng(SEED)
    beyond = 2
    short = 3 * QUARTERS + beyond
    x = (100 + np.cumsum(0.3 + rng.standard_normal(short))).round(6)
    u = np.zeros(short)
    for t in range(1, short):
        u[t] = 0.8 * u[t - 1] + rng.standard_normal()
    monthly = 20 + 0.7 * x + u
    cases = {}
    for value in ("mean", "sum", "last"):
        observed = np.ones(QUARTERS, dtype=bool)
        observed[20] = value != "mean"
        y = (ties(value, np.ones(QUARTERS, dtype=bool), short) @ monthly).round(6)
        c = ties(value, observed, short)
        one = np.ones(short)
        given = [float(v) if o else None for v, o in zip(y, observed)]
        chow_lin = by_likelihood(y[observed], np.column_stack([one, x]), c)
        cases[value] = {
            "values": given,
            "package": listed(by_package(y[observed], np.column_stack([one, x]), c, chow_lin["rho"])),
            "chowLin": listed(chow_lin),
            "denton": listed(solve(y[observed], one[:, None], c, 1)),
            "drift": listed(solve(y[observed], np.column_stack([one, np.arange(short), x]), c, 1)),
            "driftAlone": listed(solve(y[observed], np.column_stack([one, np.arange(short)]), c, 1)),
        }
    golden = {
        "generator": "test/reference/fill_golden.py",
        "versions": {name: version(name) for name in ("numpy", "scipy", "tempdisagg")},
        "seed": SEED,
        "beyond": beyond,
        "indicator": x.tolist(),
        "cases": cases,
    }
    OUT.write_text(json.dumps(golden))
    print({k: (v["chowLin"]["rho"], v["chowLin"]["coefficients"]) for k, v in cases.items()})


if __name__ == "__main__":
    main()
