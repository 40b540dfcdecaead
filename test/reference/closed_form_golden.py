"""Golden numbers of the closed-form heads, by another route than the kernel's.

The marginal likelihood of *all* returns is built from the model's definition: one covariance over the stacked returns
of every asset and date (mu shared by all assets, w per asset, a residual per asset, one shared within a group), and
PyTorch's autograd differentiates its log density. The kernel uses means, deviations and Woodbury instead; the two
must agree. The intercept of each asset is concentrated out by centring, which leaves a constant factor aside.

Run: python test/reference/closed_form_golden.py  ->  native/crates/lstm/tests/golden/closed_form.json
"""

import json
import pathlib

import torch

SEED = 20260915
ROWS, FACTORS, FEATURES, RANK = 14, 2, 6, 2
# Group 1: five assets on all rows. Group 2: three assets that miss the first five rows and row 9.
PATTERNS = [(5, list(range(ROWS))), (3, [t for t in range(5, ROWS) if t != 9])]


def covariance(features, prior, group_a, rows_a, index_a, group_b, rows_b, index_b):
    """Cov(y_a, y_b) of two assets from the definition of the model, features centred over each one's rows."""
    direct = torch.diag(prior["log_direct"].exp())
    basis = torch.cat([torch.cat([direct, torch.zeros(FEATURES - FACTORS, FACTORS)]), prior["loadings"]], dim=1)
    centred_a = features[rows_a] - features[rows_a].mean(0)
    centred_b = features[rows_b] - features[rows_b].mean(0)
    out = centred_a @ torch.diag((2 * prior["log_common"]).exp()) @ centred_b.T
    if group_a == group_b:
        same_row = torch.eye(len(rows_a))
        # The shared residual is a matter of the group's mean alone: deviations do not contain it.
        out = out + same_row * (2 * prior["log_shared_noise"]).exp()
        if index_a == index_b:
            out = out + centred_a @ basis @ basis.T @ centred_b.T + same_row * (2 * prior["log_noise"]).exp()
    return out


def loss(features, prior, returns):
    """Negative log density without log 2 pi, divided by the number of returns."""
    assets = [(g, rows, i) for g, (count, rows) in enumerate(PATTERNS) for i in range(count)]
    blocks = [[covariance(features, prior, *a, *b) for b in assets] for a in assets]
    sigma = torch.cat([torch.cat(row, dim=1) for row in blocks])
    y = torch.cat([series - series.mean() for series in returns])
    lower = torch.linalg.cholesky(sigma)
    whitened = torch.linalg.solve_triangular(lower, y[:, None], upper=False)
    return (lower.diagonal().log().sum() + 0.5 * whitened.square().sum()) / len(y)


def heads(features, prior, returns):
    """Posterior mean and covariance of every asset's head, again from joint covariances."""
    assets = [(g, rows, i) for g, (count, rows) in enumerate(PATTERNS) for i in range(count)]
    sigma = torch.cat([torch.cat([covariance(features, prior, *a, *b) for b in assets], dim=1) for a in assets])
    y = torch.cat([series - series.mean() for series in returns])
    direct = torch.diag(prior["log_direct"].exp())
    basis = torch.cat([torch.cat([direct, torch.zeros(FEATURES - FACTORS, FACTORS)]), prior["loadings"]], dim=1)
    common = torch.diag((2 * prior["log_common"]).exp())
    means, covariances = [], []
    for a, (_, _, _) in enumerate(assets):
        cross = []
        for b, (_, rows, _) in enumerate(assets):
            centred = features[rows] - features[rows].mean(0)
            cross.append((common + (basis @ basis.T if a == b else 0)) @ centred.T)
        cross = torch.cat(cross, dim=1)
        weights = torch.linalg.solve(sigma, cross.T).T
        means.append((weights @ y).tolist())
        covariances.append((common + basis @ basis.T - weights @ cross.T).tolist())
    return means, covariances


def main():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(SEED)
    features = torch.randn(ROWS, FEATURES).requires_grad_()
    prior = {
        "log_direct": torch.tensor([-0.4, -1.1]),
        "loadings": 0.5 * torch.randn(FEATURES, RANK),
        "log_common": -0.5 + 0.3 * torch.randn(FEATURES),
        "log_noise": torch.tensor(-0.2),
        "log_shared_noise": torch.tensor(-1.3),
    }
    for value in prior.values():
        value.requires_grad_()
    returns = [torch.randn(len(rows)) + 0.3 * torch.randn(1) for count, rows in PATTERNS for _ in range(count)]
    value = loss(features, prior, returns)
    value.backward()
    means, covariances = heads(features, prior, returns)
    golden = {
        "generator": f"test/reference/closed_form_golden.py, torch {torch.__version__}, float64, seed {SEED}",
        "rows": ROWS,
        "patterns": [{"assets": count, "rows": rows} for count, rows in PATTERNS],
        "returns": [series.tolist() for series in returns],
        "features": features.tolist(),
        "prior": {name: value.tolist() for name, value in prior.items()},
        "loss": value.item(),
        "gradient": {"features": features.grad.tolist()} | {n: v.grad.tolist() for n, v in prior.items()},
        "heads": means,
        "head_covariances": covariances,
    }
    path = pathlib.Path(__file__).parents[2] / "native/crates/lstm/tests/golden/closed_form.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
