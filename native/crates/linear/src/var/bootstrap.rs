use macrograd_simd::Control;

use super::asset_bands::{AssetSample, FactorSample, asset_bands, check_assets, lagged_rows};
use super::fit::{Var, least_squares};
use super::response::{ResponseOptions, equation_responses, response_values, variance_shares};
use crate::LinearError;
use crate::parallel::for_each;
use crate::random::SplitMix;

/// How residuals are drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// Rows with replacement: residuals that are independent and alike (Efron and Tibshirani 1993, 8.6).
    Residual,
    /// Every row in its place with a random sign: heteroscedasticity stays (Goncalves and Kilian 2004). Bands of
    /// orthogonal and generalised shocks then miss what the covariance itself varies.
    Wild,
    /// Blocks of this many neighbouring rows, centred by place in the block: heteroscedasticity, and covariances too
    /// (Brueggemann, Jentsch and Trenkler 2016).
    Block(usize),
}

/// What the bands are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Responses to shocks.
    Responses,
    /// Shares of forecast error variances; orthogonal ones sum to 1.
    VarianceShares,
}

/// Options of [`bootstrap_bands`].
#[derive(Debug, Clone, Copy)]
pub struct BootstrapOptions {
    /// How residuals are drawn.
    pub resampling: Resampling,
    /// What is asked.
    pub statistic: Statistic,
    /// Simulated histories.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Coverage of the bands, as .90.
    pub level: f64,
}

/// Pointwise bands, `[responding][horizon][shock]`.
#[derive(Debug, Clone)]
pub struct Bands {
    /// The estimate itself.
    pub values: Vec<f64>,
    /// Quantile (1 - level) / 2 of the draws (Efron's percentiles).
    pub lo: Vec<f64>,
    /// Quantile (1 + level) / 2.
    pub hi: Vec<f64>,
}

/// Bands of responses or variance shares: the autoregression is simulated from its residuals, drawn anew and enlarged by
/// (n / (n - K p - 1))^1/2, after its own first p rows, and estimated again on every simulated history. Each draw has a
/// stream of random numbers of its own, so that bits do not depend on the number of threads.
///
/// `series` are the rows that `fit` was estimated on.
///
/// # Errors
/// `ShapeMismatch`, `BadOption`, `Cancelled`; a draw that cannot be estimated stops the call with its error.
pub fn bootstrap_bands(
    series: &[f64],
    fit: &Var,
    options: &ResponseOptions,
    bootstrap: &BootstrapOptions,
    control: &Control,
) -> Result<Bands, LinearError> {
    check(series, fit, bootstrap)?;
    let noise = Noise::new(fit, bootstrap.resampling);
    let mut draws: Vec<Result<Vec<f64>, LinearError>> = (0..bootstrap.draws).map(|_| Ok(Vec::new())).collect();
    for_each(
        draws.iter_mut().enumerate().collect(),
        control,
        |done| control.report(done),
        |(draw, out)| {
            let mut random = SplitMix::stream(bootstrap.seed, draw as u64);
            let history = simulate(series, fit, &noise.innovations(&noise.draw(&mut random)));
            *out = least_squares(&history, history.len() / fit.series, fit.series, fit.order)
                .and_then(|drawn| statistic(&drawn, options, bootstrap.statistic));
        },
    )?;
    let values = statistic(fit, options, bootstrap.statistic)?;
    let draws = draws.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (mut lo, mut hi) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    let tail = (1.0 - bootstrap.level) / 2.0;
    for at in 0..values.len() {
        let mut own: Vec<f64> = draws.iter().map(|draw| draw[at]).collect();
        own.sort_by(f64::total_cmp);
        lo.push(quantile(&own, tail));
        hi.push(quantile(&own, 1.0 - tail));
    }
    Ok(Bands { values, lo, hi })
}

fn check(series: &[f64], fit: &Var, bootstrap: &BootstrapOptions) -> Result<(), LinearError> {
    let expected = (fit.observations + fit.order) * fit.series;
    for (name, actual, expected) in [
        ("series", series.len(), expected),
        ("residuals", fit.residuals.len(), fit.observations * fit.series),
    ] {
        if actual != expected {
            return Err(LinearError::ShapeMismatch { name, expected, actual });
        }
    }
    let bad = |name, value, remedy| Err(LinearError::BadOption { name, value, remedy });
    match bootstrap.resampling {
        Resampling::Block(length) if length == 0 || length > fit.observations => bad(
            "block length",
            length as f64,
            "give at least 1 and at most the rows used",
        ),
        _ if bootstrap.draws < 2 => bad("draws", bootstrap.draws as f64, "give at least 2"),
        _ if !(bootstrap.level > 0.0 && bootstrap.level < 1.0) => {
            bad("level", bootstrap.level, "give a share between 0 and 1")
        }
        _ => Ok(()),
    }
}

fn statistic(fit: &Var, options: &ResponseOptions, wanted: Statistic) -> Result<Vec<f64>, LinearError> {
    match wanted {
        Statistic::Responses => response_values(fit, options),
        Statistic::VarianceShares => variance_shares(fit, options),
    }
}

/// Residuals ready to be drawn, `[row][series]`.
pub(super) struct Noise {
    residuals: Vec<f64>,
    resampling: Resampling,
    k: usize,
    /// Mean of the residuals at each place of a block.
    centres: Vec<f64>,
}

impl Noise {
    pub(super) fn new(fit: &Var, resampling: Resampling) -> Self {
        let (k, n) = (fit.series, fit.observations);
        let scale = (n as f64 / (n - fit.regressors()) as f64).sqrt();
        let residuals: Vec<f64> = fit.residuals.iter().map(|u| u * scale).collect();
        let length = match resampling {
            Resampling::Block(length) => length,
            _ => 0,
        };
        let centres = (0..length * k)
            .map(|at| {
                let starts = n - length + 1;
                (0..starts).map(|start| residuals[start * k + at]).sum::<f64>() / starts as f64
            })
            .collect();
        Self {
            residuals,
            resampling,
            k,
            centres,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.residuals.len() / self.k
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.residuals[row * self.k..(row + 1) * self.k]
    }

    /// As many rows as there are residuals.
    fn draw(&self, random: &mut SplitMix) -> Vec<Pick> {
        let rows = self.rows();
        let mut out = Vec::with_capacity(rows);
        match self.resampling {
            Resampling::Residual => out.extend((0..rows).map(|_| Pick::row(random.index(rows)))),
            Resampling::Wild => out.extend((0..rows).map(|row| Pick {
                sign: random.sign(),
                ..Pick::row(row)
            })),
            Resampling::Block(length) => {
                while out.len() < rows {
                    let start = random.index(rows - length + 1);
                    out.extend((0..length).map(|place| Pick {
                        place: Some(place),
                        ..Pick::row(start + place)
                    }));
                }
                out.truncate(rows);
            }
        }
        out
    }

    /// `[row][series]`.
    fn innovations(&self, picks: &[Pick]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.residuals.len());
        for pick in picks {
            let own = self.row(pick.row);
            match pick.place {
                Some(place) => {
                    let centre = &self.centres[place * self.k..(place + 1) * self.k];
                    out.extend(own.iter().zip(centre).map(|(u, centre)| u - centre));
                }
                None => out.extend(own.iter().map(|u| pick.sign * u)),
            }
        }
        out
    }
}

/// A residual that was drawn.
#[derive(Debug, Clone, Copy)]
struct Pick {
    row: usize,
    sign: f64,
    /// Where in its block.
    place: Option<usize>,
}

impl Pick {
    fn row(row: usize) -> Self {
        Self {
            row,
            sign: 1.0,
            place: None,
        }
    }
}

/// Bands of assets' responses, `[asset][horizon][shock]`: the autoregression and every asset's equation are simulated and
/// estimated again, all assets on the same draws, whose rows they share with the factors. Missing returns stay missing
/// with the residual that is drawn. Costs one autoregression a draw and a small matrix product an asset.
///
/// # Errors
/// As [`bootstrap_bands`]; `BadOption` for variance shares, which need the noise of the assets too.
pub fn asset_bootstrap_bands(
    series: &[f64],
    fit: &Var,
    sample: &AssetSample,
    options: &ResponseOptions,
    bootstrap: &BootstrapOptions,
    control: &Control,
) -> Result<Bands, LinearError> {
    check(series, fit, bootstrap)?;
    let k = fit.series;
    check_assets(sample, series.len() / k)?;
    if bootstrap.statistic == Statistic::VarianceShares {
        return Err(LinearError::BadOption {
            name: "statistic",
            value: 1.0,
            remedy: "ask for the responses of assets",
        });
    }
    let first = fit.order.max(sample.lags - 1);
    let noise = Noise::new(fit, bootstrap.resampling);
    let mut samples: Vec<Result<FactorSample, LinearError>> = Vec::new();
    samples.resize_with(bootstrap.draws, || Err(LinearError::Cancelled));
    for_each(
        samples.iter_mut().enumerate().collect(),
        control,
        |done| control.report(0.3 * done),
        |(draw, out)| {
            let picks = noise.draw(&mut SplitMix::stream(bootstrap.seed, draw as u64));
            let history = simulate(series, fit, &noise.innovations(&picks));
            *out = least_squares(&history, history.len() / k, k, fit.order)
                .and_then(|drawn| equation_responses(&drawn, options, sample.lags))
                .map(|weights| FactorSample {
                    design: lagged_rows(&history, k, sample.lags, first),
                    // Residual u of the factors is that of row u + order; equations start at row `first`.
                    drawn: picks[first - fit.order..]
                        .iter()
                        .map(|pick| Some(((pick.row + fit.order).checked_sub(first)?, pick.sign)))
                        .collect(),
                    weights,
                });
        },
    )?;
    let samples = samples.into_iter().collect::<Result<Vec<_>, _>>()?;
    let base = FactorSample {
        design: lagged_rows(series, k, sample.lags, first),
        drawn: (first..series.len() / k).map(|t| Some((t - first, 1.0))).collect(),
        weights: equation_responses(fit, options, sample.lags)?,
    };
    let returns = &sample.returns[first * sample.assets..];
    asset_bands(&base, &samples, returns, sample.assets, bootstrap.level, control)
}

/// First p rows as they were, then the recursion on drawn innovations.
fn simulate(series: &[f64], fit: &Var, innovations: &[f64]) -> Vec<f64> {
    let (k, p) = (fit.series, fit.order);
    let mut out = series[..p * k].to_vec();
    out.reserve(innovations.len());
    for u in innovations.chunks_exact(k) {
        let now = out.len();
        for (a, u) in u.iter().enumerate() {
            let mut value = fit.intercept[a] + u;
            for lag in 1..=p {
                let before = &out[now - lag * k..now - (lag - 1) * k];
                let row = &fit.lag(lag)[a * k..(a + 1) * k];
                value += row.iter().zip(before).map(|(c, y)| c * y).sum::<f64>();
            }
            out.push(value);
        }
    }
    out
}

/// Quantile of sorted values, linear between them (definition 7 of Hyndman and Fan 1996).
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let low = place.floor() as usize;
    let high = place.ceil() as usize;
    sorted[low] + (place - low as f64) * (sorted[high] - sorted[low])
}
