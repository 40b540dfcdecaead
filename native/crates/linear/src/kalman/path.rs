use std::ops::Range;

use macrograd_simd::Control;

use super::KalmanModel;
use super::adaptive::{Adapted, Adaption, KalmanNoise};
use super::recursion::{Recursion, Step};
use super::square_root::Factors;
use super::states::States;
use crate::lanes::LANES;
use crate::panel::Group;
use crate::parallel::for_each;
use crate::path::PathRange;
use crate::{LinearError, Panel};

/// Patterns of missing rows whose covariances lie in memory at one time.
const PATTERNS_AT_ONCE: usize = 64;

/// A coefficient is unknown while more than this share of its initial, infinite variance is left.
const UNKNOWN: f64 = 1e-9;

/// Which data a state is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KalmanReading {
    /// Data up to the row: what was known at the time.
    Filtered,
    /// All data: uses the future.
    Smoothed,
}

/// What stands for a covariance in the recursions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KalmanForm {
    /// The covariance itself, updated in Joseph's form.
    #[default]
    Covariance,
    /// A factor of it, updated by reflections: twice the digits where regressors are nearly collinear, at several times the
    /// cost.
    SquareRoot,
}

/// Options of [`kalman_path`].
#[derive(Debug, Clone, Copy)]
pub struct KalmanOptions<'a> {
    /// Filter or smoother.
    pub reading: KalmanReading,
    /// Whole covariance matrices in place of variances.
    pub full_covariance: bool,
    /// `[asset]`: noise variances; by default each asset's maximum-likelihood one.
    pub noise: Option<&'a [f64]>,
    /// Fewest returns for an estimate.
    pub min_observations: usize,
    /// What the noise is like; anything but Gaussian takes a covariance recursion an asset.
    pub disturbance: KalmanNoise,
    /// Blocks of columns whose states add up to one coefficient (mean and deviation of a reverting one); 1 = none.
    /// Results then have columns / parts columns, and no full covariance.
    pub parts: usize,
    /// Of filter and smoother; the fixed point of fat tails and moving volatility is found in the covariance form.
    pub form: KalmanForm,
}

/// States of assets over rows.
#[derive(Debug, Clone)]
pub struct KalmanPath {
    /// `[asset][row][column]`; NaN where the data have not told yet, or with too few returns.
    pub coefficients: Vec<f64>,
    /// `[asset][row][column]`, or `[asset][row][column][column]`.
    pub variances: Vec<f64>,
    /// `[asset]`: noise variance s^2.
    pub noise: Vec<f64>,
    /// `[asset]`: log-likelihood at that noise, exactly diffuse.
    pub log_likelihood: Vec<f64>,
    /// `[asset]`: returns used, over all rows.
    pub observations: Vec<u32>,
    /// `[asset]`: degrees of freedom of Student's t (infinite = normal), or step variance of log volatility (0 =
    /// constant); NaN for Gaussian noise.
    pub shape: Vec<f64>,
}

/// What one asset's results are written to.
struct Slot<'a> {
    coefficients: &'a mut [f64],
    variances: &'a mut [f64],
    noise: &'a mut f64,
    log_likelihood: &'a mut f64,
    observations: &'a mut u32,
    shape: &'a mut f64,
}

impl Slot<'_> {
    /// Too few returns.
    fn void(&mut self) {
        self.coefficients.fill(f64::NAN);
        self.variances.fill(f64::NAN);
    }
}

/// States of the range's rows and assets; `models` has one entry for all assets or one an asset of the panel.
///
/// # Errors
/// `BadOption` or `ShapeMismatch` for a model that does not fit, `Cancelled`.
///
/// ```
/// use macrograd_linear::{KalmanForm, KalmanModel, KalmanNoise, KalmanOptions, KalmanReading, Panel, PathRange, kalman_path};
/// // A level that does not move: the filter is the running mean.
/// let panel = Panel::new(&[1.0, 1.0, 1.0], &[1.0, 3.0, 8.0], 3, 1, 1)?;
/// let options = KalmanOptions {
///     reading: KalmanReading::Filtered,
///     full_covariance: false,
///     noise: None,
///     min_observations: 2,
///     disturbance: KalmanNoise::Gaussian,
///     parts: 1,
///     form: KalmanForm::Covariance,
/// };
/// let range = PathRange { rows: 0..3, assets: 0..1 };
/// let control = macrograd_simd::Control::with_threads(1);
/// let path = kalman_path(&panel, &[KalmanModel::diffuse(vec![0.0])], &options, &range, &control)?;
/// assert_eq!(path.coefficients, [1.0, 2.0, 4.0]);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn kalman_path(
    panel: &Panel,
    models: &[KalmanModel],
    options: &KalmanOptions,
    range: &PathRange,
    control: &Control,
) -> Result<KalmanPath, LinearError> {
    check(panel, models, options, range)?;
    let (assets, rows, k) = (range.assets.len(), range.rows.len(), panel.columns / options.parts);
    let width = if options.full_covariance { k * k } else { k };
    let mut out = KalmanPath {
        // Zeros come from fresh pages, which are then touched once.
        coefficients: vec![0.0; assets * rows * k],
        variances: vec![0.0; assets * rows * width],
        noise: vec![f64::NAN; assets],
        log_likelihood: vec![f64::NAN; assets],
        observations: vec![0; assets],
        shape: vec![f64::NAN; assets],
    };
    let mut slots = slots(&mut out, rows * k, rows * width);
    let together = models.len() == 1 && options.disturbance == KalmanNoise::Gaussian;
    let limit = if together { usize::MAX } else { 1 };
    let groups = panel.groups(range.assets.clone(), limit);
    let total = groups.len().max(1) as f64;
    for (batch, groups) in groups.chunks(PATTERNS_AT_ONCE).enumerate() {
        control.report((batch * PATTERNS_AT_ONCE) as f64 / total);
        run_batch(panel, models, options, range, control, groups, &mut slots)?;
    }
    control.report(1.0);
    Ok(out)
}

fn run_batch(
    panel: &Panel,
    models: &[KalmanModel],
    options: &KalmanOptions,
    range: &PathRange,
    control: &Control,
    groups: &[Group],
    slots: &mut [Option<Slot>],
) -> Result<(), LinearError> {
    let model_of = |group: &Group| &models[if models.len() == 1 { 0 } else { group.assets[0] }];
    let mut patterns: Vec<Option<Pattern>> = (0..groups.len()).map(|_| None).collect();
    let enough = |group: &Group| group.observed.iter().filter(|&&seen| seen).count() >= options.min_observations.max(1);
    let tasks: Vec<_> = patterns
        .iter_mut()
        .zip(groups)
        .filter(|(_, group)| enough(group))
        .collect();
    for_each(
        tasks,
        control,
        |_| (),
        |(slot, group)| {
            *slot = Some(Pattern::new(panel, group, model_of(group), options));
        },
    )?;
    let mut tasks = Vec::new();
    for (pattern, group) in patterns.iter().zip(groups) {
        for assets in group.assets.chunks(LANES) {
            let own: Vec<Slot> = assets
                .iter()
                .filter_map(|&asset| slots[asset - range.assets.start].take())
                .collect();
            tasks.push((pattern, group, assets, own));
        }
    }
    for_each(
        tasks,
        control,
        |_| (),
        |(pattern, group, assets, mut own)| {
            let count = group.observed.iter().filter(|&&seen| seen).count();
            own.iter_mut().for_each(|slot| *slot.observations = count as u32);
            match pattern {
                Some(pattern) => pattern.write(panel, assets, &mut own, options, range),
                None => own.iter_mut().for_each(Slot::void),
            }
        },
    )
}

/// Covariances of one pattern of missing rows.
struct Pattern<'a> {
    recursion: Recursion<'a>,
    /// `[row][column][column]`, in units of the noise variance; empty for the filter.
    smoothed: Vec<f64>,
    /// `[row][column][column]` of the square-root smoother.
    pulls: Option<Vec<f64>>,
    /// `[row][coefficient]`: variance in the same units; NaN while no data have told about it.
    spread: Vec<f64>,
    initial_mean: &'a [f64],
    adapted: Option<Adapted>,
}

impl<'a> Pattern<'a> {
    fn new(panel: &'a Panel<'a>, group: &Group, model: &'a KalmanModel, options: &KalmanOptions) -> Self {
        let smooth = options.reading == KalmanReading::Smoothed;
        let kind = options.disturbance;
        let adapted = (kind != KalmanNoise::Gaussian).then(|| {
            let adaption = Adaption {
                panel,
                group,
                model,
                kind,
            };
            adaption.run(smooth)
        });
        let noise = adapted.as_ref().map(|adapted| adapted.noise.clone());
        let (recursion, smoothed, pulls) = match options.form {
            KalmanForm::Covariance => {
                let recursion = Recursion::with_noise(panel, &group.observed, model, noise);
                let smoothed = if smooth {
                    recursion.smooth(true).covariance
                } else {
                    Vec::new()
                };
                (recursion, smoothed, None)
            }
            KalmanForm::SquareRoot => {
                let (recursion, factors) = Factors::filter(panel, &group.observed, model, noise);
                match smooth.then(|| factors.smooth()) {
                    Some(found) => (recursion, found.covariance, Some(found.pulls)),
                    None => (recursion, Vec::new(), None),
                }
            }
        };
        let mut own = Self {
            recursion,
            smoothed,
            pulls,
            spread: Vec::new(),
            initial_mean: &model.initial_mean,
            adapted,
        };
        own.spread = own.spread(panel, options);
        own
    }

    /// `[row][column][column]` that is read.
    fn covariances(&self) -> &[f64] {
        if self.smoothed.is_empty() {
            &self.recursion.filtered
        } else {
            &self.smoothed
        }
    }

    /// Variances of coefficients, sums over their parts.
    fn spread(&self, panel: &Panel, options: &KalmanOptions) -> Vec<f64> {
        let k = panel.columns;
        let width = k / options.parts;
        let smooth = options.reading == KalmanReading::Smoothed;
        let mut out = Vec::with_capacity(panel.rows * width);
        for (row, covariance) in self.covariances().chunks_exact((k * k).max(1)).enumerate() {
            for j in 0..width {
                let own = || (j..k).step_by(width);
                let sum: f64 = own().flat_map(|a| own().map(move |b| covariance[a * k + b])).sum();
                let unknown = own().any(|column| self.unknown(row, column, smooth));
                out.push(if unknown { f64::NAN } else { sum.max(0.0) });
            }
        }
        out
    }

    fn write(&self, panel: &Panel, assets: &[usize], slots: &mut [Slot], options: &KalmanOptions, range: &PathRange) {
        let states = States::<LANES>::filter(panel, assets, &self.recursion, self.initial_mean);
        let sums = Sums::of(&self.recursion);
        let smooth = options.reading == KalmanReading::Smoothed;
        let smoothed = match &self.pulls {
            Some(pulls) => states.smooth_by(pulls),
            None if smooth => states.smooth(),
            None => Vec::new(),
        };
        let values = if smooth { &smoothed } else { &states.filtered };
        for (lane, (slot, &asset)) in slots.iter_mut().zip(assets).enumerate() {
            let squares = states.squares[lane];
            let noise = options.noise.map_or_else(|| sums.noise(squares), |noise| noise[asset]);
            *slot.noise = noise;
            *slot.log_likelihood = sums.log_likelihood(squares, noise);
            if let Some(adapted) = &self.adapted {
                *slot.shape = adapted.shape;
                *slot.log_likelihood = adapted.log_likelihood;
            }
            let read = Read {
                values,
                pattern: self,
                columns: panel.columns,
                parts: options.parts,
                noise,
                lane,
            };
            read.coefficients(range.rows.clone(), slot.coefficients);
            if options.full_covariance {
                read.covariances(range.rows.clone(), slot.variances);
            } else {
                read.variances(range.rows.clone(), slot.variances);
            }
        }
    }

    /// No data have told about the coefficient up to the row (or at all, for the smoother).
    fn unknown(&self, row: usize, column: usize, smoothed: bool) -> bool {
        let k = self.recursion.gains.len() / self.recursion.steps.len().max(1);
        let row = if smoothed { self.recursion.steps.len() - 1 } else { row };
        row < self.recursion.diffuse_rows && self.recursion.diffuse[(row * k + column) * k + column] > UNKNOWN
    }
}

/// One asset's states on their way out.
struct Read<'r> {
    /// `[row][column]`.
    values: &'r [[f64; LANES]],
    pattern: &'r Pattern<'r>,
    columns: usize,
    parts: usize,
    noise: f64,
    lane: usize,
}

impl Read<'_> {
    /// `[row][coefficient]`: sums over parts.
    fn coefficients(&self, rows: Range<usize>, out: &mut [f64]) {
        let (k, width) = (self.columns, self.columns / self.parts);
        let spread = &self.pattern.spread[rows.start * width..rows.end * width];
        let values = self.values[rows.start * k..rows.end * k].chunks_exact(k.max(1));
        let places = out
            .chunks_exact_mut(width.max(1))
            .zip(spread.chunks_exact(width.max(1)));
        for ((out, spread), values) in places.zip(values) {
            out.fill(0.0);
            for part in values.chunks_exact(width) {
                for (out, value) in out.iter_mut().zip(part) {
                    *out += value[self.lane];
                }
            }
            for (out, spread) in out.iter_mut().zip(spread) {
                *out = if spread.is_nan() { f64::NAN } else { *out };
            }
        }
    }

    /// `[row][coefficient]`.
    fn variances(&self, rows: Range<usize>, out: &mut [f64]) {
        let width = self.columns / self.parts;
        let spread = &self.pattern.spread[rows.start * width..rows.end * width];
        for (out, spread) in out.iter_mut().zip(spread) {
            *out = self.noise * spread;
        }
    }

    /// `[row][column][column]`, without parts.
    fn covariances(&self, rows: Range<usize>, out: &mut [f64]) {
        let k = self.columns;
        let all = &self.pattern.covariances()[rows.start * k * k..rows.end * k * k];
        let spread = &self.pattern.spread[rows.start * k..rows.end * k];
        let places = out.chunks_exact_mut(k.max(1)).zip(all.chunks_exact(k.max(1)));
        for ((out, own), spread) in places.zip(spread) {
            for (out, own) in out.iter_mut().zip(own) {
                *out = if spread.is_nan() { f64::NAN } else { self.noise * own };
            }
        }
    }
}

/// What the likelihood needs of a pattern's covariances.
pub(crate) struct Sums {
    /// Returns that fixed no diffuse direction.
    pub regular: f64,
    pub observations: f64,
    pub log_variances: f64,
}

impl Sums {
    pub(crate) fn of(recursion: &Recursion) -> Self {
        let mut sums = Self {
            regular: 0.0,
            observations: 0.0,
            log_variances: 0.0,
        };
        for step in &recursion.steps {
            match *step {
                Step::Missing => continue,
                Step::Regular { variance } => {
                    sums.regular += 1.0;
                    sums.log_variances += variance.ln();
                }
                Step::Diffuse { variance } => sums.log_variances += variance.ln(),
            }
            sums.observations += 1.0;
        }
        sums
    }

    /// Maximum-likelihood noise variance.
    pub(crate) fn noise(&self, squares: f64) -> f64 {
        squares / self.regular
    }

    pub(crate) fn log_likelihood(&self, squares: f64, noise: f64) -> f64 {
        let constant = self.observations * std::f64::consts::TAU.ln();
        -0.5 * (constant + self.log_variances + self.regular * noise.ln() + squares / noise)
    }
}

fn slots<'a>(out: &'a mut KalmanPath, coefficients: usize, variances: usize) -> Vec<Option<Slot<'a>>> {
    let mut coefficient = out.coefficients.chunks_mut(coefficients.max(1));
    let mut variance = out.variances.chunks_mut(variances.max(1));
    let scalars = out
        .noise
        .iter_mut()
        .zip(&mut out.log_likelihood)
        .zip(&mut out.observations)
        .zip(&mut out.shape);
    scalars
        .map(|(((noise, log_likelihood), observations), shape)| {
            Some(Slot {
                coefficients: coefficient.next().unwrap_or_default(),
                variances: variance.next().unwrap_or_default(),
                noise,
                log_likelihood,
                observations,
                shape,
            })
        })
        .collect()
}

fn check(panel: &Panel, models: &[KalmanModel], options: &KalmanOptions, range: &PathRange) -> Result<(), LinearError> {
    range.check(panel)?;
    models.iter().try_for_each(|model| model.check(panel))?;
    let fits = options.parts > 0 && panel.columns.is_multiple_of(options.parts);
    if !fits || (options.parts > 1 && options.full_covariance) {
        return Err(LinearError::BadOption {
            name: "parts",
            value: options.parts as f64,
            remedy: "give a divisor of the number of columns, and 1 with full covariances",
        });
    }
    let expected = panel.assets;
    if models.len() != 1 && models.len() != expected {
        return Err(LinearError::ShapeMismatch {
            name: "models",
            expected,
            actual: models.len(),
        });
    }
    match options.noise {
        Some(noise) if noise.len() != expected => Err(LinearError::ShapeMismatch {
            name: "noise",
            expected,
            actual: noise.len(),
        }),
        _ => Ok(()),
    }
}
