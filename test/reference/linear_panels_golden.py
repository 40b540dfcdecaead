"""Golden values on harder panels: more factors, missing data, unit roots, nearly collinear factors.

Usage: python test/reference/linear_panels_golden.py
Writes packages/kernel/test/golden/linear-panels.json. Regressions: statsmodels OLS and HAC on the Q of X = QR (it forms
(X'X)^-1, which would lose the square of the condition number). Autoregressions: statsmodels VAR where the design is well
conditioned; where it is not, least squares and the delta method written out in 50 digits (mpmath).
"""

import json
from pathlib import Path

import mpmath
import numpy as np
import statsmodels
import statsmodels.api as sm
from statsmodels.tsa.api import VAR

SEED = 20260401
OUT = Path(__file__).parents[2] / "packages" / "kernel" / "test" / "golden" / "linear-panels.json"
HORIZON = 6
DIGITS = 50


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (np.floating, float)):
        return None if np.isnan(value) else float(f"{value:.14g}")
    return int(value) if isinstance(value, np.integer) else value


def regression(rng, rows, factors, assets, persistence, near):
    """AR(1) factors (1 = random walks); with `near`, the last two are sums of others but for so much."""
    x = np.ones((rows, 1 + factors))
    for t in range(rows):
        x[t, 1:] = (persistence * x[t - 1, 1:] if t else 0) + rng.normal(size=factors)
    if near:
        x[:, -1] = x[:, 1] - x[:, 2] + near * rng.normal(size=rows)
        x[:, -2] = x[:, 3] + x[:, 4] + x[:, 1] + near * rng.normal(size=rows)
    noise = np.zeros((rows, assets))
    for t in range(rows):
        noise[t] = (0.4 * noise[t - 1] if t else 0) + (0.5 + 0.3 * abs(x[t, 1] - x[t - 1, 1])) * rng.normal(size=assets)
    y = 0.02 * (x @ rng.normal(size=(1 + factors, assets)) + noise)
    # Ten digits: what the file holds is what the reference saw.
    x, y = np.round(x, 10), np.round(y, 10)
    y[rng.random(y.shape) < 0.08] = np.nan
    y[: rows // 3, 1] = np.nan
    out = {"rows": rows, "columns": 1 + factors, "assets": assets, "design": x, "returns": y, "lags": 5}
    out |= {"coefficients": [], "condition": [], "homoscedastic": [], "hac": []}
    for asset in range(assets):
        seen = ~np.isnan(y[:, asset])
        q, r = np.linalg.qr(x[seen])
        back = np.linalg.inv(r)
        model = sm.OLS(y[seen, asset], q)
        out["condition"].append(np.linalg.cond(x[seen] / np.linalg.norm(x[seen], axis=0)))
        out["coefficients"].append(exact_least_squares(x[seen], y[seen, asset]) if near else back @ model.fit().params)
        hac = {"cov_type": "HAC", "cov_kwds": {"maxlags": 5, "use_correction": True}}
        for name, options in [("homoscedastic", {}), ("hac", hac)]:
            covariance = back @ model.fit(**options).cov_params() @ back.T
            out[name].append(np.sqrt(np.diag(covariance)))
    return out


def exact_least_squares(x, y):
    """(X'X)^-1 X'y in 50 digits."""
    mpmath.mp.dps = DIGITS
    design = mpmath.matrix(x.tolist())
    b = (design.T * design) ** -1 * (design.T * mpmath.matrix(y.tolist()))
    return np.array([float(value) for value in b])


def walks(rng, rows, k, near):
    """Two common random walks and stationary gaps; with `near`, the last series is the first less the second but for so much."""
    trend = np.cumsum(rng.normal(size=(rows, 2)), axis=0)
    gap = np.zeros((rows, k))
    for t in range(1, rows):
        gap[t] = 0.5 * gap[t - 1] + rng.normal(size=k)
    y = trend @ rng.normal(size=(2, k)) + gap
    if near:
        y[:, -1] = y[:, 0] - y[:, 1] + near * rng.normal(size=rows)
    return np.round(y, 10)


def autoregression(y, order):
    fit = VAR(y).fit(order)
    irf = fit.irf(HORIZON)
    z = np.column_stack([np.ones(len(y) - order)] + [y[order - lag : len(y) - lag] for lag in range(1, order + 1)])
    return {
        "rows": len(y), "series": y.shape[1], "order": order, "values": y,
        "condition": float(np.linalg.cond(z / np.linalg.norm(z, axis=0))),
        "largestRoot": 1 / np.min(np.abs(fit.roots)),
        "coefficients": fit.coefs, "intercept": fit.intercept, "residualCovariance": fit.sigma_u,
        "unit": irf.irfs, "unitErrors": irf.stderr(orth=False),
        "orthogonal": irf.orth_irfs, "orthogonalErrors": irf.stderr(orth=True),
    }


def exact_autoregression(y, order):
    """The same by mpmath, with generalised responses: those to one series alone are as ill-posed as the design squared."""
    mpmath.mp.dps = DIGITS
    rows, k = y.shape
    n, width = rows - order, 1 + k * order
    z = mpmath.matrix(n, width)
    target = mpmath.matrix(n, k)
    for t in range(n):
        z[t, 0] = 1
        for lag in range(1, order + 1):
            for j in range(k):
                z[t, 1 + (lag - 1) * k + j] = mpmath.mpf(float(y[order + t - lag, j]))
        for j in range(k):
            target[t, j] = mpmath.mpf(float(y[order + t, j]))
    inverse = (z.T * z) ** -1
    b = inverse * (z.T * target)
    u = target - z * b
    sigma = (u.T * u) / (n - width)
    a = [mpmath.matrix(k, k) for _ in range(order)]
    for lag in range(order):
        for i in range(k):
            for j in range(k):
                a[lag][i, j] = b[1 + lag * k + j, i]
    phi = [mpmath.eye(k)]
    for h in range(1, HORIZON + 1):
        phi.append(sum((phi[h - lag] * a[lag - 1] for lag in range(1, min(h, order) + 1)), mpmath.zeros(k, k)))
    companion = mpmath.zeros(k * order, k * order)
    for i in range(k * order):
        for j in range(k * order):
            companion[i, j] = a[j // k][i, j % k] if i < k else (1 if i == j + k else 0)
    powers = [mpmath.eye(k * order)]
    for _ in range(HORIZON):
        powers.append(companion * powers[-1])
    q = inverse[1:, 1:]
    # d response of i to j at h = sum_m (row i of Phi_m) dA (A^(h-1-m) J' e_j); Cov(dA) = Q x Sigma.
    impulse = mpmath.matrix(k, k)
    for i in range(k):
        for j in range(k):
            impulse[i, j] = sigma[i, j] / mpmath.sqrt(sigma[j, j])
    moved = [power[:, :k] * impulse for power in powers]
    errors = np.zeros((HORIZON + 1, k, k))
    for h in range(HORIZON + 1):
        for i in range(k):
            for j in range(k):
                # Phi_h Sigma e_j / sqrt(sigma_jj) and what the estimate of Sigma adds: (Phi S Phi' - response^2 / 2) / n.
                own = (phi[h][i, :] * impulse[:, j])[0]
                total = ((phi[h][i, :] * sigma * phi[h][i, :].T)[0] - own**2 / 2) / n
                for m in range(h):
                    for s in range(h):
                        left = (phi[m][i, :] * sigma * phi[s][i, :].T)[0]
                        right = (moved[h - 1 - m][:, j].T * q * moved[h - 1 - s][:, j])[0]
                        total += left * right
                errors[h, i, j] = float(mpmath.sqrt(total))
    scaled = np.array(z.tolist(), dtype=float)
    return {
        "rows": rows, "series": k, "order": order, "values": y,
        "condition": float(np.linalg.cond(scaled / np.linalg.norm(scaled, axis=0))),
        "largestRoot": float(max(abs(root) for root in mpmath.eig(companion, left=False, right=False))),
        "coefficients": [np.array(m.tolist(), dtype=float) for m in a],
        "intercept": [float(b[0, i]) for i in range(k)],
        "residualCovariance": np.array(sigma.tolist(), dtype=float),
        "generalised": [np.array((m * impulse).tolist(), dtype=float) for m in phi], "generalisedErrors": errors,
    }


def main():
    rng = np.random.default_rng(SEED)
    document = {
        "generator": "test/reference/linear_panels_golden.py",
        "versions": {"numpy": np.__version__, "statsmodels": statsmodels.__version__, "mpmath": mpmath.__version__},
        "seed": SEED, "horizon": HORIZON,
        "regressions": {
            "twelveFactors": regression(rng, 300, 12, 10, 0.5, None),
            "unitRoots": regression(rng, 240, 6, 6, 1.0, None),
            "nearlyCollinear": regression(rng, 200, 8, 5, 0.6, 1e-7),
        },
        "autoregressions": {
            "eightSeries": autoregression(walks(rng, 400, 8, None)[:, :8] * 0.1 + np.round(rng.normal(size=(400, 8)), 10), 3),
            "unitRoots": autoregression(walks(rng, 300, 4, None), 2),
            "nearlyCollinear": exact_autoregression(walks(rng, 160, 3, 1e-4), 2),
        },
    }
    OUT.write_text(json.dumps(plain(document), separators=(",", ":")) + "\n")
    for kind in ("regressions", "autoregressions"):
        for name, case in document[kind].items():
            print(name, "condition", f"{np.max(case['condition']):.1e}", "root", case.get("largestRoot"))


if __name__ == "__main__":
    main()
