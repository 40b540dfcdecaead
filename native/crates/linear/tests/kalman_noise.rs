//! Filters for noise that is not of one size, in worlds that have it: closer to the truth than the normal filter.

mod support;

use macrograd_linear::{
    KalmanForm, KalmanModel, KalmanNoise, KalmanOptions, KalmanPath, KalmanReading, Panel, PathRange, kalman_path,
};
use macrograd_simd::Control;
use support::Lcg;

const ROWS: usize = 480;
const ASSETS: usize = 16;

/// Design, returns and the walking slope of every asset; `noise` has the SD of a row.
fn world(seed: u64, step: f64, noise: impl Fn(&mut Lcg, usize) -> f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut random = Lcg(seed);
    let design: Vec<f64> = (0..ROWS).flat_map(|_| [1.0, random.normal()]).collect();
    let (mut returns, mut truth) = (vec![f64::NAN; ROWS * ASSETS], vec![0.0; ROWS * ASSETS]);
    for asset in 0..ASSETS {
        let mut slope = 0.5;
        for row in 0..ROWS {
            let sd = noise(&mut random, row);
            let value = slope * design[2 * row + 1] + sd * random.normal();
            if (row + asset) % 19 != 3 {
                returns[row * ASSETS + asset] = value;
            }
            truth[row * ASSETS + asset] = slope;
            slope += step * random.normal();
        }
    }
    (design, returns, truth)
}

/// Path under step variances that are right in units of the mean noise variance.
fn read(
    design: &[f64],
    returns: &[f64],
    step: f64,
    mean_square: f64,
    kind: KalmanNoise,
    reading: KalmanReading,
) -> KalmanPath {
    let panel = Panel::new(design, returns, ROWS, 2, ASSETS).expect("valid");
    let model = KalmanModel::diffuse(vec![0.0, step * step / mean_square]);
    let options = KalmanOptions {
        reading,
        full_covariance: false,
        noise: None,
        min_observations: 10,
        disturbance: kind,
        parts: 1,
        form: KalmanForm::Covariance,
    };
    kalman_path(
        &panel,
        &[model],
        &options,
        &PathRange::all(&panel),
        &Control::with_threads(2),
    )
    .expect("fits")
}

/// Root mean square error of the slopes from row 60 on, and the share of them inside the 90 % intervals.
fn scores(path: &KalmanPath, truth: &[f64]) -> (f64, f64) {
    let (mut squares, mut inside, mut count) = (0.0, 0.0, 0.0);
    for asset in 0..ASSETS {
        for row in 60..ROWS {
            let at = (asset * ROWS + row) * 2 + 1;
            let off = path.coefficients[at] - truth[row * ASSETS + asset];
            squares += off * off;
            inside += f64::from(off.abs() < 1.645 * path.variances[at].sqrt());
            count += 1.0;
        }
    }
    ((squares / count).sqrt(), inside / count)
}

const STEP: f64 = 0.05;

#[test]
fn a_twentieth_of_outliers_moves_the_student_filter_less() {
    let (design, returns, truth) = world(3, STEP, |random, _| if random.next() > 0.9 { 10.0 } else { 1.0 });
    let at = |kind, reading| read(&design, &returns, STEP, 5.95, kind, reading);
    let (plain, _) = scores(&at(KalmanNoise::Gaussian, KalmanReading::Filtered), &truth);
    let robust = at(KalmanNoise::StudentT, KalmanReading::Filtered);
    let (error, covered) = scores(&robust, &truth);
    assert!(error < 0.8 * plain, "{error} {plain}");
    // Nominal .90 with approximate multipliers.
    assert!((0.8..0.97).contains(&covered), "{covered}");
    assert!(robust.shape.iter().all(|&degrees| degrees <= 6.0));
    let (smoothed, _) = scores(&at(KalmanNoise::StudentT, KalmanReading::Smoothed), &truth);
    assert!(smoothed < error);
}

#[test]
fn turbulent_stretches_move_the_volatility_filter_less() {
    let (design, returns, truth) = world(5, STEP, |_, row| if row / 60 % 2 == 1 { 4.0 } else { 1.0 });
    let at = |kind, reading| read(&design, &returns, STEP, 8.5, kind, reading);
    let (plain, _) = scores(&at(KalmanNoise::Gaussian, KalmanReading::Filtered), &truth);
    let moving = at(KalmanNoise::StochasticVolatility, KalmanReading::Filtered);
    let (error, covered) = scores(&moving, &truth);
    assert!(error < 0.9 * plain, "{error} {plain}");
    assert!((0.8..0.97).contains(&covered), "{covered}");
    assert!(moving.shape.iter().filter(|&&step| step > 0.0).count() > ASSETS / 2);
    let (smoothed, _) = scores(&at(KalmanNoise::StochasticVolatility, KalmanReading::Smoothed), &truth);
    assert!(smoothed < error);
}

#[test]
fn normal_noise_is_read_as_normal_at_little_cost() {
    let (design, returns, truth) = world(7, STEP, |_, _| 1.0);
    let (plain, _) = scores(
        &read(
            &design,
            &returns,
            STEP,
            1.0,
            KalmanNoise::Gaussian,
            KalmanReading::Filtered,
        ),
        &truth,
    );
    for kind in [KalmanNoise::StudentT, KalmanNoise::StochasticVolatility] {
        let path = read(&design, &returns, STEP, 1.0, kind, KalmanReading::Filtered);
        assert!(scores(&path, &truth).0 < 1.04 * plain, "{kind:?}");
    }
}
