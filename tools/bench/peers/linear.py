"""The traditional methods (W4) in numpy, as users of it write them, on the numbers of tools/bench/linear.mjs.

Each computes what the kernel's does, variances included: rolling OLS by cumulative cross-products and one batched inverse, the
filter and smoother with covariances that all assets share, components by `eigh`. What the kernel does besides is named
at each function.
"""

import numpy as np

import work


def regression(rows, factors, assets):
    x = work.filled(rows * factors, 1, 1).astype(float).reshape(rows, factors)
    b = work.filled(assets * factors, 1, 2).astype(float).reshape(assets, factors)
    noise = work.filled(rows * assets, 1, 3).astype(float).reshape(rows, assets)
    return np.column_stack([np.ones(rows), x]), noise + x @ b.T


def persistent(rows, series, seed):
    values = work.filled(rows * series, 1, seed).astype(float)
    for at in range(series, len(values)):
        values[at] += 0.5 * values[at - series] + 0.2 * values[at - at % series]
    return values.reshape(rows, series)


def rolling(design, returns, window=60):
    """Coefficients and homoscedastic variances of every asset at every row from the first full window, by differences of
    cumulative sums (the kernel: sums that never subtract, QR where the window's condition asks for it, missing rows)."""
    rows, k = design.shape
    gram = np.cumsum(np.einsum("ti,tj->tij", design, design), axis=0)
    moment = np.cumsum(np.einsum("ti,tn->tin", design, returns), axis=0)
    square = np.cumsum(returns**2, axis=0)
    for sums in (gram, moment, square):
        sums[window:] -= sums[:-window].copy()
    inverse = np.linalg.inv(gram[window - 1 :])
    b = inverse @ moment[window - 1 :]
    rest = (square[window - 1 :] - np.einsum("tin,tin->tn", b, moment[window - 1 :])) / (window - k)
    variances = np.einsum("tii->ti", inverse)[:, :, None] * rest[:, None, :]
    return b, variances


def kalman(design, returns, step):
    """Random-walk filter and smoother of all assets at once, and the smoothed variances that they share; every asset observed
    at every row, a start of variance 10^6 (the kernel: any rows missing, exactly diffuse)."""
    rows, k = design.shape
    mean, covariance = np.zeros((k, returns.shape[1])), np.eye(k) * 1e6
    means, covariances, predicted = [], [], []
    for t in range(rows):
        covariance = covariance + np.eye(k) * (step if t else 0.0)
        predicted.append(covariance)
        x = design[t]
        gain = covariance @ x / (x @ covariance @ x + 1.0)
        mean = mean + np.outer(gain, returns[t] - x @ mean)
        covariance = covariance - np.outer(gain, x @ covariance)
        means.append(mean)
        covariances.append(covariance)
    out, variances = [means[-1]], [np.diag(covariance)]
    for t in range(rows - 2, -1, -1):
        pull = covariances[t] @ np.linalg.inv(predicted[t + 1])
        out.append(means[t] + pull @ (out[-1] - means[t]))
        covariance = covariances[t] + pull @ (covariance - predicted[t + 1]) @ pull.T
        variances.append(np.diag(covariance))
    return np.stack(out[::-1]), np.stack(variances[::-1])


def best_order(y, most=12):
    rows, k = y.shape
    n = rows - most
    z = np.column_stack([np.ones(n)] + [y[most - lag : rows - lag] for lag in range(1, most + 1)])
    gram, cross, total = z.T @ z, z.T @ y[most:], y[most:].T @ y[most:]
    criteria = []
    for p in range(most + 1):
        width = 1 + k * p
        left = total - cross[:width].T @ np.linalg.solve(gram[:width, :width], cross[:width])
        criteria.append(np.linalg.slogdet(left / n)[1] + 2 / n * (p * k * k + k))
    return int(np.argmin(criteria))


def fitted(y):
    p = max(1, best_order(y))
    rows, k = y.shape
    z = np.column_stack([np.ones(rows - p)] + [y[p - lag : rows - lag] for lag in range(1, p + 1)])
    b = np.linalg.lstsq(z, y[p:], rcond=None)[0]
    left = y[p:] - z @ b
    return b, left.T @ left / (rows - p - z.shape[1]), np.linalg.inv(z.T @ z)


def by_lag(fit):
    """[lag][equation][series] of a fit, as the kernel has them."""
    slopes = fit[0][1:]
    return slopes.reshape(-1, slopes.shape[1], slopes.shape[1]).transpose(0, 2, 1)


def components(x):
    """Eigenvalues, 8 loadings and factors (the kernel: criteria of Bai and Ng too)."""
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(z.T @ z)
    loadings = vectors[:, ::-1][:, :8] * np.sqrt(x.shape[1])
    return values[::-1] / (len(x) - 1), loadings, z @ loadings / x.shape[1]


def main():
    chosen = work.options()
    rows, assets, wide, few, calls = (120, 40, 24, 10, 1) if chosen.quick else (600, 500, 120, 100, 50)
    design, returns = regression(rows, 8, assets)
    narrow, own = regression(rows, 7, few)
    series, matrix = persistent(rows, 8, 4), persistent(rows, wide, 5)

    work.measure("numpy", chosen, [
        ("W4", "W4a rolling OLS", 7, lambda: (lambda: rolling(design, returns), lambda out: out[0][-48:, :, -1])),
        ("W4", "W4b Kalman smoother", 7, lambda: (lambda: kalman(narrow, own, 0.001), lambda out: out[0].transpose(2, 0, 1))),
        ("W4", "W4c VAR order", 7, lambda: (lambda: best_order(series), lambda best: [best]), calls),
        ("W4", "W4c VAR order and fit", 7, lambda: (lambda: fitted(series), by_lag), calls),
        ("W4", "W4d PCA", 7, lambda: (lambda: components(matrix), lambda out: out[0]), calls),
    ])


if __name__ == "__main__":
    main()
