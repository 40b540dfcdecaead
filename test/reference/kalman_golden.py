"""Golden numbers of the Kalman filter and smoother of walking and reverting coefficients, from statsmodels' exact diffuse state space.

Run: python test/reference/kalman_golden.py > packages/kernel/test/golden/kalman.json
"""

import json
import sys

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from statsmodels.tsa.statespace.initialization import Initialization
from statsmodels.tsa.statespace.mlemodel import MLEModel

SEED = 20240611

# Every how many rows states and covariances are stored, to keep the file small.
STATE_ROWS = 4
COVARIANCE_ROWS = 16


def short(values):
    """Flat list with 14 significant digits."""
    return [float(f"{x:.14g}") for x in np.asarray(values).ravel()]


def reference(design, y, noise, step, mean, variance, transition):
    """States of one asset; diffuse where the prior variance is infinite. `step` and `variance` in units of `noise`."""
    rows, k = design.shape
    model = MLEModel(y, k_states=k, k_posdef=k)
    ssm = model.ssm
    ssm["design"] = design.T[None]
    ssm["transition"] = np.diag(transition)
    ssm["selection"] = np.eye(k)
    ssm["state_cov"] = np.diag(step) * noise
    ssm["obs_cov"] = np.array([[noise]])
    start = Initialization(k)
    for j in range(k):
        if np.isinf(variance[j]):
            start.set(j, "diffuse")
        else:
            start.set(j, "known", constant=[mean[j]], stationary_cov=[[variance[j] * noise]])
    ssm.initialize(start)
    ssm.loglikelihood_burn = 0
    ssm.tolerance = 0
    out = ssm.smooth()
    return {
        "filtered": short(out.filtered_state.T[::STATE_ROWS]),
        "filteredCovariance": short(np.moveaxis(out.filtered_state_cov, 2, 0)[::COVARIANCE_ROWS]),
        "smoothed": short(out.smoothed_state.T[::STATE_ROWS]),
        "smoothedCovariance": short(np.moveaxis(out.smoothed_state_cov, 2, 0)[::COVARIANCE_ROWS]),
        "logLikelihood": float(out.llf),
        "diffuseRows": int(out.nobs_diffuse),
    }


def case(name, design, returns, noise, step, mean=None, variance=None, transition=None):
    """Cuts all numbers to what the test feeds in."""
    k = design.shape[1]
    mean = np.zeros(k) if mean is None else np.asarray(mean, float)
    variance = np.full(k, np.inf) if variance is None else np.asarray(variance, float)
    transition = np.ones(k) if transition is None else np.asarray(transition, float)
    design = np.array(short(design)).reshape(design.shape)
    returns = np.array(short(returns)).reshape(returns.shape)
    inputs = (step, mean, variance, transition)
    assets = [reference(design, returns[:, i], noise[i], *inputs) for i in range(returns.shape[1])]
    scaled = design / np.sqrt((design**2).sum(0))
    return {
        "name": name,
        "rows": design.shape[0],
        "columns": design.shape[1],
        "assets": returns.shape[1],
        "design": short(design),
        "returns": [None if np.isnan(x) else float(x) for x in returns.ravel()],
        "noise": list(map(float, noise)),
        "stepVariance": list(map(float, step)),
        "initialMean": list(map(float, mean)),
        # null = infinite.
        "initialVariance": [None if np.isinf(v) else float(v) for v in variance],
        "transition": list(map(float, transition)),
        "condition": float(np.linalg.cond(scaled)),
        "expected": assets,
    }


def random_panel(rng, rows, k, assets, collinear=0.0):
    design = np.column_stack([np.ones(rows), rng.standard_normal((rows, k - 1))])
    if collinear:
        design[:, -1] = design[:, 1] + collinear * design[:, -1]
    walks = np.cumsum(0.1 * rng.standard_normal((assets, rows, k)), 1) + rng.standard_normal((assets, 1, k))
    returns = np.einsum("tk,itk->ti", design, walks) + rng.standard_normal((rows, assets))
    returns[rng.random(returns.shape) < 0.12] = np.nan
    return design, returns


def main():
    rng = np.random.default_rng(SEED)
    cases = []
    design, returns = random_panel(rng, 60, 4, 3)
    cases.append(case("diffuse, missing", design, returns, [1.0, 0.6, 2.0], [0.0, 0.02, 0.01, 0.3]))
    design, returns = random_panel(rng, 60, 4, 2)
    prior = ([0.1, 0.5, -0.5, 0.2], [4.0, 1.0, 0.5, 2.0])
    cases.append(case("prior, missing", design, returns, [0.8, 1.1], [0.001, 0.05, 0.0, 0.02], *prior))
    design, returns = random_panel(rng, 60, 3, 2, collinear=1e-2)
    cases.append(case("near-collinear", design, returns, [1.0, 1.0], [0.0, 0.01, 0.02]))
    nile = sm.datasets.nile.load_pandas().data["volume"].to_numpy(float)
    holed = nile.copy()
    holed[20:40] = np.nan
    level = np.ones((100, 1))
    cases.append(case("Nile", level, np.column_stack([nile, holed]), [15099.0] * 2, [1469.1 / 15099.0]))
    macro = sm.datasets.macrodata.load_pandas().data
    change = macro[["infl", "unemp", "tbilrate"]].diff().to_numpy()[1:]
    growth = 100 * np.diff(np.log(macro[["realgdp", "realcons", "realinv"]].to_numpy()), axis=0)
    design = np.column_stack([np.ones(len(change)), change])
    cases.append(case("macrodata", design, growth, [0.5, 0.3, 9.0], [0.0, 0.001, 0.02, 0.005]))
    design, returns = random_panel(rng, 60, 3, 2)
    reverting = dict(transition=[1.0, 0.9, -0.4], mean=[0.2, 0.5, -0.3], variance=[2.0, 0.4, 1.0])
    cases.append(case("reverting, missing", design, returns, [0.9, 1.2], [0.0, 0.05, 0.3], **reverting))
    # Mean and deviation of every coefficient: the first diffuse, the second where it settles.
    step = np.array([0.0, 0.05, 0.02])
    phi = np.array([0.9, 0.9, 0.9])
    variance = np.concatenate([np.full(3, np.inf), step / (1 - phi**2)])
    parts = dict(variance=variance, transition=np.concatenate([np.ones(3), phi]))
    doubled = np.hstack([design, design])
    cases.append(case("mean and deviation", doubled, returns, [1.0, 0.7], np.concatenate([np.zeros(3), step]), **parts))
    level_model = sm.tsa.UnobservedComponents(nile, "local level", use_exact_diffuse=True)
    fit = level_model.fit(disp=False, method="bfgs", maxiter=500, gtol=1e-10)
    versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__}
    json.dump(
        {
            "generator": "test/reference/kalman_golden.py",
            "versions": {**versions, "statsmodels": statsmodels.__version__},
            "seed": SEED,
            "stateRows": STATE_ROWS,
            "covarianceRows": COVARIANCE_ROWS,
            "cases": cases,
            "nile": {
                "volume": nile.tolist(),
                "noise": float(fit.params[0]),
                "step": float(fit.params[1]),
                "logLikelihood": float(fit.llf),
            },
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
