"""Golden values of the stationarity and collinearity tests, computed by statsmodels.

Writes packages/linear/test/golden/data_tests.json: four series of 300 values (seed below), their ADF and KPSS results, and
variance inflation factors and condition number of three correlated columns.
"""

import json
from pathlib import Path

import numpy as np
import statsmodels
from statsmodels.stats.outliers_influence import variance_inflation_factor
from statsmodels.tsa.stattools import adfuller, kpss

SEED = 20
LENGTH = 300
OUT = Path(__file__).parents[2] / "packages/linear/test/golden/data_tests.json"


def autoregression(rng, coefficient):
    x = np.zeros(LENGTH)
    for t in range(1, LENGTH):
        x[t] = coefficient * x[t - 1] + rng.standard_normal()
    return x


def tests(x):
    statistic, p, lags = adfuller(x, regression="c", autolag="AIC")[:3]
    k_statistic, k_p, k_lags = kpss(x, regression="c", nlags="auto")[:3]
    return {
        "values": x.round(6).tolist(),
        "adf": {"statistic": statistic, "pValue": p, "lags": int(lags)},
        "kpss": {"statistic": k_statistic, "pValue": k_p, "lags": int(k_lags)},
    }


def main():
    rng = np.random.default_rng(SEED)
    series = {
        "noise": rng.standard_normal(LENGTH),
        "persistent": autoregression(rng, 0.9),
        "walk": np.cumsum(rng.standard_normal(LENGTH)),
        "trend": 0.05 * np.arange(LENGTH) + autoregression(rng, 0.5),
    }
    common = rng.standard_normal(LENGTH)
    columns = np.column_stack([common + s * rng.standard_normal(LENGTH) for s in (0.2, 0.3, 2.0)]).round(6)
    exog = np.column_stack([np.ones(LENGTH), columns])
    z = (columns - columns.mean(0)) / columns.std(0)
    golden = {
        "generator": "test/reference/data_tests_golden.py",
        "versions": {"numpy": np.__version__, "statsmodels": statsmodels.__version__},
        "seed": SEED,
        "series": {name: tests(x.round(6)) for name, x in series.items()},
        "columns": columns.ravel().tolist(),
        "inflation": [variance_inflation_factor(exog, j) for j in (1, 2, 3)],
        "conditionNumber": float(np.linalg.cond(z)),
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
