//! Regressions whose coefficients and noise switch between regimes that follow a Markov chain (Hamilton 1989, 1990).
//!
//!   r_it = x_t'b_i(S) + s_i(S) e_it,   P(S_t+1 = j | S_t = i) = p_ij,   S at the first row from the chain's ergodic law
//!
//! Each asset has regimes of its own. A missing return says nothing about the regime; the chain moves on.

mod chain;
mod climb;
mod filter;
mod starts;

use macrograd_simd::Control;

use crate::panel::Group;
use crate::parallel::for_each;
use crate::{LinearError, Panel};
use climb::Climb;
use filter::{Inference, infer};

/// Assets of a task.
const ASSETS_PER_TASK: usize = 16;

/// One asset's parameters. K columns, R regimes.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkovModel {
    /// `[regime][column]`.
    pub coefficients: Vec<f64>,
    /// `[regime]`, variance of the noise.
    pub noise: Vec<f64>,
    /// `[from][to]`, rows sum to 1.
    pub transition: Vec<f64>,
}

/// Probabilities of the regimes under given parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkovPath {
    /// `[asset]`.
    pub log_likelihood: Vec<f64>,
    /// `[asset][row][regime]`, given data up to the row.
    pub filtered: Vec<f64>,
    /// `[asset][row][regime]`, given all data: uses the future.
    pub smoothed: Vec<f64>,
}

/// Options of [`markov_switching`].
#[derive(Debug, Clone, Copy)]
pub struct MarkovOptions {
    /// 2 or 3.
    pub regimes: usize,
    /// Whether the noise switches as well as the coefficients.
    pub switching_noise: bool,
    /// Starting points of the search.
    pub starts: usize,
    /// Seed of the drawn ones.
    pub seed: u64,
    /// Share of an asset's returns that every regime must hold on average; a regime of a handful of rows has an unbounded
    /// likelihood and is none.
    pub least_share: f64,
    /// Fewest returns of an asset; regimes times (columns + 2) are always needed.
    pub min_observations: usize,
}

/// Markov-switching regressions of all assets, regimes by ascending noise. NaN where an asset was not estimated.
#[derive(Debug, Clone, PartialEq)]
pub struct Markov {
    /// `[asset][regime][column]`; NaN for a column that depends on columns before it.
    pub coefficients: Vec<f64>,
    /// Variances of `coefficients`, same shape, by the inverse of the observed information; NaN where it is not positive.
    pub variances: Vec<f64>,
    /// `[asset][regime]`.
    pub noise: Vec<f64>,
    /// `[asset][from][to]`.
    pub transition: Vec<f64>,
    /// Probabilities and likelihoods at the estimates.
    pub path: MarkovPath,
    /// `[asset]`, returns used.
    pub observations: Vec<u32>,
    /// `[asset]`: the score vanished and every regime holds its share.
    pub converged: Vec<bool>,
}

/// What one asset's estimation gives.
struct AssetFit {
    asset: usize,
    model: MarkovModel,
    variances: Vec<f64>,
    inference: Inference,
    converged: bool,
}

/// Maximum-likelihood Markov-switching regressions, asset by asset: EM (Hamilton 1990) from several starts, the best of
/// them brought to the maximum of the exact likelihood by BFGS with the exact score.
///
/// # Errors
/// `BadOption`, `Cancelled`.
///
/// ```
/// use macrograd_linear::{MarkovOptions, Panel, markov_switching};
/// // A level of 0 for 40 rows, then one of 5.
/// let returns: Vec<f64> = (0..80_u32).map(|t| f64::from(t / 40) * 5.0 + f64::from(t * 7 % 11) / 10.0).collect();
/// let panel = Panel::new(&[1.0; 80], &returns, 80, 1, 1)?;
/// let options = MarkovOptions {
///     regimes: 2,
///     switching_noise: false,
///     starts: 4,
///     seed: 1,
///     least_share: 0.05,
///     min_observations: 20,
/// };
/// let fit = markov_switching(&panel, &options, &macrograd_simd::Control::with_threads(1))?;
/// let (low, high) = (fit.coefficients[0].min(fit.coefficients[1]), fit.coefficients[0].max(fit.coefficients[1]));
/// assert!((high - low - 5.0).abs() < 0.1);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn markov_switching(panel: &Panel, options: &MarkovOptions, control: &Control) -> Result<Markov, LinearError> {
    check(options)?;
    let (n, k, t, r) = (panel.assets, panel.columns, panel.rows, options.regimes);
    let groups = panel.groups(0..n, ASSETS_PER_TASK);
    let mut results: Vec<Vec<AssetFit>> = groups.iter().map(|_| Vec::new()).collect();
    let tasks = groups.iter().zip(&mut results).collect();
    for_each(
        tasks,
        control,
        |done| control.report(done),
        |(group, slot)| *slot = fit_group(panel, options, group),
    )?;
    let mut out = Markov {
        coefficients: vec![f64::NAN; n * r * k],
        variances: vec![f64::NAN; n * r * k],
        noise: vec![f64::NAN; n * r],
        transition: vec![f64::NAN; n * r * r],
        path: MarkovPath {
            log_likelihood: vec![f64::NAN; n],
            filtered: vec![f64::NAN; n * t * r],
            smoothed: vec![f64::NAN; n * t * r],
        },
        observations: vec![0; n],
        converged: vec![false; n],
    };
    for group in &groups {
        let seen = group.observed.iter().filter(|&&seen| seen).count();
        group
            .assets
            .iter()
            .for_each(|&asset| out.observations[asset] = seen as u32);
    }
    for fit in results.into_iter().flatten() {
        let put = |out: &mut [f64], values: &[f64]| {
            out[fit.asset * values.len()..(fit.asset + 1) * values.len()].copy_from_slice(values);
        };
        put(&mut out.coefficients, &fit.model.coefficients);
        put(&mut out.variances, &fit.variances);
        put(&mut out.noise, &fit.model.noise);
        put(&mut out.transition, &fit.model.transition);
        put(&mut out.path.filtered, &fit.inference.filtered);
        put(&mut out.path.smoothed, &fit.inference.smoothed);
        out.path.log_likelihood[fit.asset] = fit.inference.log_likelihood;
        out.converged[fit.asset] = fit.converged;
    }
    Ok(out)
}

fn fit_group(panel: &Panel, options: &MarkovOptions, group: &Group) -> Vec<AssetFit> {
    let seen = group.observed.iter().filter(|&&seen| seen).count();
    if seen < options.min_observations.max(options.regimes * (panel.columns + 2)) {
        return Vec::new();
    }
    let fit = |&asset: &usize| {
        let (model, variances, converged) = Climb::new(panel, options, &group.observed, asset)?.run()?;
        let inference = inference_of(panel, &group.observed, asset, &model);
        Some(AssetFit {
            asset,
            model,
            variances,
            inference,
            converged,
        })
    };
    group.assets.iter().filter_map(fit).collect()
}

/// Probabilities of the regimes and likelihoods of all assets under given parameters, one model an asset.
///
/// # Errors
/// `ShapeMismatch` for models that do not fit the panel.
pub fn markov_path(panel: &Panel, models: &[MarkovModel]) -> Result<MarkovPath, LinearError> {
    let mismatch = |name, actual, expected| Err(LinearError::ShapeMismatch { name, expected, actual });
    if models.len() != panel.assets {
        return mismatch("models", models.len(), panel.assets);
    }
    let mut out = MarkovPath {
        log_likelihood: Vec::with_capacity(panel.assets),
        filtered: Vec::new(),
        smoothed: Vec::new(),
    };
    let complete = panel.complete_rows();
    for (asset, model) in models.iter().enumerate() {
        let regimes = model.noise.len();
        if model.coefficients.len() != regimes * panel.columns {
            return mismatch("coefficients", model.coefficients.len(), regimes * panel.columns);
        }
        if model.transition.len() != regimes * regimes {
            return mismatch("transition", model.transition.len(), regimes * regimes);
        }
        let observed: Vec<bool> = (0..panel.rows)
            .map(|row| complete[row] && !panel.value(row, asset).is_nan())
            .collect();
        let inference = inference_of(panel, &observed, asset, model);
        out.log_likelihood.push(inference.log_likelihood);
        out.filtered.extend(inference.filtered);
        out.smoothed.extend(inference.smoothed);
    }
    Ok(out)
}

fn inference_of(panel: &Panel, observed: &[bool], asset: usize, model: &MarkovModel) -> Inference {
    let k = panel.columns;
    let mut densities = Vec::with_capacity(panel.rows * model.noise.len());
    for (row, &observed) in observed.iter().enumerate() {
        for (b, &noise) in model.coefficients.chunks_exact(k.max(1)).zip(&model.noise) {
            let pairs = panel.design_row(row).iter().zip(b);
            // A column that was left out has no coefficient.
            let fitted: f64 = pairs.filter(|(_, b)| !b.is_nan()).map(|(x, b)| x * b).sum();
            let error = panel.value(row, asset) - fitted;
            densities.push(if observed {
                filter::log_density(error, noise)
            } else {
                0.0
            });
        }
    }
    infer(&densities, &model.transition, model.noise.len())
}

fn check(options: &MarkovOptions) -> Result<(), LinearError> {
    let bad = |name, value, remedy| Err(LinearError::BadOption { name, value, remedy });
    if !(2..=3).contains(&options.regimes) {
        return bad("regimes", options.regimes as f64, "give 2 or 3");
    }
    if options.starts == 0 {
        return bad("starts", 0.0, "give at least 1");
    }
    if !(options.least_share >= 0.0 && options.least_share < 1.0 / options.regimes as f64) {
        return bad("least_share", options.least_share, "give a share below 1 / regimes");
    }
    Ok(())
}
