use macrograd_simd::Control;

use super::bootstrap::quantile;
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
    if options.histories == 0 || options.futures == 0 {
        return Err(LinearError::BadOption {
            name: "histories or futures",
            value: 0.0,
            remedy: "give at least 1 of each",
        });
    }
    let k = fit.regimes[0].series;
    let values = mean_responses(series, fit, options, &mut SplitMix::stream(options.seed, u64::MAX - 1));
    let mut draws: Vec<Option<Vec<f64>>> = vec![None; options.draws];
    for_each(
        draws.iter_mut().enumerate().collect(),
        control,
        |done| control.report(done),
        |(draw, out)| {
            let mut random = SplitMix::stream(options.seed, draw as u64);
            let sample = simulate(series, fit, &mut random);
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

    fn last(&self) -> &[f64] {
        &self.rows[self.rows.len() - self.k..]
    }
}

/// The residual of the row at this share of a regime's rows, enlarged to the regime's covariance.
fn residual(var: &Var, share: f64) -> Vec<f64> {
    let (k, n) = (var.series, var.observations);
    let row = ((share * n as f64) as usize).min(n - 1);
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
    let reach = fit.regimes[0].order.max(fit.rule.delay);
    let block = k * steps * k;
    let mut out = vec![0.0; 2 * block];
    let weight = 1.0 / (options.histories * options.futures) as f64;
    for (regime, out) in out.chunks_exact_mut(block).enumerate() {
        let shocks = generalised_shocks(&fit.regimes[regime], options.size);
        for _ in 0..options.histories {
            let start = fit.rows[regime][random.index(fit.rows[regime].len())];
            let before = &series[(start - reach) * k..start * k];
            for _ in 0..options.futures {
                let shares: Vec<f64> = (0..steps).map(|_| random.uniform()).collect();
                let path = |shock: &[f64]| run(fit, before, &shares, shock);
                let plain = path(&vec![0.0; k]);
                for shock in 0..k {
                    let moved = path(&shocks[shock * k..(shock + 1) * k]);
                    for (at, (moved, plain)) in moved.iter().zip(&plain).enumerate() {
                        let (h, responding) = (at / k, at % k);
                        out[(responding * steps + h) * k + shock] += weight * (moved - plain);
                    }
                }
            }
        }
        if options.cumulative {
            for row in out.chunks_exact_mut(steps * k) {
                (k..row.len()).for_each(|at| row[at] += row[at - k]);
            }
        }
    }
    out
}

/// `[shock][series]`: size Sigma e_j / sqrt(sigma_jj).
fn generalised_shocks(var: &Var, size: f64) -> Vec<f64> {
    let k = var.series;
    let sigma = &var.residual_covariance;
    (0..k * k)
        .map(|at| size * sigma[(at % k) * k + at / k] / sigma[(at / k) * (k + 1)].sqrt())
        .collect()
}

/// One future, `[horizon][series]`, with a shock on top of the first innovation.
fn run(fit: &ThresholdVar, before: &[f64], shares: &[f64], shock: &[f64]) -> Vec<f64> {
    let k = shock.len();
    let mut path = Path {
        fit,
        rows: before.to_vec(),
        k,
    };
    let mut out = Vec::with_capacity(shares.len() * k);
    for (h, &share) in shares.iter().enumerate() {
        path.step(|var| {
            let mut u = residual(var, share);
            if h == 0 {
                u.iter_mut().zip(shock).for_each(|(u, shock)| *u += shock);
            }
            u
        });
        out.extend_from_slice(path.last());
    }
    out
}

/// A sample as long as the series, after its own first rows.
fn simulate(series: &[f64], fit: &ThresholdVar, random: &mut SplitMix) -> Vec<f64> {
    let k = fit.regimes[0].series;
    let reach = fit.regimes[0].order.max(fit.rule.delay);
    let mut path = Path {
        fit,
        rows: series[..reach * k].to_vec(),
        k,
    };
    while path.rows.len() < series.len() {
        let share = random.uniform();
        path.step(|var| residual(var, share));
    }
    path.rows
}
