"""Golden numbers of packages/exposure (distributions, false discovery) and packages/evaluation (scores and tests).

Run from the repository root: python test/reference/evaluation_golden.py
Needs numpy, scipy and statsmodels; their versions are written into the files.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.api import VAR

SEED = 20260915
META = {
    "generator": "test/reference/evaluation_golden.py",
    "seed": SEED,
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
}
ROOT = Path(__file__).resolve().parents[2] / "packages"


def write(package: str, name: str, content: dict) -> None:
    """Stores JSON with shortest round-trip doubles and null for NaN."""
    path = ROOT / package / "test" / "golden" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"meta": META, **clean(content)}) + "\n")


def clean(value):
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [clean(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value


def exposure_golden(random: np.random.Generator) -> None:
    x = np.concatenate([np.linspace(-9, 9, 37), [-37.0, -2.999, 2.999, 3.0]])
    p = np.array([1e-300, 1e-12, 0.001, 0.05, 0.3, 0.5, 0.95, 0.999])
    p_values = np.concatenate([random.uniform(size=40), random.uniform(size=8) ** 6, [0.02, 0.02, 0.0, 1.0]])
    random.shuffle(p_values)
    selected, q_values, *_ = multipletests(p_values, alpha=0.1, method="fdr_bh")
    write(
        "exposure",
        "screening.json",
        {
            "normal": {"x": x, "cdf": stats.norm.cdf(x), "p": p, "quantile": stats.norm.ppf(p)},
            "benjaminiHochberg": {"pValues": p_values, "q": 0.1, "qValues": q_values, "selected": selected.astype(int)},
        },
    )


def hac_lags(n: int, horizon: int) -> int:
    return max(horizon, int(4 * (n / 100) ** (2 / 9)))


def mean_ratio(series: np.ndarray, horizon: int) -> float:
    """t-ratio of the mean under Newey-West errors, without statsmodels' small-sample factor."""
    fit = sm.OLS(series, np.ones(len(series))).fit(
        cov_type="HAC", cov_kwds={"maxlags": hac_lags(len(series), horizon), "use_correction": False}
    )
    return float(fit.tvalues[0])


def diebold_mariano(d: np.ndarray, horizon: int) -> tuple[float, float]:
    n, h = len(d), max(1, horizon)
    stat = mean_ratio(d, horizon) * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return stat, 2 * stats.t.sf(abs(stat), n - 1)


def clark_west(adjusted: np.ndarray, horizon: int) -> tuple[float, float]:
    stat = mean_ratio(adjusted, horizon)
    return stat, stats.norm.sf(stat)


def innovations(z: np.ndarray, train_end: int) -> np.ndarray:
    """z minus its VAR(1) expectation; a missing regressor counts as 0, a missing target drops out of its equation."""
    filled = np.nan_to_num(z)
    x = np.column_stack([np.ones(len(z) - 1), filled[:-1]])
    expected = np.full_like(z, np.nan)
    for j in range(z.shape[1]):
        rows = np.arange(len(x)) < train_end - 1
        rows &= ~np.isnan(z[1:, j])
        coefficients = np.linalg.lstsq(x[rows], z[1:][rows, j], rcond=None)[0]
        expected[1:, j] = x @ coefficients
    return z - expected


def evaluation_golden(random: np.random.Generator) -> None:
    rows, factors, assets, train_end, test_end = 120, 3, 2, 84, 120
    f = np.zeros((rows, factors))
    transition = np.array([[0.6, 0.2, 0.0], [0.0, 0.4, -0.2], [0.1, 0.0, 0.3]])
    for t in range(1, rows):
        f[t] = transition @ f[t - 1] + random.normal(size=factors)
    inputs = 3 + f * np.array([2.0, 0.5, 10.0])
    beta = random.normal(size=(assets, factors)) * 0.02
    returns = f @ beta.T + 0.03 * random.normal(size=(rows, assets))

    # The complete case agrees with statsmodels' own VAR.
    scaled = (inputs - inputs[:train_end].mean(0)) / inputs[:train_end].std(0, ddof=1)
    fit = VAR(scaled[:train_end]).fit(1, trend="c")
    assert np.allclose(fit.resid, innovations(scaled, train_end)[1:train_end], atol=1e-10)

    inputs[:30, 2] = np.nan  # a late starter
    inputs[100, 1] = np.nan  # a gap in the test rows
    returns[95, 0] = np.nan
    mean, sd = np.nanmean(inputs[:train_end], 0), np.nanstd(inputs[:train_end], 0, ddof=1)
    z = (inputs - mean) / sd
    u = innovations(z, train_end)

    # An invented fit: coefficients that move, so that reading them at the wrong row shows.
    jacobian = 0.02 * np.sin(np.arange(rows * assets * factors)).reshape(rows, assets, factors)
    predicted = 0.5 * returns + 0.01 * random.normal(size=(rows, assets))
    predicted = np.where(np.isnan(predicted), 0.0, predicted)

    training_mean = np.nanmean(returns[:train_end], 0)
    test = slice(train_end, test_end)
    scores = []
    for i in range(assets):
        seen = ~np.isnan(returns[test, i])
        r, forecast = returns[test, i][seen], predicted[test, i][seen]
        e0, e1 = (r - training_mean[i]) ** 2, (r - forecast) ** 2
        moves = np.nan_to_num(jacobian[train_end - 1 : test_end - 1, i] * u[test]).sum(1)
        hedged = r - moves[seen]
        dm, dm_p = diebold_mariano(e0 - e1, 0)
        cw, cw_p = clark_west(e0 - e1 + (forecast - training_mean[i]) ** 2, 0)
        scores.append(
            {
                "n": int(seen.sum()),
                "r2Oos": 1 - e1.sum() / e0.sum(),
                "hedgeVarianceReduction": 1 - np.var(hedged) / np.var(r),
                "dmStat": dm,
                "dmPValue": dm_p,
                "cwStat": cw,
                "cwPValue": cw_p,
            }
        )

    series = random.normal(0.2, 1, size=90) + np.convolve(random.normal(size=94), np.ones(5) / 2, "valid")
    tests = []
    for horizon in (0, 1, 3, 12):
        dm, dm_p = diebold_mariano(series, horizon)
        cw, cw_p = clark_west(series, horizon)
        tests.append({"horizon": horizon, "dmStat": dm, "dmPValue": dm_p, "cwStat": cw, "cwPValue": cw_p})
    t_values = [(t, df) for df in (1, 2, 11, 59, 500, 10000) for t in (0.0, 0.3, 1.0, 2.5, -6.0, 25.0)]
    write(
        "evaluation",
        "scores.json",
        {
            "student": [{"t": t, "df": df, "pValue": 2 * stats.t.sf(abs(t), df)} for t, df in t_values],
            "series": series,
            "tests": tests,
            "fold": {
                "rows": rows,
                "factors": factors,
                "assets": assets,
                "trainEnd": train_end,
                "inputs": inputs.ravel(),
                "returns": returns.ravel(),
                "predicted": predicted.ravel(),
                "jacobian": jacobian.ravel(),
                "innovations": u[test].ravel(),
                "scores": scores,
            },
        },
    )


if __name__ == "__main__":
    exposure_golden(np.random.default_rng(SEED))
    evaluation_golden(np.random.default_rng(SEED + 1))
