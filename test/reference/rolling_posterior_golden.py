"""Golden numbers of rolling regressions shrunk to the cross-section: joint normals written out, by numpy and mpmath.

Run: python test/reference/rolling_posterior_golden.py > native/crates/linear/tests/golden/rolling_posterior.txt

A constant and two factors, seven assets with missing returns, one of which starts late; a window of 50 rows at two dates.
The constant is free. docs/methods/linear.md has the model; here nothing is simplified: beta, the asset's estimate and the
market's are one normal vector, conditioned on the last two in 50 digits: the flat prior of the constant leaves float64 six.
"""

import mpmath
import numpy as np
from scipy.optimize import brentq

SEED = 11
ROWS, COLUMNS, ASSETS, WINDOW = 130, 3, 7, 50
DATES = [79, 129]
FREE = [0]
FLAT = 1e4
MOST_CORRELATION = 0.99
DIGITS = 50


def world():
    """Betas around .5 with SD .2, residuals half common."""
    rng = np.random.default_rng(SEED)
    x = np.hstack([np.ones((ROWS, 1)), rng.standard_normal((ROWS, COLUMNS - 1))])
    beta = 0.5 + 0.2 * rng.standard_normal((COLUMNS, ASSETS))
    y = x @ beta + 0.7 * rng.standard_normal((ROWS, 1)) + rng.standard_normal((ROWS, ASSETS))
    y[rng.random(y.shape) < 0.08] = np.nan
    y[:45, 3] = np.nan
    return np.round(x, 12), np.round(y, 12)


def regression(x, y):
    """Coefficients, residuals, noise variance, (X'X)^-1."""
    b = np.linalg.lstsq(x, y, rcond=None)[0]
    e = y - x @ b
    return b, e, e @ e / (len(y) - x.shape[1]), np.linalg.inv(x.T @ x)


def paule_mandel(u, v, freedom):
    """Root of sum u^2 / (t + v) = freedom, or 0, and its standard error."""
    gap = lambda t: (u**2 / (t + v)).sum() - freedom
    t = brentq(gap, 0, 1e3, xtol=1e-15, rtol=1e-14) if gap(0) > 0 else 0.0
    return t, np.sqrt(2 / ((t + v) ** -2).sum())


def estimates(x, y, date):
    """Every asset's regression and the market's, on the rows of a window."""
    rows = np.arange(date - WINDOW + 1, date + 1)
    market = np.nanmean(y, axis=1)
    whole = regression(x[rows], market[rows])
    own = []
    for asset in range(ASSETS):
        seen = rows[~np.isnan(y[rows, asset])]
        own.append((regression(x[seen], y[seen, asset]), regression(x[seen], market[seen]), len(seen)))
    return whole, own


def spreads(whole, own):
    """tau2 and gamma2 with their errors."""
    u = np.array([b[0] - m[0] for b, m, _ in own])
    noise = np.array([((b[1] - m[1]) ** 2).sum() / (n - COLUMNS) * np.diag(b[3]) for b, m, n in own])
    tau2 = np.array([paule_mandel(u[:, j], noise[:, j], ASSETS - 1) for j in range(COLUMNS)])
    shrunk = [j for j in range(COLUMNS) if j not in FREE]
    sampling = whole[2] * np.diag(whole[3]) + tau2[:, 0] / ASSETS
    gamma2 = paule_mandel(whole[0][shrunk], sampling[shrunk], len(shrunk))
    return tau2, gamma2


def posterior(whole, one, tau2, gamma2):
    """Mean and variance of beta given the asset's and the market's estimates."""
    (b, e, s, inverse), (_, em, sm_own, _), n = one
    bm, _, sm, inverse_m = whole
    level = np.array([FLAT * (bm[j] ** 2 + sm * inverse_m[j, j]) if j in FREE else gamma2 for j in range(COLUMNS)])
    total, shared = np.diag(level + tau2), np.diag(level + tau2 / ASSETS)
    correlation = np.clip(e @ em / (n - COLUMNS) / np.sqrt(s * sm_own), -MOST_CORRELATION, MOST_CORRELATION)
    between = shared + correlation * np.sqrt(s * sm) * inverse_m
    seen = np.block([[total + s * inverse, between], [between.T, shared + sm * inverse_m]])
    with_beta = mpmath.matrix(np.hstack([total, shared]).tolist())
    gain = with_beta * mpmath.matrix(seen.tolist()) ** -1
    mean = gain * mpmath.matrix(np.concatenate([b, bm]).tolist())
    left = mpmath.matrix(total.tolist()) - gain * with_beta.T
    return np.array([float(m) for m in mean]), np.array([float(left[j, j]) for j in range(COLUMNS)])


if __name__ == "__main__":
    mpmath.mp.dps = DIGITS
    x, y = world()
    out = lambda label, values: print(label, *[f"{v:.17g}" for v in np.ravel(values)])
    print(f"# rolling_posterior_golden.py numpy {np.__version__} mpmath {mpmath.__version__} seed {SEED}")
    print("sizes", ROWS, COLUMNS, ASSETS, WINDOW)
    out("design", x)
    out("returns", y)
    for date in DATES:
        whole, own = estimates(x, y, date)
        tau2, gamma2 = spreads(whole, own)
        print("date", date)
        out("spreads", [*tau2[:, 0], gamma2[0]])
        for one in own:
            mean, _ = posterior(whole, one, tau2[:, 0], gamma2[0])
            other, variance = posterior(whole, one, tau2.sum(axis=1), sum(gamma2))
            out("posterior", [*mean, *(variance + (mean - other) ** 2)])
