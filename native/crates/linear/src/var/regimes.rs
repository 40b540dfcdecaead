use super::fit::{Var, fit_rows};
use super::order::check_series;
use crate::LinearError;
use crate::small::cholesky;

/// Share of the rows that each regime keeps at least while the threshold is searched for (Hansen 1999).
const TRIM: f64 = 0.15;

/// Values of the threshold that are compared, evenly spaced in the ranks.
const CANDIDATES: usize = 100;

/// Which regime a row is in: whether a series was above the threshold some rows ago.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegimeRule {
    /// Series whose level tells the regimes apart.
    pub variable: usize,
    /// Rows that it takes, at least 1: nothing of the row itself is used.
    pub delay: usize,
    /// Value at and below which the first regime holds.
    pub threshold: f64,
}

/// Two vector autoregressions, one a regime (Tsay 1998).
#[derive(Debug, Clone)]
pub struct ThresholdVar {
    /// The rule with the threshold that was given or found.
    pub rule: RegimeRule,
    /// At and below the threshold, and above it; `residuals` in the order of the rows of the regime.
    pub regimes: [Var; 2],
    /// Rows of each regime.
    pub rows: [Vec<usize>; 2],
}

impl RegimeRule {
    /// Regime of row `t`.
    pub(super) fn regime(&self, series: &[f64], t: usize, k: usize) -> usize {
        usize::from(series[(t - self.delay) * k + self.variable] > self.threshold)
    }
}

/// A vector autoregression whose coefficients and noise depend on whether a series was above a threshold. A threshold of
/// NaN is searched for: the one of least sum over regimes of n log det S.
///
/// # Errors
/// `BadOption` for a variable or delay that does not exist, and where a regime has too few rows.
pub fn threshold_var(
    series: &[f64],
    rows: usize,
    k: usize,
    order: usize,
    rule: RegimeRule,
) -> Result<ThresholdVar, LinearError> {
    check_series(series, rows, k, order)?;
    let bad = |name, value: usize, remedy| {
        Err(LinearError::BadOption {
            name,
            value: value as f64,
            remedy,
        })
    };
    if rule.variable >= k {
        return bad("threshold variable", rule.variable, "name one of the series");
    }
    if rule.delay == 0 || rule.delay > rows / 2 || order == 0 {
        return bad("delay", rule.delay, "give a delay and an order of at least 1 row");
    }
    if !rule.threshold.is_nan() {
        return split(series, rows, k, order, rule);
    }
    let first = order.max(rule.delay);
    let mut levels: Vec<f64> = (first..rows)
        .map(|t| series[(t - rule.delay) * k + rule.variable])
        .collect();
    levels.sort_by(f64::total_cmp);
    let span = levels.len() as f64 - 1.0;
    let at =
        |step: usize| levels[(span * (TRIM + (1.0 - 2.0 * TRIM) * step as f64 / (CANDIDATES - 1) as f64)) as usize];
    let mut best: Option<(f64, ThresholdVar)> = None;
    for threshold in (0..CANDIDATES).map(at) {
        let Ok(fit) = split(series, rows, k, order, RegimeRule { threshold, ..rule }) else {
            continue;
        };
        let criterion: f64 = fit.regimes.iter().map(log_likelihood_loss).sum();
        if best.as_ref().is_none_or(|(least, _)| criterion < *least) {
            best = Some((criterion, fit));
        }
    }
    match best {
        Some((_, fit)) => Ok(fit),
        None => bad(
            "rows",
            rows,
            "give more rows or a lower order: a regime has too few rows",
        ),
    }
}

/// Fits both regimes at a known threshold.
pub(super) fn split(
    series: &[f64],
    rows: usize,
    k: usize,
    order: usize,
    rule: RegimeRule,
) -> Result<ThresholdVar, LinearError> {
    let mut own = [Vec::new(), Vec::new()];
    for t in order.max(rule.delay)..rows {
        own[rule.regime(series, t, k)].push(t);
    }
    let least = 1 + k * order + k + 1;
    for rows in &own {
        if rows.len() < least {
            return Err(LinearError::BadOption {
                name: "rows of a regime",
                value: rows.len() as f64,
                remedy: "a regime needs more rows than regressors and series: give another threshold or a lower order",
            });
        }
    }
    let regimes = [
        fit_rows(series, &own[0], k, order)?,
        fit_rows(series, &own[1], k, order)?,
    ];
    Ok(ThresholdVar {
        rule,
        regimes,
        rows: own,
    })
}

/// n log det S; infinite where S is singular.
fn log_likelihood_loss(fit: &Var) -> f64 {
    let mut factor = fit.residual_covariance.clone();
    if !cholesky(&mut factor, fit.series) {
        return f64::INFINITY;
    }
    let half: f64 = (0..fit.series).map(|i| factor[i * fit.series + i].ln()).sum();
    2.0 * fit.observations as f64 * half
}
