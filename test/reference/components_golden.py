"""Golden numbers of heads on learned components: variational Bayes written out over rows and assets, by plain numpy.

Run: python test/reference/components_golden.py > native/crates/linear/tests/golden/components.txt

Nothing is reduced to moments here: means over assets and deviations are rotated by a Helmert matrix, every rotated series
is a regression of its own on the rows that its assets have, and the normal equations of the components are summed row by
row. The panel: 70 rows, 18 assets of which 6 miss every fifth row, 2 own features, components on 5 features of 2 groups,
a residual that all assets share. Formulae: docs/methods/pooled_features.md.
"""

import numpy as np

SEED, ROWS, ASSETS, COMPONENTS, STEPS = 7, 70, 18, 2, 30
GROUP = np.array([0, 1, 1, 0, 2, 2, 2])
SCALE = np.array([1.0, 0.7, 0.7, 1.0, 1.0, 1.3, 1.0])
START, START_NOISE, SLOW_STEPS, INNER, LEAST, LEAST_DETERMINED, RIDGE, UNSEEN = 0.05, 0.8, 20, 2, 1e-10, 1e-3, 0.05, 10


def world():
    rng = np.random.default_rng(SEED)
    x = rng.standard_normal((ROWS, len(GROUP)))
    x[:, 1] += 0.5 * x[:, 0]
    head = np.zeros((ASSETS, len(GROUP)))
    head[:, 0] = 0.3 + 0.3 * rng.standard_normal(ASSETS)
    head[:, 3] = 0.2 * rng.standard_normal(ASSETS)
    head[:, 1:3] = np.outer(0.4 + 0.3 * rng.standard_normal(ASSETS), [1.0, -0.6])
    y = 0.1 + x @ head.T + 0.3 * rng.standard_normal((ROWS, 1)) + 0.7 * rng.standard_normal((ROWS, ASSETS))
    y[::5, 12:] = np.nan
    return x, y


def helmert(n):
    """Orthogonal; the first row is the mean times sqrt(n)."""
    q = np.linalg.qr(np.c_[np.ones(n), np.eye(n)[:, 1:]])[0].T
    return q * np.sign(q[0].sum() if n else 1)


def effective_share(x, y):
    """Participation ratio of the residuals' covariance, as a share of the deviations, from its eigenvalues."""
    z, y = x - x.mean(0), y - y.mean(0)
    y = y - y.mean(1, keepdims=True)
    hat = z @ np.linalg.solve(z.T @ z + 1e-3 * np.trace(z.T @ z) / z.shape[1] * np.eye(z.shape[1]), z.T)
    residual, freedom = y - hat @ y, len(z) - 1 - np.trace(hat)
    eigenvalues = np.linalg.eigvalsh(residual.T @ residual)
    total = eigenvalues.sum() ** 2
    return min(1, total / ((eigenvalues**2).sum() - total / freedom) / (y.shape[1] - 1))


def fit(x, y):
    order = np.r_[np.flatnonzero(GROUP == 0), np.flatnonzero(GROUP > 0)]
    own, groups = int((GROUP == 0).sum()), GROUP[GROUP > 0] - 1
    centred = (x - x.mean(0))[:, order] * np.r_[np.ones(own), SCALE[GROUP > 0]]
    gram = centred[:, :own].T @ centred[:, :own]
    slopes = np.linalg.solve(gram + 1e-9 * gram.diagonal().max() * np.eye(own), centred[:, :own].T @ centred[:, own:])
    features = np.c_[centred[:, :own], centred[:, own:] - centred[:, :own] @ slopes]
    # Patterns, the one with most assets first: features and returns less their means over the rows observed, rotated.
    patterns = []
    for assets in (np.arange(12), np.arange(12, ASSETS)):
        rows = ~np.isnan(y[:, assets[0]])
        z = features[rows] - features[rows].mean(0)
        returns = y[rows][:, assets] - y[rows][:, assets].mean(0)
        share = np.r_[1, np.full(len(assets) - 1, effective_share(x[rows], y[rows][:, assets]))]
        patterns.append((assets, rows, z, returns @ helmert(len(assets)).T, share))
    m, r = len(groups), COMPONENTS
    n = own + r
    # Start: leading directions of ridge regressions, in coordinates of functions with unit variance.
    _, rows, z, rotated, share = patterns[0]
    phi = z[:, own:]
    g, size = phi.T @ phi, np.trace(phi.T @ phi) / m
    coefficients = np.linalg.solve(g + RIDGE * size * np.eye(m), phi.T @ rotated)
    lower = np.linalg.cholesky(g + 1e-8 * size * np.eye(m))
    u = np.linalg.svd(lower.T @ coefficients * np.sqrt(share))[0][:, :r]
    theta = np.linalg.solve(lower.T, u) * np.sqrt(rows.sum())
    shape, tau = np.zeros((r * m, r * m)), np.full((r, groups.max() + 1), START)
    s, mu, vmu, gmu = START * np.eye(n), np.zeros(n), np.zeros((n, n)), np.full(n, START)
    noise = np.array([START_NOISE, 0.0])

    def expected_gram(z):
        h = np.c_[z[:, :own], z[:, own:] @ theta]
        more = np.zeros((n, n))
        for row in z[:, own:]:
            wide = np.kron(np.eye(r), row)
            more[own:, own:] += wide @ shape @ wide.T
        return h, h.T @ h + more

    def posteriors():
        """For every pattern: design, E[H'H], mean and covariance of every rotated series' coefficients, its noise."""
        for assets, rows, z, rotated, share in patterns:
            h, g = expected_gram(z)
            count = len(assets)
            out = []
            for i in range(count):
                v = noise[0] + (count * noise[1] if i == 0 else 0)
                prior = np.sqrt(count) * mu if i == 0 else np.zeros(n)
                cov = np.linalg.inv(g / v + np.linalg.inv(s))
                w = cov @ (h.T @ rotated[:, i] - g @ prior) / v
                keep = np.eye(n) - cov @ g / v
                around = count * keep @ vmu @ keep.T if i == 0 else np.zeros((n, n))
                pulled = count * (np.eye(n) - keep) @ vmu @ (np.eye(n) - keep).T if i == 0 else np.zeros((n, n))
                out.append((prior + w, w, cov, around, pulled, v))
            yield assets, rows, z, rotated, share, h, g, out

    for step in range(STEPS):
        for _ in range(INNER):
            precision, right = np.diag(1 / gmu), np.zeros(n)
            for assets, _, _, rotated, _, h, g, out in posteriors():
                v, count = out[0][5], len(assets)
                total = np.linalg.inv(np.eye(n) + g @ s / v)  # G (G^-1 v + S)^-1 v = (I + G S / v)^-1
                precision += count / v * total @ g
                right += np.sqrt(count) / v * total @ (h.T @ rotated[:, 0])
            vmu = np.linalg.inv(precision)
            mu = vmu @ right
            gmu = np.maximum(mu**2 + vmu.diagonal(), LEAST)
            second, squares, means = np.zeros((n, n)), [], []
            for assets, rows, _, rotated, share, h, g, out in posteriors():
                for i, (c, w, cov, around, pulled, _) in enumerate(out):
                    second += share[i] * (np.outer(w, w) + cov + pulled)
                    square = rotated[:, i] @ rotated[:, i] - 2 * c @ h.T @ rotated[:, i]
                    square += np.sum(g * (np.outer(c, c) + cov + around))
                    (means if i == 0 else squares).append((share[i] * square, share[i] * (rows.sum() - 1), len(assets)))
            counted = sum(share.sum() for *_, share in patterns)
            keep = counted / (counted + 1)
            s = second / counted * (keep + (1 - keep) * np.eye(n)) + LEAST * np.eye(n)
            noise[0] = sum(a for a, _, _ in squares) / sum(f for _, f, _ in squares)
            excess = sum(f * k * (a / f - noise[0]) for a, f, k in means)
            noise[1] = max(0, excess / sum(f * k * k for _, f, k in means))
        a, b = np.diag(1 / np.concatenate([tau[k, groups] for k in range(r)])), np.zeros(r * m)
        for _, _, z, rotated, share, _, _, out in posteriors():
            for i, (c, _, cov, around, _, v) in enumerate(out):
                both = share[i] * (np.outer(c, c) + cov + around)
                for t, row in enumerate(z):
                    phi = row[own:]
                    a += np.kron(both[own:, own:], np.outer(phi, phi)) / v
                    b += np.kron(share[i] * rotated[t, i] * c[own:] - both[own:, :own] @ row[:own], phi) / v
        shape = np.linalg.inv(a)
        theta = (shape @ b).reshape(r, m).T
        for k in range(r):
            for q in range(tau.shape[1]):
                of = groups == q
                square, variance = (theta[of, k] ** 2).sum(), shape.diagonal()[k * m : (k + 1) * m][of].sum()
                if step >= SLOW_STEPS:
                    tau[k, q] = square / (max(of.sum() - variance / tau[k, q], LEAST_DETERMINED) + UNSEEN)
                else:
                    tau[k, q] = (square + variance) / (of.sum() + UNSEEN)
                tau[k, q] = max(tau[k, q], LEAST)
        by = np.r_[np.ones(own), np.sqrt(s.diagonal()[own:] + mu[own:] ** 2)]
        theta, tau = theta * by[own:], tau * by[own:, None] ** 2
        shape = shape * np.kron(np.outer(by[own:], by[own:]), np.ones((m, m)))
        s, vmu, mu, gmu = s / np.outer(by, by), vmu / np.outer(by, by), mu / by, gmu / by**2
    back = np.zeros((len(GROUP), len(GROUP)))
    back[order, np.arange(len(order))] = np.r_[np.ones(own), SCALE[GROUP > 0]]
    back[np.ix_(order[:own], np.arange(own, len(order)))] = -slopes
    loadings = np.block([[np.eye(own), np.zeros((own, r))], [np.zeros((m, own)), theta]])
    heads, variances = np.zeros((ASSETS, len(GROUP))), []
    for assets, _, _, _, _, _, _, out in posteriors():
        rotation = helmert(len(assets))
        scores = rotation.T @ np.array([c for c, *_ in out])
        heads[assets] = scores @ (back @ loadings).T
        covariance = sum(cov + around for _, _, cov, around, _, _ in out) / len(assets)
        both = sum(np.outer(c, c) + cov + around for c, _, cov, around, _, _ in out) / len(assets)
        whole = loadings @ covariance @ loadings.T
        for k in range(r):
            for q in range(r):
                part = shape[k * m : (k + 1) * m, q * m : (q + 1) * m]
                whole[own:, own:] += both[own + k, own + q] * part
        variances.append((back @ whole @ back.T).diagonal())
    return heads, np.array(variances), noise


def main():
    x, y = world()
    heads, variances, noise = fit(x, y)
    print(f"# components_golden.py, numpy {np.__version__}, seed {SEED}; {ROWS} rows, {ASSETS} assets, {STEPS} steps")
    for name, values in {"design": x, "returns": y, "heads": heads, "variances": variances, "noise": noise}.items():
        print(name, " ".join(f"{v:.17g}" for v in np.asarray(values).ravel()))


if __name__ == "__main__":
    main()
