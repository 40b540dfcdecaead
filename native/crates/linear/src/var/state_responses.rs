use macrograd_simd::Control;

use super::asset_bands::{AssetSample, FactorSample, asset_bands, check_assets};
use super::bootstrap::{Bands, quantile};
use super::fit::Var;
use super::regimes::{ThresholdVar, split};
use crate::LinearError;
use crate::parallel::for_each;
use crate::random::SplitMix;

/// Options of [`state_responses`].
#[derive(Debug, Clone, Copy)]
pub struct StateResponseOptions {
    /// Last horizon, in rows after the shock.
    pub horizon: usize,
    /// Sums over horizons.
    pub cumulative: bool,
    /// Size of the shock in SDs of the regime's own noise; large ones can push the system into the other regime.
    pub size: f64,
    /// Starting rows of each regime that the mean is taken over, drawn with replacement.
    pub histories: usize,
    /// Futures of each of them.
    pub futures: usize,
    /// Simulated samples that bands are read off; 0 = no bands.
    pub draws: usize,
    /// Seed.
    pub seed: u64,
    /// Coverage of the bands.
    pub level: f64,
}

/// Responses by regime of the start, `[regime][responding][horizon][shock]`.
#[derive(Debug, Clone)]
pub struct StateResponses {
    /// Means over histories and futures.
    pub values: Vec<f64>,
    /// Lower ends of the bands; empty without draws.
    pub lo: Vec<f64>,
    /// Upper ends.
    pub hi: Vec<f64>,
    /// Draws that both regimes could be estimated on.
    pub draws_used: usize,
}

/// Generalised responses that depend on the state (Koop, Pesaran and Potter 1996): the mean difference between the paths
/// of a system with and without a shock, over futures that are drawn from the residuals of the regime in force at each
/// step (the same draws for both paths), and over the rows of the sample that were in the regime when the shock came.
/// The other innovations move with the shock as they do on average, Sigma e_j / sigma_jj, so that with one regime it is
/// the generalised response of Pesaran and Shin (1998).
///
/// Bands are percentiles over samples simulated from the fit and estimated anew, the threshold held.
///
/// # Errors
/// `BadOption`, `Cancelled`.
pub fn state_responses(
    series: &[f64],
    fit: &ThresholdVar,
    options: &StateResponseOptions,
    control: &Control,
) -> Result<StateResponses, LinearError> {
    check(options)?;
    let k = fit.regimes[0].series;
    let values = mean_responses(series, fit, options, &mut SplitMix::stream(options.seed, u64::MAX - 1));
    let mut draws: Vec<Option<Vec<f64>>> = vec![None; options.draws];
    for_each(
        draws.iter_mut().enumerate().collect(),
        control,
        |done| control.report(done),
        |(draw, out)| {
            let mut random = SplitMix::stream(options.seed, draw as u64);
            let (sample, _) = simulate(series, fit, 0, &mut random);
            let drawn = split(&sample, sample.len() / k, k, fit.regimes[0].order, fit.rule);
            *out = drawn
                .ok()
                .map(|drawn| mean_responses(&sample, &drawn, options, &mut random))
                .filter(|values| values.iter().all(|x| x.is_finite()));
        },
    )?;
    let used: Vec<Vec<f64>> = draws.into_iter().flatten().collect();
    let (mut lo, mut hi) = (Vec::new(), Vec::new());
    if !used.is_empty() {
        let tail = (1.0 - options.level) / 2.0;
        for at in 0..values.len() {
            let mut own: Vec<f64> = used.iter().map(|draw| draw[at]).collect();
            own.sort_by(f64::total_cmp);
            lo.push(quantile(&own, tail));
            hi.push(quantile(&own, 1.0 - tail));
        }
    }
    Ok(StateResponses {
        values,
        lo,
        hi,
        draws_used: used.len(),
    })
}

/// Responses of assets by regime of the start, `[asset][regime][horizon][shock]`, with bands: as [`state_responses`] for
/// the factors, with equations whose constant and coefficients change with the regime of the return's own row,
///
///   r_it = sum_s 1[regime of t = s] (a_is + sum_k b_isk' y_{t-k}) + e_it.
///
/// The response is the mean difference of its right side between the two paths, which is linear in a and b: thousands of
/// assets share the paths. Bands: samples simulated from the fit with the assets' residuals of the rows drawn, everything
/// estimated anew, the threshold held. Hands back how many samples both regimes could be estimated on, too.
///
/// # Errors
/// `ShapeMismatch`, `BadOption`, `Cancelled`.
pub fn state_asset_responses(
    series: &[f64],
    fit: &ThresholdVar,
    sample: &AssetSample,
    options: &StateResponseOptions,
    control: &Control,
) -> Result<(Bands, usize), LinearError> {
    check(options)?;
    let k = fit.regimes[0].series;
    check_assets(sample, series.len() / k)?;
    let first = reach(fit, sample.lags);
    let lags = sample.lags;
    if !has_starts(fit, first) {
        return Err(LinearError::BadOption {
            name: "lags",
            value: lags as f64,
            remedy: "a regime has no row with so many before it: give fewer lags",
        });
    }
    let mut samples: Vec<Option<FactorSample>> = Vec::new();
    samples.resize_with(options.draws, || None);
    for_each(
        samples.iter_mut().enumerate().collect(),
        control,
        |done| control.report(0.7 * done),
        |(draw, out)| {
            let mut random = SplitMix::stream(options.seed, draw as u64);
            let (history, drawn) = simulate(series, fit, first, &mut random);
            let again = split(&history, history.len() / k, k, fit.regimes[0].order, fit.rule);
            *out = again
                .ok()
                .filter(|again| has_starts(again, first))
                .map(|again| FactorSample {
                    design: regime_rows(&history, &again, lags, first),
                    drawn: drawn
                        .into_iter()
                        .map(|row| Some((row.checked_sub(first)?, 1.0)))
                        .collect(),
                    weights: equation_weights(&history, &again, lags, options, &mut random),
                });
        },
    )?;
    let samples: Vec<FactorSample> = samples.into_iter().flatten().collect();
    let mut random = SplitMix::stream(options.seed, u64::MAX - 1);
    let base = FactorSample {
        design: regime_rows(series, fit, lags, first),
        drawn: (first..series.len() / k).map(|t| Some((t - first, 1.0))).collect(),
        weights: equation_weights(series, fit, lags, options, &mut random),
    };
    let returns = &sample.returns[first * sample.assets..];
    let bands = asset_bands(&base, &samples, returns, sample.assets, options.level, control)?;
    Ok((bands, samples.len()))
}

fn check(options: &StateResponseOptions) -> Result<(), LinearError> {
    if options.histories == 0 || options.futures == 0 {
        return Err(LinearError::BadOption {
            name: "histories or futures",
            value: 0.0,
            remedy: "give at least 1 of each",
        });
    }
    Ok(())
}

/// Rows before a row that say its regime, its factors and an equation of `lags` rows of factors.
fn reach(fit: &ThresholdVar, lags: usize) -> usize {
    fit.regimes[0].order.max(fit.rule.delay).max(lags.saturating_sub(1))
}

fn has_starts(fit: &ThresholdVar, before: usize) -> bool {
    fit.rows
        .iter()
        .all(|rows| rows.last().is_some_and(|&row| row >= before))
}

/// Regressors of an equation in both regimes, `[regime][1, series at the row, one row before, ...]`: zeros but in the
/// regime of row `t`.
fn regime_row(rows: &[f64], t: usize, fit: &ThresholdVar, lags: usize) -> Vec<f64> {
    let k = fit.regimes[0].series;
    let width = 1 + lags * k;
    let mut out = vec![0.0; 2 * width];
    let own = &mut out[fit.rule.regime(rows, t, k) * width..][..width];
    own[0] = 1.0;
    for lag in 0..lags {
        own[1 + lag * k..1 + (lag + 1) * k].copy_from_slice(&rows[(t - lag) * k..(t - lag + 1) * k]);
    }
    out
}

fn regime_rows(series: &[f64], fit: &ThresholdVar, lags: usize, first: usize) -> Vec<f64> {
    let rows = series.len() / fit.regimes[0].series;
    (first..rows).flat_map(|t| regime_row(series, t, fit, lags)).collect()
}

/// Mean difference of the regressors of [`regime_row`] between the paths, `[column][regime of the start][horizon][shock]`.
fn equation_weights(
    series: &[f64],
    fit: &ThresholdVar,
    lags: usize,
    options: &StateResponseOptions,
    random: &mut SplitMix,
) -> Vec<f64> {
    let k = fit.regimes[0].series;
    let (steps, columns) = (options.horizon + 1, 2 * (1 + lags * k));
    let before = reach(fit, lags);
    let outputs = 2 * steps * k;
    let mut out = vec![0.0; columns * outputs];
    let weight = 1.0 / (options.histories * options.futures) as f64;
    each_pair(series, fit, before, options, random, |regime, shock, plain, moved| {
        for h in 0..steps {
            let rows = [moved, plain].map(|path| regime_row(path, before + h, fit, lags));
            let at = (regime * steps + h) * k + shock;
            for (column, (moved, plain)) in rows[0].iter().zip(&rows[1]).enumerate() {
                out[column * outputs + at] += weight * (moved - plain);
            }
        }
    });
    if options.cumulative {
        for path in out.chunks_exact_mut(steps * k) {
            (k..path.len()).for_each(|at| path[at] += path[at - k]);
        }
    }
    out
}

/// A path's last rows, newest last: enough for the lags and the delay.
struct Path<'f> {
    fit: &'f ThresholdVar,
    rows: Vec<f64>,
    k: usize,
}

impl Path<'_> {
    /// Next row out of the innovation that `noise` gives for the regime in force.
    fn step(&mut self, noise: impl Fn(&Var) -> Vec<f64>) {
        let k = self.k;
        let now = self.rows.len() / k;
        let var = &self.fit.regimes[self.fit.rule.regime(&self.rows, now, k)];
        let u = noise(var);
        for (a, u) in u.iter().enumerate() {
            let mut value = var.intercept[a] + u;
            for lag in 1..=var.order {
                let before = &self.rows[(now - lag) * k..(now - lag + 1) * k];
                let row = &var.lag(lag)[a * k..(a + 1) * k];
                value += row.iter().zip(before).map(|(c, y)| c * y).sum::<f64>();
            }
            self.rows.push(value);
        }
    }
}

/// The row of a regime at this share of its rows.
fn drawn_row(var: &Var, share: f64) -> usize {
    ((share * var.observations as f64) as usize).min(var.observations - 1)
}

/// The residual of the row at this share of a regime's rows, enlarged to the regime's covariance.
fn residual(var: &Var, share: f64) -> Vec<f64> {
    let (k, n) = (var.series, var.observations);
    let row = drawn_row(var, share);
    let scale = (n as f64 / (n - var.regressors()) as f64).sqrt();
    var.residuals[row * k..(row + 1) * k]
        .iter()
        .map(|u| scale * u)
        .collect()
}

/// `[regime][responding][horizon][shock]`.
fn mean_responses(
    series: &[f64],
    fit: &ThresholdVar,
    options: &StateResponseOptions,
    random: &mut SplitMix,
) -> Vec<f64> {
    let k = fit.regimes[0].series;
    let steps = options.horizon + 1;
    let before = reach(fit, 0);
    let mut out = vec![0.0; 2 * k * steps * k];
    let weight = 1.0 / (options.histories * options.futures) as f64;
    each_pair(series, fit, before, options, random, |regime, shock, plain, moved| {
        let own = moved[before * k..].iter().zip(&plain[before * k..]);
        for (at, (moved, plain)) in own.enumerate() {
            let (h, responding) = (at / k, at % k);
            out[((regime * k + responding) * steps + h) * k + shock] += weight * (moved - plain);
        }
    });
    if options.cumulative {
        for row in out.chunks_exact_mut(steps * k) {
            (k..row.len()).for_each(|at| row[at] += row[at - k]);
        }
    }
    out
}

/// Hands every pair of paths without and with a shock to `take`, with the regime of the start and the shock: `before` rows
/// of the sample, then the horizon, `[row][series]`.
fn each_pair(
    series: &[f64],
    fit: &ThresholdVar,
    before: usize,
    options: &StateResponseOptions,
    random: &mut SplitMix,
    mut take: impl FnMut(usize, usize, &[f64], &[f64]),
) {
    let k = fit.regimes[0].series;
    for regime in 0..2 {
        let shocks = generalised_shocks(&fit.regimes[regime], options.size);
        // A row of the first ones may have fewer rows before it than an equation of assets needs.
        let starts = &fit.rows[regime][fit.rows[regime].partition_point(|&row| row < before)..];
        for _ in 0..options.histories {
            let start = starts[random.index(starts.len())];
            let past = &series[(start - before) * k..start * k];
            for _ in 0..options.futures {
                let shares: Vec<f64> = (0..=options.horizon).map(|_| random.uniform()).collect();
                let plain = run(fit, past, &shares, &vec![0.0; k]);
                for shock in 0..k {
                    let moved = run(fit, past, &shares, &shocks[shock * k..(shock + 1) * k]);
                    take(regime, shock, &plain, &moved);
                }
            }
        }
    }
}

/// `[shock][series]`: size Sigma e_j / sqrt(sigma_jj).
fn generalised_shocks(var: &Var, size: f64) -> Vec<f64> {
    let k = var.series;
    let sigma = &var.residual_covariance;
    (0..k * k)
        .map(|at| size * sigma[(at % k) * k + at / k] / sigma[(at / k) * (k + 1)].sqrt())
        .collect()
}

/// The rows before and one future after them, `[row][series]`, with a shock on top of the first innovation.
fn run(fit: &ThresholdVar, before: &[f64], shares: &[f64], shock: &[f64]) -> Vec<f64> {
    let mut path = Path {
        fit,
        rows: before.to_vec(),
        k: shock.len(),
    };
    for (h, &share) in shares.iter().enumerate() {
        path.step(|var| {
            let mut u = residual(var, share);
            if h == 0 {
                u.iter_mut().zip(shock).for_each(|(u, shock)| *u += shock);
            }
            u
        });
    }
    path.rows
}

/// A sample as long as the series, after its own first rows, and the rows of the data whose residuals were drawn for the
/// rows from `first` on.
fn simulate(series: &[f64], fit: &ThresholdVar, first: usize, random: &mut SplitMix) -> (Vec<f64>, Vec<usize>) {
    let k = fit.regimes[0].series;
    let start = reach(fit, 0);
    let mut path = Path {
        fit,
        rows: series[..start * k].to_vec(),
        k,
    };
    let mut drawn = Vec::new();
    while path.rows.len() < series.len() {
        let share = random.uniform();
        let now = path.rows.len() / k;
        if now >= first.max(start) {
            let regime = fit.rule.regime(&path.rows, now, k);
            drawn.push(fit.rows[regime][drawn_row(&fit.regimes[regime], share)]);
        }
        path.step(|var| residual(var, share));
    }
    (path.rows, drawn)
}
