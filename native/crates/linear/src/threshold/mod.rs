//! Regressions whose coefficients change where a variable crosses an unknown threshold (Hansen 1996, 2000).
//!
//!   r_it = x_t'a_i + 1[q_t > g] x_t'd_i + e_it
//!
//! With u_t the rows of an orthonormal basis of the design, M = sum over q_t <= g of u_t u_t' and s = sum over the same
//! rows of u_t e_t (e = residuals without a threshold), a threshold at g lowers the residual sum of squares by
//! s'(M - M M)^-1 s. M and its factor serve all assets that miss the same rows, and all bootstrap samples.

mod interval;
mod noise;
mod splits;
mod tally;

use macrograd_simd::Control;

use crate::parallel::for_each;
use crate::{LinearError, Panel};
use interval::confidence;
use noise::multipliers;
use splits::Grid;
use tally::{Tally, tally_group};

/// Assets of a task, which share its factorisations.
const ASSETS_PER_TASK: usize = 64;

/// Tasks whose pooled sums lie in memory at one time.
const TASKS_AT_ONCE: usize = 16;

/// Options of [`threshold_search`].
#[derive(Debug, Clone, Copy)]
pub struct ThresholdOptions<'a> {
    /// `[variable][row]`: what may cross a threshold. A row with a NaN is used by no asset.
    pub variables: &'a [f64],
    /// Share of the rows that each side of a threshold keeps at least, in (0, 1/2).
    pub trimming: f64,
    /// Most thresholds that are tried for a variable, by quantiles; every distinct value where there are fewer.
    pub candidates: usize,
    /// Bootstrap samples; 0 = no p-values.
    pub replications: usize,
    /// Seed of the bootstrap's random numbers.
    pub seed: u64,
    /// Coverage of the interval for the threshold, in (0, 1).
    pub confidence: f64,
    /// Fewest returns of an asset; twice the rank + 2 are always needed.
    pub min_observations: usize,
}

/// The likeliest threshold of one asset, or of all together.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdFit {
    /// Number of the variable; 0 where nothing was estimated.
    pub variable: usize,
    /// Rows with the variable at or below it are the lower regime; NaN = not estimated.
    pub threshold: f64,
    /// Thresholds that the likelihood ratio does not refuse (Hansen 2000, with his correction for heteroscedasticity, which
    /// for assets together also takes in the correlation between them): parts `[lower, upper]` that do not meet,
    /// ascending, each from its first such value up to the one after its last, as rows split alike in between. Several
    /// where a second threshold lowers the squares nearly as much.
    pub region: Vec<[f64; 2]>,
    /// Largest Wald statistic over all variables and thresholds; assets together: of its sum over them.
    pub statistic: f64,
    /// Share of bootstrap samples without a threshold whose statistic is as large; NaN without bootstrap.
    pub p_value: f64,
}

impl ThresholdFit {
    pub(crate) const NONE: Self = Self {
        variable: 0,
        threshold: f64::NAN,
        region: Vec::new(),
        statistic: f64::NAN,
        p_value: f64::NAN,
    };

    /// Least interval that holds the whole region; NaN = not estimated.
    pub fn interval(&self) -> (f64, f64) {
        match (self.region.first(), self.region.last()) {
            (Some([lower, _]), Some([_, upper])) => (*lower, *upper),
            _ => (f64::NAN, f64::NAN),
        }
    }
}

/// Thresholds of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdSearch {
    /// `[asset]`, each with a threshold of its own.
    pub assets: Vec<ThresholdFit>,
    /// One threshold for all assets, coefficients of their own.
    pub pooled: ThresholdFit,
}

/// Least-squares thresholds with a test against none.
///
/// The p-value is that of Hansen's (1996, 2000b) heteroscedastic fixed-regressor bootstrap: samples e_t n_t with n_t
/// standard normal, the same for all assets of a date, so that the pooled test keeps their correlation. It takes in the
/// search over variables and thresholds. Returns must not be autocorrelated given the design: scores are taken as
/// martingale differences.
///
/// # Errors
/// `ShapeMismatch` or `BadOption` for options that do not fit, `Cancelled`.
///
/// ```
/// use macrograd_linear::{Panel, ThresholdOptions, threshold_search};
/// // r = x below q = 10, -x above it.
/// let x = |t: usize| ((t * 7919) % 13) as f64 + 1.0;
/// let noise = |t: usize| ((t * 31) % 7) as f64 / 70.0;
/// let design: Vec<f64> = (0..40).flat_map(|t| [1.0, x(t)]).collect();
/// let q: Vec<f64> = (0..40).map(|t| ((t * 17) % 40) as f64).collect();
/// let returns: Vec<f64> = (0..40).map(|t| x(t) * (if q[t] > 10.0 { -1.0 } else { 1.0 }) + noise(t)).collect();
/// let panel = Panel::new(&design, &returns, 40, 2, 1)?;
/// let options = ThresholdOptions {
///     variables: &q,
///     trimming: 0.15,
///     candidates: 200,
///     replications: 99,
///     seed: 1,
///     confidence: 0.9,
///     min_observations: 10,
/// };
/// let found = threshold_search(&panel, &options, &macrograd_simd::Control::with_threads(1))?;
/// assert_eq!(found.assets[0].threshold, 10.0);
/// assert!(found.assets[0].p_value < 0.02);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn threshold_search(
    panel: &Panel,
    options: &ThresholdOptions,
    control: &Control,
) -> Result<ThresholdSearch, LinearError> {
    check(panel, options)?;
    let design = masked_design(panel, options);
    let panel = &Panel {
        design: &design,
        ..*panel
    };
    let grid = Grid::new(panel, options);
    let noise = multipliers(options.seed, options.replications, panel.rows);
    let groups = panel.groups(0..panel.assets, ASSETS_PER_TASK);
    let mut assets = vec![ThresholdFit::NONE; panel.assets];
    let mut pooled = Tally::new(grid.points(), options.replications);
    let total = groups.len().max(1) as f64;
    for (batch, groups) in groups.chunks(TASKS_AT_ONCE).enumerate() {
        let mut results: Vec<Option<tally::GroupResult>> = groups.iter().map(|_| None).collect();
        let tasks = groups.iter().zip(&mut results).collect();
        for_each(
            tasks,
            control,
            |done| control.report((batch * TASKS_AT_ONCE) as f64 / total + done * groups.len() as f64 / total),
            |(group, slot)| *slot = Some(tally_group(panel, options, &grid, &noise, group)),
        )?;
        // In the order of the groups, so that no bit depends on which thread was first.
        for (group, result) in groups.iter().zip(results.into_iter().flatten()) {
            for (&asset, fit) in group.assets.iter().zip(result.fits) {
                assets[asset] = fit;
            }
            pooled.add(&result.pooled);
        }
    }
    let mut best = pooled.best(&grid);
    if best.threshold.is_finite() {
        best.region = confidence(panel, options, &grid, &groups, &best);
    }
    Ok(ThresholdSearch { assets, pooled: best })
}

/// The design with NaN in rows where a variable is missing, which then no asset uses.
fn masked_design(panel: &Panel, options: &ThresholdOptions) -> Vec<f64> {
    let mut design = panel.design.to_vec();
    for variable in options.variables.chunks_exact(panel.rows.max(1)) {
        for (x, q) in design.chunks_exact_mut(panel.columns.max(1)).zip(variable) {
            if q.is_nan() {
                x.fill(f64::NAN);
            }
        }
    }
    design
}

fn check(panel: &Panel, options: &ThresholdOptions) -> Result<(), LinearError> {
    let actual = options.variables.len();
    if actual == 0 || !actual.is_multiple_of(panel.rows.max(1)) {
        let name = "variables";
        let expected = panel.rows * (actual / panel.rows.max(1)).max(1);
        return Err(LinearError::ShapeMismatch { name, expected, actual });
    }
    if let Some(index) = options.variables.iter().position(|q| q.is_infinite()) {
        let name = "variables";
        return Err(LinearError::NotFinite { name, index });
    }
    let bad = |name, value, remedy| Err(LinearError::BadOption { name, value, remedy });
    if !(options.trimming > 0.0 && options.trimming < 0.5) {
        return bad("trimming", options.trimming, "give a share between 0 and 1/2, as .15");
    }
    if !(options.confidence > 0.0 && options.confidence < 1.0) {
        return bad("confidence", options.confidence, "give a share between 0 and 1, as .9");
    }
    if options.candidates == 0 {
        return bad("candidates", 0.0, "try at least 1 threshold");
    }
    Ok(())
}
