use macrograd_simd::Control;

use crate::aggregate::Scheme;
use crate::moving_hac::MovingErrors;
use crate::path::{Output, PathSetup, run_path};
use crate::prior::{EwmPrior, beliefs};
use crate::shrink::{Belief, Prepared};
use crate::stream::WindowRow;
use crate::{LinearError, Panel, Path, PathRange};

/// Options of [`ewm_path`] and [`crate::ewm_prior`].
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
    pub(crate) fn scheme(&self) -> Result<Scheme, LinearError> {
        if self.half_life.is_finite() && self.half_life > 0.0 {
            return Ok(Scheme::Decay {
                half_life: self.half_life,
            });
        }
        let remedy = "give a positive, finite number of rows";
        Err(LinearError::BadOption {
            name: "half_life",
            value: self.half_life,
            remedy,
        })
    }

    pub(crate) fn is_free(&self, column: usize) -> bool {
        self.free_columns.contains(&column)
    }
}

/// Exponentially weighted least squares at every row, from data up to that row; with a prior, its posterior.
///
/// Without a prior: b = (X'WX)^-1 X'Wy with variance s^2 (X'WX)^-1 X'W^2X (X'WX)^-1 (the weights say how much a row
/// matters, not how noisy it is) and s^2 = e'We / (sum w - tr((X'WX)^-1 X'W^2X)), which is unbiased.
///
/// With a prior (made by [`crate::ewm_prior`] from the same panel and options): posterior mean and variance of beta_i
/// given the asset's and the market's estimates, which share noise; see [`EwmPrior`]. The variance is read with tau2 and
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
    prior: Option<&EwmPrior>,
    range: &PathRange,
    control: &Control,
) -> Result<Path, LinearError> {
    let scheme = options.scheme()?;
    let mut setup = PathSetup {
        scheme,
        min_observations: options.min_observations,
        market: None,
        variances: options.variances,
        errors: if prior.is_none() {
            options.errors
        } else {
            MovingErrors::Homoscedastic
        },
    };
    let Some(prior) = prior else {
        return run_path(
            panel,
            &setup,
            range,
            control,
            |_, _| (),
            |(), mut output| output.write_plain(),
        );
    };
    check_prior(panel, prior)?;
    setup.market = Some(&prior.market);
    let expected = beliefs(panel, options, scheme, prior, 0.0);
    if !options.variances {
        return run_path(
            panel,
            &setup,
            range,
            control,
            prepared(&expected),
            |prepared, mut output| match prepared {
                Some(prepared) => prepared.write(&mut output),
                None => output.write_plain(),
            },
        );
    }
    let wide = beliefs(panel, options, scheme, prior, 1.0);
    let prepare = |row, window: &WindowRow| prepared(&expected)(row, window).zip(prepared(&wide)(row, window));
    run_path(
        panel,
        &setup,
        range,
        control,
        prepare,
        |prepared, mut output| match prepared {
            Some((expected, wide)) => write_both(expected, wide, &mut output),
            None => output.write_plain(),
        },
    )
}

fn prepared<'b>(beliefs: &'b [Option<Belief>]) -> impl Fn(usize, &WindowRow) -> Option<Prepared<'b>> {
    |row, window| beliefs[row].as_ref().map(|belief| Prepared::new(belief, window))
}

/// Posterior mean under the estimated prior; its variance under the wider one, plus the squared distance between the
/// two means. A prior variance estimated as zero would otherwise pass for knowledge.
fn write_both(expected: &Prepared, wide: &Prepared, output: &mut Output) {
    wide.write(output);
    let other: Vec<f64> = output.coefficients.to_vec();
    let variances = std::mem::take(&mut output.variances);
    expected.write(output);
    for ((variance, mean), other) in variances.iter_mut().zip(&*output.coefficients).zip(&other) {
        *variance += (mean - other).powi(2);
    }
}

fn check_prior(panel: &Panel, prior: &EwmPrior) -> Result<(), LinearError> {
    let lengths = [
        ("prior.market", prior.market.len(), panel.rows),
        ("prior.tau2", prior.tau2.len(), panel.rows * panel.columns),
        ("prior.gamma2", prior.gamma2.len(), panel.rows),
        ("prior.tau2_error", prior.tau2_error.len(), panel.rows * panel.columns),
        ("prior.gamma2_error", prior.gamma2_error.len(), panel.rows),
        ("prior.assets", prior.assets.len(), panel.rows),
    ];
    match lengths.into_iter().find(|(_, actual, expected)| actual != expected) {
        Some((name, actual, expected)) => Err(LinearError::ShapeMismatch { name, expected, actual }),
        None => Ok(()),
    }
}
