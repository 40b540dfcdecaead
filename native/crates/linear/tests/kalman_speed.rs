//! Run time of filter and smoother; run by hand: `cargo test --release -p macrograd-linear --test kalman_speed -- --ignored`.

mod support;

use macrograd_linear::{
    KalmanForm, KalmanModel, KalmanNoise, KalmanOptions, KalmanReading, KalmanSearch, Panel, PathRange, kalman_path,
    kalman_variances_each,
};
use macrograd_simd::Control;
use support::Lcg;

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
        disturbance: KalmanNoise::Gaussian,
        parts: 1,
        form: KalmanForm::Covariance,
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

/// Run under `time`: its user time is what counts on a busy machine.
#[test]
#[ignore = "a measurement, not a claim"]
fn maximum_likelihood_of_each_of_40_assets_600_rows_13_columns() {
    each(40, 1);
}

#[test]
#[ignore = "a measurement, not a claim"]
fn maximum_likelihood_of_each_of_5000_assets_600_rows_13_columns() {
    each(5000, 2);
}

fn each(assets: usize, threads: usize) {
    let (rows, columns) = (600, 13);
    let mut random = Lcg(8);
    let design: Vec<f64> = (0..rows * columns)
        .map(|at| if at % columns == 0 { 1.0 } else { random.normal() })
        .collect();
    let mut returns = vec![0.0; rows * assets];
    for asset in 0..assets {
        let mut b: Vec<f64> = (0..columns).map(|_| 0.2 * random.normal()).collect();
        for row in 0..rows {
            let x = &design[row * columns..(row + 1) * columns];
            let noise = random.normal();
            returns[row * assets + asset] = noise + x.iter().zip(&b).map(|(x, b)| x * b).sum::<f64>();
            b.iter_mut()
                .skip(1)
                .step_by(2)
                .for_each(|b| *b += 0.02 * random.normal());
        }
    }
    let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
    let search = KalmanSearch {
        model: KalmanModel::diffuse(vec![0.0; columns]),
        step_parameter: (0..columns).map(|column| column.checked_sub(1)).collect(),
        initial_parameter: vec![None; columns],
        stationary: vec![false; columns],
    };
    let start = std::time::Instant::now();
    let found = kalman_variances_each(&panel, &search, &Control::with_threads(threads)).expect("fits");
    let evaluations: usize = found.iter().flatten().map(|own| own.evaluations).sum();
    let converged = found.iter().flatten().filter(|own| own.converged).count();
    println!(
        "{assets} assets, {threads} threads: {:.2} s of wall time, {} likelihoods an asset, {converged} converged",
        start.elapsed().as_secs_f64(),
        evaluations / assets
    );
    // Linux alone says how much memory was in use at most.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM"))
        .for_each(|line| println!("{line}"));
}
