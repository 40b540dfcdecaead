"""Golden values of the traditional regressions, from statsmodels.

Usage: python test/reference/linear_golden.py
Writes packages/kernel/test/golden/linear.json. Missing values are null.
"""

import json
import math
from pathlib import Path

import numpy as np
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.regression.rolling import RollingOLS

SEED = 20260105
OUT = Path(__file__).parents[2] / "packages" / "kernel" / "test" / "golden" / "linear.json"


def plain(values):
    """Nested lists with null for NaN."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, list):
        return [plain(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values


def panel(rng, rows, columns, assets, near=None, persistence=0.6):
    """AR(1) regressors after a constant; autocorrelated, heteroscedastic noise; holes and a late starter."""
    x = np.zeros((rows, columns))
    x[:, 0] = 1
    for t in range(rows):
        before = x[t - 1, 1:] if t else 0
        x[t, 1:] = persistence * before + rng.normal(size=columns - 1)
    if near is not None:
        x[:, -1] = x[:, 1] - x[:, 2] + near * rng.normal(size=rows)
    noise = np.zeros((rows, assets))
    for t in range(rows):
        before = noise[t - 1] if t else 0
        noise[t] = 0.3 * before + (0.5 + 0.5 * abs(x[t, 1])) * rng.normal(size=assets)
    y = 0.02 * (x @ rng.normal(size=(columns, assets)) + noise)
    y[rng.random(y.shape) < 0.05] = np.nan
    y[: rows // 4, 1] = np.nan
    y[:, 0] = np.where(np.isnan(y[:, 0]), 0.01, y[:, 0])
    return x, y


def case(x, y, **rest):
    return {"rows": len(x), "columns": x.shape[1], "assets": y.shape[1], "design": x, "returns": y, **rest}


def static(x, y, lags, orthogonal=False):
    """Coefficients, covariances and p-values [asset]... for several covariance estimators.

    statsmodels forms (X'X)^-1 and loses the square of the condition number in a HAC covariance; `orthogonal` has it
    work on the Q of X = QR and maps the result back, b = R^-1 g, cov = R^-1 C R^-T.
    """
    out = {"lags": lags, "coefficients": [], "condition": []}
    variants = {
        "homoscedastic": {},
        "hac": {"cov_type": "HAC", "cov_kwds": {"maxlags": lags, "use_correction": False}},
        "hacSmallSample": {"cov_type": "HAC", "cov_kwds": {"maxlags": lags, "use_correction": True}},
        "hacAutomatic": {"cov_type": "HAC", "cov_kwds": {}},
    }
    for name in variants:
        out[name] = {"covariance": [], "pValues": []}
    for asset in range(y.shape[1]):
        rows = ~np.isnan(y[:, asset])
        back = np.eye(x.shape[1])
        design = x[rows]
        if orthogonal:
            design, r = np.linalg.qr(x[rows])
            back = np.linalg.inv(r)
        model = sm.OLS(y[rows, asset], design)
        scaled = x[rows] / np.linalg.norm(x[rows], axis=0)
        out["condition"].append(np.linalg.cond(scaled))
        out["coefficients"].append(back @ model.fit().params)
        for name, options in variants.items():
            if name == "hacAutomatic":
                automatic = int(np.floor(4 * (rows.sum() / 100) ** (2 / 9)))
                options = {"cov_type": "HAC", "cov_kwds": {"maxlags": automatic, "use_correction": False}}
            use_t = name in ("homoscedastic", "hacSmallSample")
            fit = model.fit(use_t=use_t, **options)
            covariance = back @ fit.cov_params() @ back.T
            t = back @ fit.params / np.sqrt(np.diag(covariance))
            out[name]["covariance"].append(covariance)
            out[name]["pValues"].append(2 * (stats.t.sf(abs(t), fit.df_resid) if use_t else stats.norm.sf(abs(t))))
    return {key: plain_tree(value) for key, value in out.items()}


def plain_tree(value):
    if isinstance(value, dict):
        return {key: plain_tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_tree(item) for item in value]
    return plain(value) if isinstance(value, np.ndarray) else plain(float(value)) if isinstance(value, float) else value


def rolling(x, y, window, minimum):
    """[asset][row][column] coefficients and standard errors, each window an OLS of its own."""
    rows, assets = y.shape
    b = np.full((assets, rows, x.shape[1]), np.nan)
    se = b.copy()
    for asset in range(assets):
        for t in range(rows):
            used = np.arange(max(0, t - window + 1), t + 1)
            used = used[~np.isnan(y[used, asset])]
            if len(used) >= minimum:
                fit = sm.OLS(y[used, asset], x[used]).fit()
                b[asset, t], se[asset, t] = fit.params, fit.bse
    return b, se


def rolling_statsmodels(x, y, window):
    fit = RollingOLS(y, x, window=window).fit()
    return fit.params, fit.bse


def weighted(x, y, half_life, rows_at):
    """EWM least squares by its dense definition: coefficients, and variances under equal noise at every row."""
    b, variance, df = [], [], []
    for asset in range(y.shape[1]):
        for t in rows_at:
            used = np.arange(t + 1)
            used = used[~np.isnan(y[used, asset])]
            w = 0.5 ** ((t - used) / half_life)
            xs, ys = x[used], y[used, asset]
            fit = sm.WLS(ys, xs, weights=w).fit(method="qr")
            projection = np.linalg.solve(xs.T @ (w[:, None] * xs), (w[:, None] * xs).T)
            maker = np.eye(len(used)) - xs @ projection
            quadratic = maker.T @ np.diag(w) @ maker
            residual = maker @ ys
            s2 = (w * residual**2).sum() / np.trace(quadratic)
            b.append(fit.params)
            variance.append(s2 * (projection**2).sum(axis=1))
            df.append(np.trace(quadratic) ** 2 / np.trace(quadratic @ quadratic))
    shape = (y.shape[1], len(rows_at), x.shape[1])
    return np.reshape(b, shape), np.reshape(variance, shape), np.reshape(df, shape[:2])


def main():
    rng = np.random.default_rng(SEED)
    x, y = panel(rng, 120, 5, 4)
    xc, yc = panel(rng, 90, 4, 3, near=1e-5)
    xr, yr = panel(rng, 70, 3, 3)
    xn, yn = panel(rng, 60, 4, 3, near=1e-4)
    b, se = rolling(xr, yr, 24, 18)
    bn, sen = rolling(xn, yn, 24, 20)
    bs, ses = rolling_statsmodels(xr, yr[:, 0], 24)
    rows_at = [30, 47, 69]
    be, ve, dfe = weighted(xr, yr, 20.0, rows_at)
    document = {
        "generator": "test/reference/linear_golden.py",
        "versions": {"numpy": np.__version__, "statsmodels": statsmodels.__version__},
        "seed": SEED,
        "static": case(x, y, **static(x, y, 4)),
        "nearCollinear": case(xc, yc, **static(xc, yc, 3, orthogonal=True)),
        "rolling": case(xr, yr, window=24, minObservations=18, coefficients=b, standardErrors=se),
        "rollingNearCollinear": case(xn, yn, window=24, minObservations=20, coefficients=bn, standardErrors=sen),
        "rollingOls": {"coefficients": bs, "standardErrors": ses},
        "weighted": {"halfLife": 20.0, "rows": rows_at, "coefficients": be, "variances": ve, "degreesOfFreedom": dfe},
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(plain_tree(document), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
