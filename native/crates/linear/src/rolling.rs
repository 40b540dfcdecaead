use macrograd_simd::Control;

use crate::aggregate::Scheme;
use crate::moving::{Moving, moving_path};
use crate::moving_hac::MovingErrors;
use crate::path::run_plain_into;
use crate::prior::{CrossSection, cross_section};
use crate::{LinearError, Panel, Path, PathBuffers, PathEnd, PathRange};

/// Options of [`rolling_ols`] and [`rolling_prior`].
#[derive(Debug, Clone)]
pub struct RollingOptions {
    /// Rows that a window covers, the row of the estimate being its last; missing rows count.
    pub window: usize,
    /// Fewest observations for an estimate; rank + 1 are always needed. Windows cut off by the panel's start count too.
    pub min_observations: usize,
    /// Whether to compute variances.
    pub variances: bool,
    /// How, for the plain estimate; a posterior has its own variance.
    pub errors: MovingErrors,
    /// Columns that are not shrunk to zero (a constant), though to the cross-section.
    pub free_columns: Vec<usize>,
}

impl RollingOptions {
    fn moving(&self, panel: &Panel) -> Result<Moving<'_>, LinearError> {
        if self.window < 2 {
            let remedy = "a window needs at least 2 rows";
            return Err(LinearError::BadOption {
                name: "window",
                value: self.window as f64,
                remedy,
            });
        }
        Ok(Moving {
            // A window longer than the panel is the panel.
            scheme: Scheme::Sliding {
                window: self.window.min(panel.rows.max(2)),
            },
            min_observations: self.min_observations,
            variances: self.variances,
            errors: self.errors,
            free_columns: &self.free_columns,
        })
    }
}

/// Least squares over the last `window` rows, at every row; with a prior, its posterior.
///
/// O(K^2) a row and asset; with HAC errors O(window K lags) besides. Cross-products are summed without subtraction, so that nothing drifts and nothing that has
/// left the window is felt; a window whose design has a condition number above about 10^3 is solved by QR instead.
///
/// With a prior (made by [`rolling_prior`] from the same panel and options): posterior mean and variance as of
/// [`crate::ewm_path`], with weights of 1 in the window and 0 before it.
///
/// # Errors
/// `BadOption`, `ShapeMismatch` (a prior of another panel), `Cancelled`.
///
/// ```
/// use macrograd_linear::{MovingErrors, Panel, PathRange, RollingOptions, rolling_ols};
/// let design = [1.0, 0.0, 1.0, 1.0, 1.0, 3.0, 1.0, 4.0]; // constant, x
/// let returns = [0.0, 2.0, 6.0, 9.0];
/// let panel = Panel::new(&design, &returns, 4, 2, 1)?;
/// let errors = MovingErrors::Homoscedastic;
/// let options = RollingOptions { window: 3, min_observations: 3, variances: true, errors, free_columns: vec![0] };
/// let path = rolling_ols(&panel, &options, None, &PathRange::all(&panel), &macrograd_simd::Control::with_threads(1))?;
/// assert!(path.coefficients[3].is_nan()); // row 1: two observations
/// assert!((path.coefficients[5] - 2.0).abs() < 1e-12); // row 2: y = 2 x so far
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn rolling_ols(
    panel: &Panel,
    options: &RollingOptions,
    prior: Option<&CrossSection>,
    range: &PathRange,
    control: &Control,
) -> Result<Path, LinearError> {
    moving_path(panel, &options.moving(panel)?, prior, range, control)
}

/// Estimates the cross-section of the same regressions at every row, from all assets of the panel; see [`CrossSection`].
///
/// # Errors
/// `BadOption`, `Cancelled`.
pub fn rolling_prior(panel: &Panel, options: &RollingOptions, control: &Control) -> Result<CrossSection, LinearError> {
    cross_section(panel, &options.moving(panel)?, 0..panel.rows, control)
}

/// As [`rolling_ols`] without a prior, into the caller's memory: used again from call to call, it saves the first touch of fresh pages, which
/// takes longer than the regressions.
///
/// # Errors
/// Those of [`rolling_ols`], `ShapeMismatch`.
pub fn rolling_ols_into(
    panel: &Panel,
    options: &RollingOptions,
    range: &PathRange,
    buffers: PathBuffers,
    control: &Control,
) -> Result<PathEnd, LinearError> {
    run_plain_into(
        panel,
        &options.moving(panel)?.plain_setup(),
        range,
        buffers,
        control,
        true,
    )
}
