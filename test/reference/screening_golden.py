"""Reference values for packages/exposure/test/added-variable.test.ts and false-discovery.test.ts.

The added variable's coefficient and HAC variance come from statsmodels; the bias of that variance and Satterthwaite's
degrees of freedom from the dense matrices of their definition. Adjusted p-values come from statsmodels.

Run: python test/reference/screening_golden.py   (numpy, scipy, statsmodels; writes packages/exposure/test/golden/)
"""

import json
from pathlib import Path

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

SEED = 20
rng = np.random.default_rng(SEED)
GOLDEN = Path(__file__).parents[2] / "packages/exposure/test/golden"


def added_variable(rows, controls, lags):
    x = np.column_stack([np.ones(rows), rng.normal(size=(rows, controls)).cumsum(axis=0)])
    w = rng.normal(size=rows).cumsum() * 0.3 + rng.normal(size=rows) + 0.2 * x[:, 1]
    y = 0.4 * x[:, 1] + 0.05 * w + rng.standard_t(5, size=rows)
    fit = sm.OLS(y, np.column_stack([x, w])).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    project = lambda m: m @ np.linalg.solve(m.T @ m, m.T)
    left = w - project(x) @ w
    lag = np.abs(np.subtract.outer(np.arange(rows), np.arange(rows)))
    band = np.clip(1 - lag / (lags + 1), 0, None)
    form = left[:, None] * band * left[None, :]
    residual_maker = np.eye(rows) - project(np.column_stack([x, w]))
    trace = np.trace(residual_maker @ form @ residual_maker)
    variance = fit.cov_params()[-1, -1] * (left @ left) / trace
    degrees = np.trace(form) ** 2 / np.trace(form @ form)
    statistic = fit.params[-1] / np.sqrt(variance)
    return {
        "controls": x.T.tolist(),
        "regressor": w.tolist(),
        "returns": y.tolist(),
        "lags": lags,
        "coefficient": fit.params[-1],
        "statistic": statistic,
        "degreesOfFreedom": degrees,
        "pValue": 2 * stats.t.sf(abs(statistic), degrees),
    }


def discoveries():
    p = np.concatenate([rng.uniform(size=40), stats.norm.sf(rng.normal(3, 1, size=20)) * 2]).clip(0, 1)
    q = 0.1
    return {
        "pValues": p.tolist(),
        "q": q,
        "yekutieli": multipletests(p, q, "fdr_by")[1].tolist(),
        "adaptive": multipletests(p, q, "fdr_tsbky", maxiter=1)[0].astype(int).tolist(),
    }


GOLDEN.mkdir(exist_ok=True)
(GOLDEN / "screen.json").write_text(
    json.dumps(
        {
            "generator": "test/reference/screening_golden.py",
            "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
            "seed": SEED,
            "addedVariables": [added_variable(60, 2, 3), added_variable(90, 4, 0), added_variable(120, 3, 6)],
            "discoveries": discoveries(),
        }
    )
    + "\n"
)
