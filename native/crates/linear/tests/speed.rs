//! Run times on one thread and on two; run by hand on a quiet machine:
//! `cargo test --release -p macrograd-linear --test speed -- --ignored --nocapture --test-threads 1`.

mod support;

use macrograd_linear::{
    ComponentCount, MovingErrors, Panel, PathBuffers, PathRange, PcaOptions, RollingOptions, pca, rolling_ols,
    rolling_ols_into,
};
use macrograd_simd::Control;
use support::Lcg;

/// Shortest of some calls, in ms.
fn shortest(calls: usize, mut work: impl FnMut()) -> f64 {
    (0..calls)
        .map(|_| {
            let start = std::time::Instant::now();
            work();
            1e3 * start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement, not a claim"]
fn rolling_regression_of_500_assets_600_rows_9_columns() {
    let (rows, columns, assets) = (600, 9, 500);
    let mut random = Lcg(3);
    let design: Vec<f64> = (0..rows * columns)
        .map(|at| if at % columns == 0 { 1.0 } else { random.normal() })
        .collect();
    let returns: Vec<f64> = (0..rows * assets).map(|_| random.normal()).collect();
    let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
    let options = RollingOptions {
        window: 60,
        min_observations: 60,
        variances: true,
        errors: MovingErrors::Homoscedastic,
        free_columns: Vec::new(),
    };
    let range = PathRange::all(&panel);
    for threads in [1, 2] {
        let control = Control::with_threads(threads);
        let fresh = shortest(15, || {
            rolling_ols(&panel, &options, None, &range, &control).expect("fits");
        });
        let size = rows * columns * assets;
        let (mut coefficients, mut variances) = (vec![1.0; size], vec![1.0; size]);
        let kept = shortest(15, || {
            let buffers = PathBuffers {
                coefficients: &mut coefficients,
                variances: &mut variances,
            };
            rolling_ols_into(&panel, &options, &range, buffers, &control).expect("fits");
        });
        println!("rolling, {threads} threads: {kept:.2} ms into kept memory, {fresh:.2} ms into fresh");
    }
}

#[test]
#[ignore = "a measurement, not a claim"]
fn components_of_600_rows_120_series() {
    let (rows, series) = (600, 120);
    let mut random = Lcg(4);
    let values: Vec<f64> = (0..rows * series).map(|_| random.normal()).collect();
    let options = PcaOptions {
        count: ComponentCount::Fixed(8),
        max_components: 8,
        tolerance: 1e-8,
        max_iterations: 100,
    };
    let own = shortest(100, || {
        pca(&values, rows, series, &options).expect("fits");
    });
    println!("components: {own:.3} ms");
}
