"""Golden values of static regressions: covariances, weights, shrinkage paths, asset pricing.

Usage: python test/reference/linear_static_golden.py
Writes packages/kernel/test/golden/linear-static.json. Reference: statsmodels (OLS, WLS), scikit-learn (elastic net,
ridge, partial least squares, principal components), linearmodels (Fama-MacBeth); formulae written out where no package
has them (Andrews' bandwidth, Shanken's correction, GRS).
"""

import json
from pathlib import Path

import linearmodels
import numpy as np
import pandas as pd
import sklearn
import statsmodels
import statsmodels.api as sm
from statsmodels.multivariate.manova import MANOVA
from linearmodels.asset_pricing import LinearFactorModel
from linearmodels.panel import FamaMacBeth
from scipy import stats
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import ElasticNet, ElasticNetCV, LinearRegression, Ridge
from sklearn.model_selection import KFold, cross_val_score

SEED = 20260317
OUT = Path(__file__).parents[2] / "packages" / "kernel" / "test" / "golden" / "linear-static.json"


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (np.floating, float)):
        # 14 digits: four more than any tolerance asks for.
        return None if np.isnan(value) else float(f"{value:.14g}")
    return value


def world(rng, rows, columns, assets, near=None):
    """Constant and AR(1) regressors; autocorrelated heteroscedastic noise."""
    x = np.ones((rows, columns))
    for t in range(rows):
        x[t, 1:] = (0.6 * x[t - 1, 1:] if t else 0) + rng.normal(size=columns - 1)
    if near is not None:
        x[:, -1] = x[:, 1] - x[:, 2] + near * rng.normal(size=rows)
    noise = np.zeros((rows, assets))
    for t in range(rows):
        noise[t] = (0.4 * noise[t - 1] if t else 0) + (0.5 + 0.5 * abs(x[t, 1])) * rng.normal(size=assets)
    beta = rng.normal(size=(columns, assets)) * (rng.random((columns, assets)) < 0.7)
    # Rounded before use, so that the file holds exactly what the reference saw.
    x = np.round(x, 10)
    return x, np.round(0.02 * (x @ beta + noise), 12)


def andrews_covariance(x, e, n, k):
    """Bartlett HAC with Andrews' (1991) AR(1) bandwidth, written out densely; the constant's score has weight 0."""
    u = x * e[:, None]
    above = below = 0.0
    for j in range(1, k):
        a, b = u[:-1, j], u[1:, j]
        rho = np.clip(a @ b / (a @ a), -0.97, 0.97)
        s4 = (np.sum((b - rho * a) ** 2) / (n - 1)) ** 2
        above += 4 * rho**2 * s4 / ((1 - rho) ** 6 * (1 + rho) ** 2)
        below += s4 / (1 - rho) ** 4
    bandwidth = max(1.1447 * (above / below * n) ** (1 / 3), 1)
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    kernel = np.maximum(0, 1 - lag / bandwidth)
    bread = np.linalg.inv(x.T @ x)
    return bread @ (u.T @ kernel @ u) @ bread * n / (n - k), bandwidth


def covariances(x, y, clusters, weights):
    out = {"coefficients": [], "weighted": {"coefficients": [], "hc1": []}}
    kinds = ["hc0", "hc1", "hc2", "hc3", "clustered", "clusteredLarge", "andrews"]
    out.update({kind: [] for kind in kinds})
    out["clusteredP"] = []
    n, k = x.shape
    for asset in range(y.shape[1]):
        model = sm.OLS(y[:, asset], x)
        fit = model.fit(method="qr")
        out["coefficients"].append(fit.params)
        for kind in ["hc0", "hc1", "hc2", "hc3"]:
            out[kind].append(model.fit(method="qr", cov_type=kind.upper()).cov_params())
        options = {"groups": clusters, "use_correction": True, "df_correction": True}
        clustered = model.fit(method="qr", cov_type="cluster", cov_kwds=options, use_t=True)
        out["clustered"].append(clustered.cov_params())
        out["clusteredP"].append(clustered.pvalues)
        options = {"groups": clusters, "use_correction": False}
        out["clusteredLarge"].append(model.fit(method="qr", cov_type="cluster", cov_kwds=options).cov_params())
        out["andrews"].append(andrews_covariance(x, fit.resid, n, k)[0])
        weighted = sm.WLS(y[:, asset], x, weights=weights)
        out["weighted"]["coefficients"].append(weighted.fit(method="qr").params)
        out["weighted"]["hc1"].append(weighted.fit(method="qr", cov_type="HC1").cov_params())
    return out


def full(model):
    return np.concatenate([np.ravel(model.intercept_), np.ravel(model.coef_)])


def centred(model, features, target):
    """PLSRegression's intercept_ is the mean of the response: its inputs are centred."""
    b = np.ravel(model.coef_)
    return np.concatenate([[target.mean() - features.mean(axis=0) @ b], b])


def paths(x, y, folds):
    """Coefficients with the constant first; the constant is not shrunk."""
    features = x[:, 1:]
    n = len(x)
    alphas = [0.02, 0.005, 0.0008, 0.0001]
    split = KFold(folds)
    out = {"alphas": alphas, "folds": folds, "lasso": [], "elasticNet": [], "ridge": [], "automatic": []}
    out.update({"leastSquares": [], "principal": [], "principalErrors": [], "directions": None})
    directions = PCA().fit(features).components_
    out["directions"] = directions
    for asset in range(y.shape[1]):
        target = y[:, asset]
        exact = {"tol": 1e-15, "max_iter": 10**6}
        out["lasso"].append([full(ElasticNet(alpha=a, l1_ratio=1, **exact).fit(features, target)) for a in alphas])
        out["elasticNet"].append([full(ElasticNet(alpha=a, l1_ratio=0.4, **exact).fit(features, target)) for a in alphas])
        out["ridge"].append([full(Ridge(alpha=n * a, solver="svd").fit(features, target)) for a in alphas])
        chosen = ElasticNetCV(l1_ratio=0.7, alphas=20, eps=1e-3, cv=split, **exact).fit(features, target)
        out["automatic"].append({"alphas": chosen.alphas_, "errors": chosen.mse_path_.mean(axis=1), "alpha": chosen.alpha_})
        counts = range(1, features.shape[1] + 1)
        out["leastSquares"].append(
            [centred(PLSRegression(n_components=m, scale=False, tol=1e-15).fit(features, target), features, target) for m in counts]
        )
        own, errors = [], []
        for m in counts:
            scores = features @ directions[:m].T
            fit = LinearRegression().fit(scores, target)
            own.append(np.concatenate([[fit.intercept_], directions[:m].T @ fit.coef_]))
            errors.append(-cross_val_score(LinearRegression(), scores, target, cv=split, scoring="neg_mean_squared_error").mean())
        out["principal"].append(own)
        out["principalErrors"].append(errors)
    return out


def pricing(rng, rows, assets, k):
    factors = np.round(0.005 + 0.04 * rng.normal(size=(rows, k)), 10)
    betas = 1 + 0.5 * rng.normal(size=(assets, k))
    returns = np.round(0.001 + factors @ betas.T + 0.02 * rng.normal(size=(rows, assets)), 10)
    design = sm.add_constant(factors)
    fit = np.linalg.lstsq(design, returns, rcond=None)[0]
    beta, alpha = fit[1:].T, fit[0]
    residuals = returns - design @ fit
    index = pd.MultiIndex.from_product([range(assets), pd.date_range("2000-01-31", periods=rows, freq="ME")])
    frame = pd.DataFrame({"r": returns.T.ravel(), "const": 1.0}, index=index)
    names = [f"b{j}" for j in range(k)]
    for j, name in enumerate(names):
        frame[name] = np.repeat(beta[:, j], rows)
    second = FamaMacBeth(frame.r, frame[["const", *names]]).fit(cov_type="robust", debiased=False)
    a = np.column_stack([np.ones(assets), beta])
    premia = np.linalg.lstsq(a, returns.mean(axis=0), rcond=None)[0]
    w = np.linalg.pinv(a)
    s = residuals.T @ residuals / rows
    omega = np.cov(factors.T, bias=True).reshape(k, k)
    correction = 1 + premia[1:] @ np.linalg.solve(omega, premia[1:])
    prices = np.zeros((k + 1, k + 1))
    prices[1:, 1:] = omega
    mean = factors.mean(axis=0)
    f = (rows - assets - k) / assets * (alpha @ np.linalg.solve(s, alpha)) / (1 + mean @ np.linalg.solve(omega, mean))
    assets_and_factors = pd.DataFrame(np.column_stack([returns, factors]), columns=[f"r{i}" for i in range(assets)] + names)
    # The F of Hotelling and Lawley for "all constants are 0" is the test of Gibbons, Ross and Shanken.
    formula = " + ".join(f"r{i}" for i in range(assets)) + " ~ " + " + ".join(names)
    constants = MANOVA.from_formula(formula, assets_and_factors).mv_test([("constant", np.eye(1, k + 1))])
    hotelling = constants.results["constant"]["stat"].loc["Hotelling-Lawley trace"]
    # Moment conditions of both passes at once: asymptotically Shanken's covariance where noise is alike at all dates.
    gmm = LinearFactorModel(assets_and_factors[[f"r{i}" for i in range(assets)]], assets_and_factors[names], risk_free=True)
    gmm = gmm.fit(cov_type="robust", debiased=False)
    return {
        "package": {
            "f": float(hotelling["F Value"]), "pValue": float(hotelling["Pr > F"]),
            "premia": gmm.risk_premia.to_numpy(), "errors": np.sqrt(np.diag(gmm.cov))[-k - 1 :],
        },
        "rows": rows, "assets": assets, "factorCount": k, "returns": returns, "factors": factors,
        "betas": beta, "premia": second.params.to_numpy(),
        # linearmodels divides by T; the covariance of a mean by T - 1.
        "covariance": second.cov.to_numpy() * rows / (rows - 1),
        "shanken": (w @ s @ w.T * correction + prices) / rows,
        "pricingErrors": returns.mean(axis=0) - a @ premia,
        "grs": {"f": f, "pValue": stats.f.sf(f, assets, rows - assets - k)},
    }


def main():
    rng = np.random.default_rng(SEED)
    x, y = world(rng, 132, 5, 3)
    xn, yn = world(rng, 110, 5, 2, near=1e-5)
    clusters = np.arange(132) // 6
    weights = np.round(0.2 + rng.random(132), 6)
    xs, ys = world(rng, 103, 8, 3)
    document = {
        "generator": "test/reference/linear_static_golden.py",
        "versions": {
            "numpy": np.__version__, "statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__,
            "linearmodels": linearmodels.__version__,
        },
        "seed": SEED,
        "covariances": {"design": x, "returns": y, "clusters": clusters, "weights": weights, **covariances(x, y, clusters, weights)},
        "paths": {"design": xs, "returns": ys, **paths(xs, ys, 5)},
        "nearCollinear": {"design": xn, "returns": yn, "condition": float(np.linalg.cond(xn / np.linalg.norm(xn, axis=0))),
                          "ordinary": [sm.OLS(yn[:, a], xn).fit(method="qr").params for a in range(2)]},
        "pricing": pricing(rng, 240, 12, 3),
    }
    OUT.write_text(json.dumps(plain(document), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
