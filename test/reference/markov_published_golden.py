"""Published Markov-switching regressions: the examples of Stata's manual ([TS] mswitch), as statsmodels' tests state them.

Run: python test/reference/markov_published_golden.py > native/crates/linear/tests/golden/markov_published.txt

The federal funds rate 1954-2010 (quarters; Stata's usmacro) with a switching constant; with its own lag; with its lag,
output gap and inflation in two and in three regimes; absolute returns of the S&P 500 (weeks; snp500) on their lag with
switching noise. Stored: data, the published estimates of the coefficients by regime and their standard errors, the
published log-likelihood, and the log-likelihood that statsmodels reaches (for three regimes it found a higher maximum).
"""

import numpy as np
import statsmodels
import statsmodels.tsa.regime_switching.tests.test_markov_regression as published


def emit(label, values):
    print(label, *[f"{v:.10g}" for v in np.ravel(values)])


def case(name, owner, y, exog, regimes, switching):
    # setup_class keeps what the manual prints in `true`.
    owner.setup_class()
    true = owner.true
    x = np.column_stack([np.ones(len(y)), *exog])
    count = x.shape[1]
    first = regimes * (regimes - 1)
    # [regressor][regime] in statsmodels, [regime][regressor] here.
    by_regime = lambda values: np.reshape(values[first : first + count * regimes], (count, regimes)).T
    print(name, len(y), count, regimes, int(switching))
    emit("design", x)
    emit("returns", y)
    emit("coefficients", by_regime(true["params"]))
    emit("noise", true["params"][first + count * regimes :])
    emit("errors", by_regime(true["bse_oim"]) if "bse_oim" in true else [])
    emit("published", [true["llf"]])
    emit("best", [true["llf_fit"]])


if __name__ == "__main__":
    print(f"# markov_published_golden.py statsmodels {statsmodels.__version__} numpy {np.__version__}")
    funds, gap, inflation = (np.asarray(x, float) for x in (published.fedfunds, published.ogap, published.inf))
    returns = np.asarray(published.areturns, float)
    taylor = [funds[3:-1], gap[4:], inflation[4:]]
    case("constant", published.TestFedFundsConst, funds, [], 2, False)
    case("lag", published.TestFedFundsConstL1, funds[1:], [funds[:-1]], 2, False)
    case("taylor", published.TestFedFundsConstL1Exog, funds[4:], taylor, 2, False)
    case("taylor3", published.TestFedFundsConstL1Exog3, funds[4:], taylor, 3, False)
    case("absolute_returns", published.TestAreturnsConstL1Variance, returns[1:], [returns[:-1]], 2, True)
