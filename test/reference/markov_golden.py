"""Golden numbers of Markov-switching regressions, from statsmodels' MarkovRegression.

Run: python test/reference/markov_golden.py > native/crates/linear/tests/golden/markov.txt

Three cases: two regimes with switching noise, two with one noise, three with switching noise; three regressors with a
constant. Stored: the likelihood and the probabilities at stated parameters, the likelihood that statsmodels reaches from
the truth, and the coefficients and their standard errors there.
"""

import warnings

import numpy as np
import statsmodels
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

SEED = 11
ROWS = 240


def world(rng, regimes, switching):
    """Slopes by regime, a chain that stays 94 % of the time."""
    x = np.hstack([np.ones((ROWS, 1)), rng.standard_normal((ROWS, 2))])
    b = rng.standard_normal((regimes, 3))
    sd = np.linspace(0.4, 1.2, regimes) if switching else np.full(regimes, 0.6)
    transition = np.full((regimes, regimes), 0.06 / (regimes - 1)) + np.eye(regimes) * (0.94 - 0.06 / (regimes - 1))
    state = 0
    y = np.empty(ROWS)
    for t in range(ROWS):
        y[t] = x[t] @ b[state] + sd[state] * rng.standard_normal()
        state = rng.choice(regimes, p=transition[state])
    return x, y, b, sd**2, transition


def emit(label, values):
    print(label, *[f"{v:.17g}" for v in np.ravel(values)])


def case(rng, name, regimes, switching):
    x, y, b, noise, transition = world(rng, regimes, switching)
    model = MarkovRegression(y, k_regimes=regimes, trend="n", exog=x, switching_variance=switching)
    # Transitions column by column, the last one left out.
    start = np.empty(model.k_params)
    start[model.parameters["regime_transition"]] = transition[:, :-1].T.ravel()
    start[model.parameters["variance"]] = noise if switching else noise[:1]
    for regime in range(regimes):
        start[model.parameters[regime, "exog"]] = b[regime]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        at = model.smooth(start)
        best = model.fit(start_params=start, em_iter=0, maxiter=500, disp=False)
    print(name, ROWS, 3, regimes, int(switching))
    emit("design", x)
    emit("returns", y)
    emit("coefficients", b)
    emit("noise", noise)
    emit("transition", transition)
    emit("likelihood", [at.llf])
    emit("filtered", at.filtered_marginal_probabilities[::8])
    emit("smoothed", at.smoothed_marginal_probabilities[::8])
    emit("best", [best.llf])
    pick = lambda values: [values[model.parameters[regime, "exog"]] for regime in range(regimes)]
    emit("estimates", pick(best.params))
    emit("errors", pick(best.bse))


if __name__ == "__main__":
    print(f"# markov_golden.py statsmodels {statsmodels.__version__} numpy {np.__version__} seed {SEED}")
    rng = np.random.default_rng(SEED)
    case(rng, "two", 2, True)
    case(rng, "one", 2, False)
    case(rng, "three", 3, True)
