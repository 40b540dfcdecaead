//! Regressions of many assets on the same, possibly many, features, with a prior estimated from all of them.
//!
//!   y_it = a_i + R_t'c_i + common_t + own_it,   c_i = mu + w_i,   w_i ~ N(0, A),   mu ~ N(0, diag g)
//!
//! A, g and the two noise variances maximise the marginal likelihood (expectation maximisation; Laird and Ware 1982,
//! Efron and Morris 1973): features that no asset needs are shrunk away, those that all share are pooled. Assets that
//! miss the same rows are taken apart into their mean and the deviations from it, which are independent, so that no step
//! of the fit depends on the number of assets but for one product.

mod components;
mod estimation;
mod moments;
mod rank;

use macrograd_simd::Control;

use crate::{LinearError, Panel};
use estimation::{Prior, estimate};
use moments::Pattern;

pub use components::{ComponentOptions, component_heads};

/// Patterns of missing returns that the prior is estimated from, those with the most assets: each costs a few K x K
/// factorisations a step.
const MAX_PATTERNS: usize = 12;

/// Options of [`pooled_heads`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeadOptions {
    /// `[feature]`: block of the feature; g is one number a block.
    pub block: Vec<u32>,
    /// Ridge: mu = 0 and A one number a block. Otherwise every feature has a variance of its own.
    pub ridge: bool,
    /// Share of the estimated covariance between features that A keeps at each step, in [0, 1]; 0 = A is diagonal.
    pub correlation: f64,
    /// Most steps.
    pub max_steps: usize,
    /// Fewest returns of an asset.
    pub min_observations: usize,
    /// Number of directions in which heads may differ between assets.
    pub rank: Rank,
}

/// Rank of A, the prior covariance of the heads' differences: with rank r the returns of all assets rest on their common
/// head and on r sums of features that they share (reduced-rank regression: Izenman 1975, with a prior).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Every feature.
    Full,
    /// So many; 0 = one head for all.
    Fixed(usize),
    /// Of 0 to `most` and the full one, the least that predicts blocks of neighbouring rows, left out in turn, as well as
    /// the best one to one standard error.
    Validated {
        /// Largest reduced rank that is tried.
        most: usize,
        /// Blocks.
        folds: usize,
    },
}

/// Heads of all assets. N assets, K features, P patterns of missing returns.
#[derive(Debug, Clone)]
pub struct PooledHeads {
    /// `[asset][feature]`: posterior means; NaN with too few returns.
    pub heads: Vec<f64>,
    /// `[asset]`: value of the regression where all features are 0.
    pub offsets: Vec<f64>,
    /// `[pattern][feature][feature]`: posterior covariance of the heads, the same for all assets of a pattern.
    pub covariance: Vec<f64>,
    /// `[asset]`: its pattern; -1 with too few returns.
    pub pattern: Vec<i32>,
    /// `[asset]`: returns used.
    pub observations: Vec<u32>,
    /// `[feature]`: mean of the heads over assets, a priori.
    pub mean: Vec<f64>,
    /// `[feature]`: diagonal of A.
    pub spread: Vec<f64>,
    /// Variance of an asset's own noise, and of the noise that all assets share.
    pub noise: (f64, f64),
    /// Steps taken, and whether the variances stood still at the end.
    pub steps: usize,
    /// Whether the variances stood still at the end.
    pub converged: bool,
    /// Rank of A; `None` = full.
    pub rank: Option<usize>,
    /// `[rank]`, the last one of the full rank: root mean square error in rows left out; empty without validation.
    pub rank_errors: Vec<f64>,
}

impl PooledHeads {
    /// What no asset has been fitted to yet.
    fn unfitted(panel: &Panel) -> Self {
        let (n, k) = (panel.assets, panel.columns);
        Self {
            heads: vec![f64::NAN; n * k],
            offsets: vec![f64::NAN; n],
            covariance: Vec::new(),
            pattern: vec![-1; n],
            observations: (0..n)
                .map(|asset| (0..panel.rows).filter(|&row| !panel.value(row, asset).is_nan()).count() as u32)
                .collect(),
            mean: vec![0.0; k],
            spread: vec![0.0; k],
            noise: (f64::NAN, f64::NAN),
            steps: 0,
            converged: false,
            rank: None,
            rank_errors: Vec::new(),
        }
    }
}

/// Posterior means and covariances of all assets' coefficients under the estimated prior.
///
/// The panel's columns are the features, without a constant and of about unit variance; returns too should be of one
/// size, as the noise variance is one for all assets.
///
/// # Errors
/// `ShapeMismatch`, `BadOption` or `Cancelled`.
pub fn pooled_heads(panel: &Panel, options: &HeadOptions, control: &Control) -> Result<PooledHeads, LinearError> {
    check(panel, options)?;
    let k = panel.columns;
    let mut out = PooledHeads::unfitted(panel);
    let (patterns, leading) = usable_patterns(panel, options);
    if patterns.is_empty() {
        return Ok(out);
    }
    (out.rank, out.rank_errors) = match options.rank {
        Rank::Full => (None, Vec::new()),
        Rank::Fixed(rank) => ((rank < k).then_some(rank), Vec::new()),
        Rank::Validated { most, folds } => rank::validated(panel, options, (most, folds), control)?,
    };
    let mut prior = estimate(&patterns[..leading], options, control)?;
    if let Some(rank) = out.rank {
        prior = prior.reduced(&patterns[..leading], options, rank, control)?;
    }
    for (at, pattern) in patterns.iter().enumerate() {
        control.check().map_err(|_| LinearError::Cancelled)?;
        write(&mut out, pattern, &prior, at, k);
    }
    out.spread = (0..k).map(|j| prior.covariance[j * k + j]).collect();
    out.noise = (prior.own_noise, prior.common_noise);
    out.steps = prior.steps;
    out.converged = prior.converged;
    out.mean = prior.mean;
    control.report(1.0);
    Ok(out)
}

/// Patterns of missing returns, those with the most assets first, and how many of them the prior is estimated from.
fn usable_patterns(panel: &Panel, options: &HeadOptions) -> (Vec<Pattern>, usize) {
    let needed = options.min_observations.max(2);
    let mut groups = panel.groups(0..panel.assets, usize::MAX);
    groups.retain(|group| group.observed.iter().filter(|&&seen| seen).count() >= needed);
    groups.sort_by_key(|group| std::cmp::Reverse(group.assets.len()));
    let patterns: Vec<Pattern> = groups.iter().map(|group| Pattern::new(panel, group)).collect();
    let leading = patterns.len().min(MAX_PATTERNS);
    (patterns, leading)
}

fn write(out: &mut PooledHeads, pattern: &Pattern, prior: &Prior, at: usize, k: usize) {
    let posterior = prior.posterior(pattern);
    for ((local, &asset), head) in pattern.assets.iter().enumerate().zip(posterior.heads(prior)) {
        out.offsets[asset] = pattern.offset(local, &head);
        out.heads[asset * k..(asset + 1) * k].copy_from_slice(&head);
        out.pattern[asset] = at as i32;
    }
    out.covariance.extend(posterior.covariance(prior));
}

fn check(panel: &Panel, options: &HeadOptions) -> Result<(), LinearError> {
    if options.block.len() != panel.columns {
        let (expected, actual) = (panel.columns, options.block.len());
        return Err(LinearError::ShapeMismatch {
            name: "block",
            expected,
            actual,
        });
    }
    if !(0.0..=1.0).contains(&options.correlation) {
        let remedy = "give a share in [0, 1]";
        return Err(LinearError::BadOption {
            name: "correlation",
            value: options.correlation,
            remedy,
        });
    }
    rank::check(options)
}
