"""Golden numbers of threshold regressions: least squares over a grid, Hansen's (2000) interval, by plain numpy.

Run: python test/reference/threshold_golden.py > native/crates/linear/tests/golden/threshold.txt

Three cases: simulated, with missing returns and noise that grows with the variable, two assets; slopes that change at two
values of the variable, so that the set of thresholds falls apart; and the logarithm of the
Canadian lynx trappings 1821-1934 (Campbell and Walker 1977), regressed on its two values before and split by the older
of them, for which R's tsDyn prints the threshold 3.31 and .588436 1.264279 -.428429 below, 1.165692 1.599254 -1.011575
above.
"""

import numpy as np

SEED = 5
TRIMMING = 0.15
CONFIDENCE = 0.9

LYNX = """269 321 585 871 1475 2821 3928 5943 4950 2577 523 98 184 279 409 2285 2685 3409 1824 409 151 45 68 213 546 1033 2129
2536 957 361 377 225 360 731 1638 2725 2871 2119 684 299 236 245 552 1623 3311 6721 4254 687 255 473 358 784 1594 1676
2251 1426 756 299 201 229 469 736 2042 2811 4431 2511 389 73 39 49 59 188 377 1292 4031 3495 587 105 153 387 758 1307
3465 6991 6313 3794 1836 345 382 808 1388 2713 3800 3091 2985 3790 674 81 80 108 229 399 1132 2432 3574 2935 1537 529
485 662 1000 1590 2657 3396"""


def squares(x, y):
    """Residual sum of squares and residuals."""
    e = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return e @ e, e


def grid(q):
    """Distinct values that leave the trimmed share on either side."""
    least = int(np.ceil(TRIMMING * len(q)))
    return [g for g in np.unique(q) if (q <= g).sum() >= least and (q > g).sum() >= least]


def search(x, y, q, points):
    """Threshold, Wald statistic and the ends of the region's parts, of one asset."""
    n, k = x.shape
    whole, _ = squares(x, y)
    split = lambda g: np.hstack([x * (q <= g)[:, None], x * (q > g)[:, None]])
    apart = np.array([squares(split(g), y)[0] for g in points])
    best = int(np.argmin(apart))
    design = split(points[best])
    b = np.linalg.lstsq(design, y, rcond=None)[0]
    e = y - design @ b
    moved = x @ (b[:k] - b[k:])
    width = 2.34 * q.std() * n**-0.2
    u = (q - points[best]) / width
    weight = np.where(abs(u) < 1, 1 - u**2, 0)
    variance = apart[best] / n
    # All rows and 1 are floors: the estimate lies where the data fit best, so that rows around it look too quiet.
    noisier = lambda weight: (weight * (moved * e) ** 2).sum() / (weight * moved**2).sum() / variance
    inflation = max(noisier(weight), noisier(1.0), 1.0)
    inside = (apart - apart[best]) / variance <= -2 * np.log(1 - np.sqrt(CONFIDENCE)) * inflation
    inside[best] = True
    wald = (n - 2 * k) * (whole - apart[best]) / apart[best]
    # Rows split alike up to the next value; values side by side make one part.
    at = np.flatnonzero(inside)
    runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    ends = [[points[run[0]], points[min(run[-1] + 1, len(points) - 1)]] for run in runs]
    return [points[best], wald, *np.ravel(ends)]


def emit(name, x, y, q):
    """One case: its numbers as lines of text, 17 digits."""
    out = lambda label, values: print(label, *[f"{v:.17g}" for v in np.ravel(values)])
    print(name, *x.shape, y.shape[1])
    out("design", x)
    out("returns", y)
    out("variable", q)
    points = grid(q)
    for asset in range(y.shape[1]):
        seen = ~np.isnan(y[:, asset])
        out("fit", search(x[seen], y[seen, asset], q[seen], points))


def simulated():
    """Slopes of two regressors change at q = .3; assets miss different rows."""
    rng = np.random.default_rng(SEED)
    rows = 160
    x = np.hstack([np.ones((rows, 1)), rng.standard_normal((rows, 2))])
    q = 0.5 * x[:, 1] + rng.standard_normal(rows)
    lower = np.array([[0.1, 0.5, -0.4], [0.0, 0.3, 0.8]])
    upper = np.array([[0.3, -0.5, 0.6], [0.2, -0.6, 0.1]])
    noise = (0.6 + 0.3 * abs(q))[:, None] * rng.standard_normal((rows, 2))
    y = np.where(q[:, None] <= 0.3, x @ lower.T, x @ upper.T) + noise
    y[rng.random((rows, 2)) < 0.1] = np.nan
    return x, y, q


def twice():
    """A slope that rises at q = -.6 and falls back at q = .6."""
    rng = np.random.default_rng(SEED + 1)
    rows = 180
    x = np.hstack([np.ones((rows, 1)), rng.standard_normal((rows, 1))])
    q = rng.standard_normal(rows)
    slope = np.where(abs(q) < 0.6, 0.7, 0.0)
    return x, (slope * x[:, 1] + rng.standard_normal(rows))[:, None], q


if __name__ == "__main__":
    print(f"# threshold_golden.py numpy {np.__version__} seed {SEED}")
    emit("simulated", *simulated())
    lynx = np.log10(np.array(LYNX.split(), float))
    y = lynx[2:]
    x = np.column_stack([np.ones(len(y)), lynx[1:-1], lynx[:-2]])
    emit("twice", *twice())
    emit("lynx", x, y[:, None], lynx[:-2])
