//! Run time of filter and smoother; run by hand: `cargo test --release -p macrograd-linear --test kalman_speed -- --ignored`.

use macrograd_linear::{KalmanModel, KalmanOptions, KalmanReading, Panel, PathRange, kalman_path};
use macrograd_simd::Control;

#[test]
#[ignore = "a measurement, not a claim"]
fn smoothed_states_of_100_assets_600_rows_8_columns() {
    let (rows, columns, assets) = (600, 8, 100);
    let wave = |at: usize| ((at * 7919 % 1009) as f64 / 504.5 - 1.0) * ((at % 13) as f64 - 6.0);
    let design: Vec<f64> = (0..rows * columns).map(wave).collect();
    let returns: Vec<f64> = (0..rows * assets).map(|at| wave(at + 31)).collect();
    let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
    let model = [KalmanModel::diffuse(vec![0.01; columns])];
    let options = KalmanOptions {
        reading: KalmanReading::Smoothed,
        full_covariance: false,
        noise: None,
        min_observations: 20,
    };
    let range = PathRange::all(&panel);
    let best = (0..20)
        .map(|_| {
            let start = std::time::Instant::now();
            kalman_path(&panel, &model, &options, &range, &Control::with_threads(1)).expect("fits");
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    println!("filter and smoother, 100 x 600 x 8, 1 thread: {:.4} s", best);
}
