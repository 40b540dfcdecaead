"""What could make shrunk, exponentially weighted betas of weekly stocks hedge better: one line a variant.

`MACROGRAD_DATA=<folder> python test/reference/weekly_variants.py [assets]`; data and walk of tools/science/weekly-stocks.mjs
(betas fitted anew every two weeks after 156 weeks, hedges of VAR(1) innovations). The posterior is a plain one: deviations from
the target are shrunk to zero, the target's own coefficients too, and the noise that an asset shares with the market is left
out of both, so that figures compare variants with each other and not with `ewm_ols`. numpy 2, pandas 2.
"""

import os
import sys

import numpy as np
import pandas as pd

FIRST, INITIAL, EVERY = "2006-01-01", 156, 2
MOVES = [("DGS10", False), ("T10YIE", False), ("IGOAS", False), ("DTWEXBGS", True), ("WTI", True)]


def load(folder, most):
    """Weekly returns [row, asset] and moves of the factors [row, factor], one value missing filled by its mean."""
    prices = pd.read_csv(f"{folder}/stocks/us_stocks_weekly_close_2005_2017.csv.gz", index_col=0)
    prices = prices.iloc[int(np.argmax(prices.index >= FIRST)) - 1 :]
    closes = prices.loc[:, (prices > 0).all(axis=0)].to_numpy(float)[:, :most]
    macro = pd.read_csv(f"{folder}/macro/daily_macro_panel.csv", index_col=0)
    known = macro[[name for name, _ in MOVES]].ffill()
    levels = known.to_numpy()[np.searchsorted(known.index.to_numpy(), prices.index, side="right") - 1]
    moves = [100 * np.diff(np.log(x)) if is_log else np.diff(x) for x, (_, is_log) in zip(levels.T, MOVES)]
    return closes[1:] / closes[:-1] - 1, np.column_stack(moves)


def paule_mandel(u, v):
    """Between-unit variance: sum u^2 / (x + v) = n - 1."""
    v, x = np.maximum(v, 1e-12 * (u * u).max()), 0.0
    for _ in range(100):
        ratio = u / (x + v)
        total = (u * ratio).sum()
        if not total > len(u) - 1:
            break
        step = (total / (len(u) - 1) - 1) * total / (ratio * ratio).sum()
        x += step
        if step < 1e-8 * x:
            break
    return max(x, 1e-12)


def posterior(u, noise, shape, prior):
    """Means of N(0, prior) given u [column, unit] with variances noise[unit] * shape."""
    root = np.linalg.cholesky(prior)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ shape @ inverse.T)
    return root @ vectors @ ((vectors.T @ inverse @ u) / (1 + values[:, None] * noise))


def roots_of_weights(scaled, memory):
    """One over the size of the rows before."""
    out, total, count = np.empty(len(scaled)), 0.0, 0.0
    for row, square in enumerate((scaled**2).mean(1)):
        out[row] = (total / count if count else square) ** -0.5
        total, count = memory * total + square, memory * count + 1
    return out


def betas(returns, moves, half_life=104, strength=4, calm=None, memory=0.94, limit=None, target="market", prior="diagonal"):
    """[factor, asset], decimal return per unit of the factor."""
    rows, count = returns.shape
    scale = moves.std(0)
    x, y = np.column_stack([np.ones(rows), (moves - moves.mean(0)) / scale]), returns
    left = lambda x, y: y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    if calm:
        noise = left(x, y) if calm == "residuals" else y
        root = roots_of_weights(noise / noise.std(0), memory)[:, None]
        x, y = x * root, y * root
    if limit:
        e = left(x, y)
        y = y - e + np.clip(e, -limit * e.std(0), limit * e.std(0))
    sd = y.std(0)
    y = y / sd
    w = 2.0 ** (-np.arange(rows)[::-1] / half_life)
    inverse = np.linalg.inv((x * w[:, None]).T @ x)
    shape = inverse @ ((x * (w * w)[:, None]).T @ x) @ inverse
    freedom = w.sum() - np.trace(inverse @ ((x * (w * w)[:, None]).T @ x))

    def fit(y):
        b = inverse @ ((x * w[:, None]).T @ y)
        return b, (w[:, None] * (y - x @ b) ** 2).sum(0) / freedom

    market = y.mean(1)[:, None]
    share = w / w.sum()
    centred = lambda values: (values - share @ values) * np.sqrt(share)[:, None]
    parts, loadings = market, np.ones((1, count))
    if target != "market":
        if target == "components":
            own = centred(y) - centred(market) @ np.linalg.lstsq(centred(market), centred(y), rcond=None)[0]
            top = np.linalg.eigh(own @ own.T)[1][:, -4:]
            parts = np.column_stack([market, y @ (own.T @ top) / count])
        loadings = np.linalg.lstsq(centred(parts), centred(y), rcond=None)[0]
    b, noise = fit(parts)
    for k in range(parts.shape[1]):
        pooled = paule_mandel(np.append(b[1:, k], 0), np.append(noise[k] * np.diag(shape)[1:], 1e9)) / strength
        b[1:, k : k + 1] = posterior(b[1:, k : k + 1], noise[k : k + 1], shape[1:, 1:], pooled * np.eye(len(b) - 1))
    u, noise = fit(y - parts @ loadings)
    if prior == "diagonal":
        spread = np.diag([paule_mandel(row, noise * s) for row, s in zip(u, np.diag(shape))])
    else:
        share_of = 1 / noise / (1 / noise).sum()
        values, vectors = np.linalg.eigh((u * share_of) @ u.T - (share_of @ noise) * shape)
        spread = (vectors * np.maximum(values, 1e-10)) @ vectors.T
    b = b @ loadings + posterior(u, noise, shape, spread / strength)
    return b[1:] / scale[:, None] * sd


def hedged(returns, moves, **variant):
    out = returns.copy()
    for start in range(INITIAL, len(returns), EVERY):
        b = betas(returns[:start], moves[:start], **variant)
        before = np.column_stack([np.ones(len(moves)), moves])
        expected = np.linalg.lstsq(before[: start - 1], moves[1:start], rcond=None)[0]
        for row in range(start, min(start + EVERY, len(returns))):
            out[row] -= (moves[row] - before[row - 1] @ expected) @ b
    return out


def score(returns, left):
    reduction = 1 - left[INITIAL:].var(0) / returns[INITIAL:].var(0)
    return f"{reduction.mean():.4f} {100 * (reduction > 0).mean():5.1f} %"


def main():
    returns, moves = load(os.environ["MACROGRAD_DATA"], int(sys.argv[1]) if len(sys.argv) > 1 else None)
    moves = np.where(np.isnan(moves), np.nanmean(moves[:INITIAL], 0), moves)
    both = {"calm": "residuals", "limit": 3}
    variants = {
        "equal rows": {},
        "rows by the size of returns before": {"calm": "returns"},
        "rows by the size of residuals before": {"calm": "residuals"},
        "the same, memory .9": {"calm": "residuals", "memory": 0.9},
        "the same, memory .97": {"calm": "residuals", "memory": 0.97},
        "equal rows, residuals at most 3 SD": {"limit": 3},
        "both": both,
        "both, residuals at most 2 SD": {**both, "limit": 2},
        "both, strength 1": {**both, "strength": 1},
        "both, half-life 52": {**both, "half_life": 52},
        "both, half-life 208": {**both, "half_life": 208},
        "both, full covariance of betas in the prior": {**both, "prior": "full"},
        "both, target times the asset's market beta": {**both, "target": "beta"},
        "both, target by market and four components": {**both, "target": "components"},
    }
    for name, variant in variants.items():
        print(f"{name:46s} {score(returns, hedged(returns, moves, **variant))}", flush=True)


if __name__ == "__main__":
    main()
