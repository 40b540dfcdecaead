"""Golden values of vector autoregressions and principal components.

Usage: python test/reference/linear_factors_golden.py
Writes packages/kernel/test/golden/linear-factors.json. Reference: statsmodels VAR on its macrodata and on Luetkepohl's
West German data (e1), a larger random panel, principal components by numpy's SVD. Generalised responses and their
variances, which statsmodels lacks, are written out with duplication matrices.
"""

import json
from pathlib import Path

import numpy as np
import statsmodels
import statsmodels.api as sm
from statsmodels.tsa.api import VAR
from statsmodels.tsa.vector_ar import tests as vector_tests

SEED = 20260318
OUT = Path(__file__).parents[2] / "packages" / "kernel" / "test" / "golden" / "linear-factors.json"
HORIZON = 10


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
    return int(value) if isinstance(value, np.integer) else value


def luetkepohl():
    path = Path(vector_tests.__file__).parent / "results" / "e1.dat"
    lines = path.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "*/" in line) + 1
    rows = [[float(word) for word in line.split()] for line in lines[start:] if line.strip() and line.strip()[0].isdigit()]
    return np.diff(np.log(np.array(rows)), axis=0)[:75]


def macro():
    data = sm.datasets.macrodata.load_pandas().data[["realgdp", "realcons", "realinv"]]
    return np.diff(np.log(data.to_numpy()), axis=0)


def panel(rng, rows, k):
    shrink = 0.85 * np.linalg.qr(rng.normal(size=(k, k)))[0]
    y = np.zeros((rows, k))
    for t in range(2, rows):
        y[t] = shrink @ y[t - 1] * 0.7 + 0.2 * y[t - 2] + rng.normal(size=k) * (1 + np.arange(k))
    return y


def generalised(fit, horizon):
    """Responses Phi_h Sigma e_j / sqrt(sigma_jj) and standard errors by the delta method, everything dense."""
    k, p, n = fit.neqs, fit.k_ar, fit.nobs
    phi, sigma = fit.ma_rep(horizon), np.asarray(fit.sigma_u)
    values = np.stack([m @ sigma / np.sqrt(np.diag(sigma)) for m in phi])
    z = np.linalg.inv(fit.endog_lagged.T @ fit.endog_lagged)[1:, 1:]
    cov_a = np.kron(z, sigma)
    companion = np.zeros((k * p, k * p))
    companion[:k] = np.hstack(fit.coefs)
    companion[k:, : k * (p - 1)] = np.eye(k * (p - 1))
    powers = [np.linalg.matrix_power(companion, i)[:, :k] for i in range(horizon + 1)]
    cov_sigma = np.zeros((k * k, k * k))
    for a in range(k * k):
        for b in range(k * k):
            i, j, u, v = a % k, a // k, b % k, b // k
            cov_sigma[a, b] = (sigma[i, u] * sigma[j, v] + sigma[i, v] * sigma[j, u]) / n
    variance = np.zeros((horizon + 1, k, k))
    for h in range(horizon + 1):
        # vec(d Phi_h) = G vec(dA), columns stacked.
        g = sum((np.kron(powers[h - 1 - m].T, phi[m]) for m in range(h)), np.zeros((k * k, k * k * p)))
        for shock in range(k):
            s = sigma[:, shock] / np.sqrt(sigma[shock, shock])
            through = np.kron(s[None, :], np.eye(k)) @ g
            # d s = dSigma e / sqrt(sigma) - s dsigma / (2 sigma)
            select = np.zeros((k, k * k))
            select[:, shock * k : (shock + 1) * k] = np.eye(k) / np.sqrt(sigma[shock, shock])
            select[:, shock * k + shock] -= s / (2 * sigma[shock, shock])
            direct = phi[h] @ select
            total = through @ cov_a @ through.T + direct @ cov_sigma @ direct.T
            variance[h, :, shock] = np.diag(total)
    return values, np.sqrt(variance)


def case(y, order, max_order, tests):
    # Rounded before use, so that the file holds exactly what the reference saw.
    y = np.round(y, 12)
    fit = VAR(y).fit(order)
    chosen = VAR(y).select_order(max_order, trend="c")
    irf = fit.irf(HORIZON)
    values, errors = generalised(fit, HORIZON)
    design = np.column_stack([y[order - lag : len(y) - lag] for lag in range(1, order + 1)])
    scaled = np.column_stack([np.ones(len(design)), design])
    return {
        "rows": y.shape[0], "series": y.shape[1], "order": order, "maxOrder": max_order, "values": y,
        "condition": float(np.linalg.cond(scaled / np.linalg.norm(scaled, axis=0))),
        "criteria": {name: chosen.ics[key] for name, key in [("aic", "aic"), ("bic", "bic"), ("hq", "hqic")]},
        "selected": {name: chosen.selected_orders[key] for name, key in [("aic", "aic"), ("bic", "bic"), ("hq", "hqic")]},
        "intercept": fit.intercept, "coefficients": fit.coefs, "residualCovariance": fit.sigma_u,
        "standardErrors": fit.stderr,
        "largestRoot": 1 / np.min(np.abs(fit.roots)),
        "unit": irf.irfs, "unitErrors": irf.stderr(orth=False),
        "orthogonal": irf.orth_irfs, "orthogonalErrors": irf.stderr(orth=True),
        "generalised": values, "generalisedErrors": errors,
        "cumulative": irf.orth_cum_effects, "cumulativeErrors": irf.cum_effect_stderr(orth=True),
        "decomposition": fit.fevd(HORIZON).decomp,
        "granger": [
            {"causing": causing, "caused": caused, "f": test.test_statistic, "pValue": test.pvalue}
            for causing, caused in tests
            for test in [fit.test_causality(caused, causing, kind="f")]
        ],
    }


def components(rng, rows, series, k):
    loadings = rng.normal(size=(series, k)) * np.linspace(2, 0.7, k)
    x = rng.normal(size=(rows, k)) @ loadings.T + rng.normal(size=(rows, series))
    x = np.round(x, 10)
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    u, s, vt = np.linalg.svd(z, full_matrices=False)
    most = k + 4
    total = np.sum(z**2)
    t, n = rows, series
    penalties = [
        (n + t) / (n * t) * np.log(n * t / (n + t)),
        (n + t) / (n * t) * np.log(min(n, t)),
        np.log(min(n, t)) / min(n, t),
    ]
    spread = [np.log((total - np.sum(s[:m] ** 2)) / (n * t)) for m in range(most + 1)]
    return {
        "rows": rows, "series": series, "components": k, "maxComponents": most, "values": x,
        "eigenvalues": s**2 / (rows - 1),
        "common": (u[:, :k] * s[:k]) @ vt[:k],
        "criteria": [[v + m * g for m, v in enumerate(spread)] for g in penalties],
    }


def main():
    rng = np.random.default_rng(SEED)
    document = {
        "generator": "test/reference/linear_factors_golden.py",
        "versions": {"numpy": np.__version__, "statsmodels": statsmodels.__version__},
        "seed": SEED, "horizon": HORIZON,
        "macrodata": case(macro(), 2, 8, [([0], [1]), ([1, 2], [0])]),
        "luetkepohl": case(luetkepohl(), 2, 4, [([0], [1, 2])]),
        "panel": case(panel(rng, 160, 5), 3, 6, [([0, 4], [1, 2])]),
        "tall": components(rng, 90, 20, 3),
        "wide": components(rng, 25, 40, 2),
    }
    OUT.write_text(json.dumps(plain(document), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
