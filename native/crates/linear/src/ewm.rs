use std::ops::Range;

use macrograd_simd::Control;

use crate::aggregate::Scheme;
use crate::moving::{Moving, moving_path};
use crate::moving_hac::MovingErrors;
use crate::prior::{CrossSection, cross_section};
use crate::validation::strength_errors;
use crate::{LinearError, Panel, Path, PathRange};

/// Options of [`ewm_path`] and [`ewm_prior`].
#[derive(Debug, Clone)]
pub struct EwmOptions {
    /// Rows after which a weight has halved; missing rows age too.
    pub half_life: f64,
    /// Fewest observations for an estimate; rank + 1 are always needed.
    pub min_observations: usize,
    /// Whether to compute variances.
    pub variances: bool,
    /// How, for the plain estimate; a posterior has its own variance.
    pub errors: MovingErrors,
    /// Columns that are not shrunk to zero (a constant), though to the cross-section.
    pub free_columns: Vec<usize>,
}

impl EwmOptions {
    fn moving(&self) -> Result<Moving<'_>, LinearError> {
        if self.half_life.is_finite() && self.half_life > 0.0 {
            return Ok(Moving {
                scheme: Scheme::Decay {
                    half_life: self.half_life,
                },
                min_observations: self.min_observations,
                variances: self.variances,
                errors: self.errors,
                free_columns: &self.free_columns,
            });
        }
        let remedy = "give a positive, finite number of rows";
        Err(LinearError::BadOption {
            name: "half_life",
            value: self.half_life,
            remedy,
        })
    }
}

/// Exponentially weighted least squares at every row, from data up to that row; with a prior, its posterior.
///
/// Without a prior: b = (X'WX)^-1 X'Wy with variance s^2 (X'WX)^-1 X'W^2X (X'WX)^-1 (the weights say how much a row
/// matters, not how noisy it is) and s^2 = e'We / (sum w - tr((X'WX)^-1 X'W^2X)), which is unbiased.
///
/// With a prior (made by [`ewm_prior`] from the same panel and options): posterior mean and variance of beta_i
/// given the asset's and the market's estimates, which share noise; see [`CrossSection`]. The variance is read with tau2 and
/// gamma2 one standard error above their estimates, and takes in what that does to the mean.
///
/// # Errors
/// `BadOption`, `ShapeMismatch` (a prior of another panel), `Cancelled`.
///
/// ```
/// use macrograd_linear::{EwmOptions, MovingErrors, Panel, PathRange, ewm_path};
/// let design = [1.0, 0.0, 1.0, 1.0, 1.0, 3.0, 1.0, 4.0]; // constant, x
/// let returns = [0.0, 2.0, 6.0, 8.0]; // 2 x
/// let panel = Panel::new(&design, &returns, 4, 2, 1)?;
/// let options = EwmOptions {
///     half_life: 2.0,
///     min_observations: 3,
///     variances: true,
///     errors: MovingErrors::Homoscedastic,
///     free_columns: vec![0],
/// };
/// let control = macrograd_simd::Control::with_threads(1);
/// let path = ewm_path(&panel, &options, None, &PathRange::all(&panel), &control)?;
/// assert!((path.coefficients[7] - 2.0).abs() < 1e-12);
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn ewm_path(
    panel: &Panel,
    options: &EwmOptions,
    prior: Option<&CrossSection>,
    range: &PathRange,
    control: &Control,
) -> Result<Path, LinearError> {
    moving_path(panel, &options.moving()?, prior, range, control)
}

/// Estimates the cross-section of the same regressions at every row, from all assets of the panel; see [`CrossSection`].
///
/// # Errors
/// `BadOption`, `Cancelled`.
pub fn ewm_prior(panel: &Panel, options: &EwmOptions, control: &Control) -> Result<CrossSection, LinearError> {
    cross_section(panel, &options.moving()?, 0..panel.rows, control)
}

/// How well posterior means explain the next row: the squared errors of the returns of rows `rows + 1` by the coefficients
/// as of each of `rows`, summed over assets, for every strength (a factor on the precision of the prior, which is that of
/// [`ewm_prior`]). Rows and assets without an estimate of every coefficient do not count.
///
/// # Errors
/// `BadOption` for rows whose next one does not lie in the panel or a strength that is not positive, `Cancelled`.
///
/// ```
/// use macrograd_linear::{EwmOptions, MovingErrors, Panel, ewm_strength_errors};
/// let design = [1.0, 0.0, 1.0, 1.0, 1.0, 3.0, 1.0, 4.0, 1.0, 2.0]; // constant, x
/// let returns = [0.0, 2.0, 6.0, 8.0, 5.0]; // 2 x, but for 1 more in the last row
/// let panel = Panel::new(&design, &returns, 5, 2, 1)?;
/// let errors = MovingErrors::Homoscedastic;
/// let options = EwmOptions { half_life: 2.0, min_observations: 3, variances: false, errors, free_columns: vec![0] };
/// let control = macrograd_simd::Control::with_threads(1);
/// let squares = ewm_strength_errors(&panel, &options, &[1.0], 3..4, &control)?;
/// assert!((squares[0] - 1.0).abs() < 1e-9); // an estimate without noise is not shrunk
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn ewm_strength_errors(
    panel: &Panel,
    options: &EwmOptions,
    strengths: &[f64],
    rows: Range<usize>,
    control: &Control,
) -> Result<Vec<f64>, LinearError> {
    strength_errors(panel, &options.moving()?, strengths, rows, control)
}
