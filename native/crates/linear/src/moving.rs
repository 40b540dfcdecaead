use macrograd_simd::Control;

use crate::aggregate::Scheme;
use crate::moving_hac::MovingErrors;
use crate::path::{PathSetup, run_path, run_plain};
use crate::posterior::Prepared;
use crate::prior::{CrossSection, beliefs};
use crate::shrink::Belief;
use crate::stream::WindowRow;
use crate::{LinearError, Panel, Path, PathRange};

/// A moving regression, whatever its weights: what [`crate::rolling_ols`] and [`crate::ewm_path`] share.
#[derive(Clone, Copy)]
pub(crate) struct Moving<'a> {
    pub scheme: Scheme,
    pub min_observations: usize,
    pub variances: bool,
    pub errors: MovingErrors,
    pub free_columns: &'a [usize],
}

impl<'a> Moving<'a> {
    /// Columns that are not shrunk to zero.
    pub(crate) fn is_free(&self, column: usize) -> bool {
        self.free_columns.contains(&column)
    }

    /// Estimates as they are.
    pub(crate) fn plain_setup(&self) -> PathSetup<'a> {
        PathSetup {
            scheme: self.scheme,
            min_observations: self.min_observations,
            market: None,
            variances: self.variances,
            errors: self.errors,
        }
    }
}

/// Estimates at every row; with a cross-section their posteriors.
pub(crate) fn moving_path(
    panel: &Panel,
    moving: &Moving,
    prior: Option<&CrossSection>,
    range: &PathRange,
    control: &Control,
) -> Result<Path, LinearError> {
    let Some(prior) = prior else {
        return run_plain(panel, &moving.plain_setup(), range, control);
    };
    prior.check(panel)?;
    let setup = PathSetup {
        market: Some(&prior.market),
        errors: MovingErrors::Homoscedastic,
        ..moving.plain_setup()
    };
    let expected = beliefs(panel, moving, prior, 0.0);
    if !moving.variances {
        return run_path(
            panel,
            &setup,
            range,
            control,
            prepared(&expected),
            |prepared, mut output| match prepared {
                Some(prepared) => {
                    let posterior = prepared.posterior(output.window, output.estimate, false);
                    output.write_posterior(&posterior, None);
                }
                None => output.write_plain(),
            },
        );
    }
    let wide = beliefs(panel, moving, prior, 1.0);
    let prepare = |row, window: &WindowRow| prepared(&expected)(row, window).zip(prepared(&wide)(row, window));
    run_path(
        panel,
        &setup,
        range,
        control,
        prepare,
        |prepared, mut output| match prepared {
            Some((expected, wide)) => {
                let wide = wide.posterior(output.window, output.estimate, true);
                let expected = expected.posterior(output.window, output.estimate, false);
                output.write_posterior(&expected, Some(&wide));
            }
            None => output.write_plain(),
        },
    )
}

/// Beliefs ready for the assets of a window, row by row.
pub(crate) fn prepared<'b>(beliefs: &'b [Option<Belief>]) -> impl Fn(usize, &WindowRow) -> Option<Prepared<'b>> {
    |row, window| beliefs[row].as_ref().map(|belief| Prepared::new(belief, window))
}
