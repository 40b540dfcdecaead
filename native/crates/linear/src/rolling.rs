use macrograd_simd::Control;

use crate::aggregate::Scheme;
use crate::moving_hac::MovingErrors;
use crate::path::{PathSetup, run_path, run_path_into};
use crate::{LinearError, Panel, Path, PathBuffers, PathEnd, PathRange};

/// Options of [`rolling_ols`].
#[derive(Debug, Clone, Copy)]
pub struct RollingOptions {
    /// Rows that a window covers, the row of the estimate being its last; missing rows count.
    pub window: usize,
    /// Fewest observations for an estimate; rank + 1 are always needed. Windows cut off by the panel's start count too.
    pub min_observations: usize,
    /// Whether to compute variances.
    pub variances: bool,
    /// How.
    pub errors: MovingErrors,
}

/// Least squares over the last `window` rows, at every row: coefficients and variances.
///
/// O(K^2) a row and asset; with HAC errors O(window K lags) besides. Cross-products are summed without subtraction, so that nothing drifts and nothing that has
/// left the window is felt; a window whose design has a condition number above about 10^3 is solved by QR instead.
///
/// # Errors
/// `BadOption`, `Cancelled`.
///
/// ```
/// use macrograd_linear::{MovingErrors, Panel, PathRange, RollingOptions, rolling_ols};
/// let design = [1.0, 0.0, 1.0, 1.0, 1.0, 3.0, 1.0, 4.0]; // constant, x
/// let returns = [0.0, 2.0, 6.0, 9.0];
/// let panel = Panel::new(&design, &returns, 4, 2, 1)?;
/// let errors = MovingErrors::Homoscedastic;
/// let options = RollingOptions { window: 3, min_observations: 3, variances: true, errors };
/// let path = rolling_ols(&panel, &options, &PathRange::all(&panel), &macrograd_simd::Control::with_threads(1))?;
/// assert!(path.coefficients[3].is_nan()); // row 1: two observations
/// assert!((path.coefficients[5] - 2.0).abs() < 1e-12); // row 2: y = 2 x so far
/// # Ok::<(), macrograd_linear::LinearError>(())
/// ```
pub fn rolling_ols(
    panel: &Panel,
    options: &RollingOptions,
    range: &PathRange,
    control: &Control,
) -> Result<Path, LinearError> {
    let setup = setup(panel, options)?;
    run_path(
        panel,
        &setup,
        range,
        control,
        |_, _| (),
        |(), mut output| output.write_plain(),
    )
}

/// As [`rolling_ols`], into the caller's memory: used again from call to call, it saves the first touch of fresh pages, which
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
    let setup = setup(panel, options)?;
    run_path_into(
        panel,
        &setup,
        range,
        buffers,
        control,
        |_, _| (),
        |(), mut output| output.write_plain(),
    )
}

fn setup<'a>(panel: &Panel, options: &RollingOptions) -> Result<PathSetup<'a>, LinearError> {
    if options.window < 2 {
        let remedy = "a window needs at least 2 rows";
        return Err(LinearError::BadOption {
            name: "window",
            value: options.window as f64,
            remedy,
        });
    }
    Ok(PathSetup {
        // A window longer than the panel is the panel.
        scheme: Scheme::Sliding {
            window: options.window.min(panel.rows.max(2)),
        },
        min_observations: options.min_observations,
        market: None,
        variances: options.variances,
        errors: options.errors,
    })
}
