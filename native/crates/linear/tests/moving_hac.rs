//! HAC variances of moving regressions against the static regression on the same rows.

mod support;

use macrograd_linear::{
    Covariance, EwmOptions, MovingErrors, OlsOptions, Panel, PathRange, Reference, RollingOptions, ewm_path, ols,
    rolling_ols,
};
use macrograd_simd::Control;
use support::Lcg;

/// Rounding of cross-products against QR, for a design of condition below 100; weights below 10^-5 are left out.
const TOLERANCE: f64 = 1e-8;

const ROWS: usize = 90;
const COLUMNS: usize = 3;
const ASSETS: usize = 10;
const WINDOW: usize = 40;
const LAGS: usize = 3;

fn world() -> (Vec<f64>, Vec<f64>) {
    let mut random = Lcg(3);
    let design: Vec<f64> = (0..ROWS)
        .flat_map(|_| [1.0, random.normal(), random.normal()])
        .collect();
    let mut returns = vec![0.0; ROWS * ASSETS];
    for asset in 0..ASSETS {
        let mut noise = 0.0;
        for row in 0..ROWS {
            let x = &design[row * COLUMNS..(row + 1) * COLUMNS];
            noise = 0.5 * noise + (0.3 + x[1].abs()) * random.normal();
            let missing = (row * 11 + asset % 3) % 17 == 5;
            returns[row * ASSETS + asset] = if missing { f64::NAN } else { x[1] - 0.4 * x[2] + noise };
        }
    }
    (design, returns)
}

/// Static variances `[asset][column]` over the last rows, with weights, and the number of observations of each asset.
fn fixed(panel: &Panel, weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let options = OlsOptions {
        covariance: Covariance::Hac {
            lags: Some(LAGS),
            small_sample: false,
        },
        weights: Some(weights),
        reference: Reference::StudentT,
        min_observations: 5,
    };
    let fit = ols(panel, &options, &Control::with_threads(1)).expect("fits");
    let diagonal = |at: usize| fit.covariance[at / COLUMNS * COLUMNS * COLUMNS + (at % COLUMNS) * (COLUMNS + 1)];
    let n = fit.observations.iter().map(|&n| f64::from(n)).collect();
    ((0..ASSETS * COLUMNS).map(diagonal).collect(), n)
}

#[test]
fn a_windows_variances_are_those_of_the_static_regression_on_its_rows() {
    let (design, returns) = world();
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let options = RollingOptions {
        window: WINDOW,
        min_observations: 10,
        variances: true,
        errors: MovingErrors::Hac { lags: Some(LAGS) },
        free_columns: Vec::new(),
    };
    let path = rolling_ols(
        &panel,
        &options,
        None,
        &PathRange::all(&panel),
        &Control::with_threads(2),
    )
    .expect("fits");
    for row in [45, 60, 89] {
        let weights: Vec<f64> = (0..ROWS).map(|t| f64::from(t <= row && t + WINDOW > row)).collect();
        let (expected, n) = fixed(&panel, &weights);
        for (at, expected) in expected.iter().enumerate() {
            let (asset, column) = (at / COLUMNS, at % COLUMNS);
            let own = path.variances[(asset * ROWS + row) * COLUMNS + column];
            let expected = expected * n[asset] / (n[asset] - COLUMNS as f64);
            assert!(
                (own / expected - 1.0).abs() < TOLERANCE,
                "{row} {asset} {column}: {own} {expected}"
            );
        }
    }
}

#[test]
fn fading_weights_give_the_weighted_regressions_variances_up_to_one_factor() {
    let (design, returns) = world();
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let half_life = 15.0;
    let options = EwmOptions {
        half_life,
        min_observations: 10,
        variances: true,
        errors: MovingErrors::Hac { lags: Some(LAGS) },
        free_columns: vec![0],
    };
    let path = ewm_path(
        &panel,
        &options,
        None,
        &PathRange::all(&panel),
        &Control::with_threads(1),
    )
    .expect("fits");
    let row = 80;
    let weights: Vec<f64> = (0..ROWS)
        .map(|t| {
            if t > row {
                0.0
            } else {
                (-((row - t) as f64) / half_life).exp2()
            }
        })
        .collect();
    let (expected, _) = fixed(&panel, &weights);
    for asset in 0..ASSETS {
        let ratio = |column: usize| {
            path.variances[(asset * ROWS + row) * COLUMNS + column] / expected[asset * COLUMNS + column]
        };
        // n / (n - K) with the effective number of observations, above 1 and below that of a dozen of them.
        assert!(ratio(0) > 1.0 && ratio(0) < 1.35, "{}", ratio(0));
        for column in 1..COLUMNS {
            assert!((ratio(column) / ratio(0) - 1.0).abs() < TOLERANCE);
        }
    }
}
