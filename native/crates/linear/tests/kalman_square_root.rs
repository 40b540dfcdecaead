//! Square-root form of filter and smoother against 300-digit arithmetic (`golden/kalman_collinear.txt`) and the covariance
//! form.

mod support;

use macrograd_linear::{
    KalmanForm, KalmanModel, KalmanNoise, KalmanOptions, KalmanPath, KalmanReading, Panel, PathRange, kalman_path,
};
use macrograd_simd::Control;
use support::Lcg;

/// Condition number 10^4 of the first rows, times 2e-16, times some 50 operations a row.
const COLLINEAR_TOLERANCE: f64 = 1e-10;

/// Two algorithms on designs of condition numbers below 10^3.
const TOLERANCE: f64 = 1e-9;

const FORMS: [KalmanForm; 2] = [KalmanForm::Covariance, KalmanForm::SquareRoot];

struct Golden {
    panel: [Vec<f64>; 2],
    step: Vec<f64>,
    sizes: [usize; 3],
    /// `[asset][filtered states, variances, smoothed states, variances]`.
    found: Vec<[Vec<f64>; 4]>,
}

fn golden() -> Golden {
    let mut lines = include_str!("golden/kalman_collinear.txt").lines().skip(1);
    let mut next = || -> Vec<f64> {
        let words = lines.next().expect("a line").split_whitespace().skip(1);
        words.map(|word| word.parse().expect("a number")).collect()
    };
    let sizes: Vec<usize> = next().iter().map(|&size| size as usize).collect();
    Golden {
        panel: [next(), next()],
        step: next(),
        found: (0..sizes[2]).map(|_| [next(), next(), next(), next()]).collect(),
        sizes: [sizes[0], sizes[1], sizes[2]],
    }
}

fn path(panel: &Panel, model: &KalmanModel, reading: KalmanReading, form: KalmanForm, full: bool) -> KalmanPath {
    let ones = vec![1.0; panel.assets];
    let options = KalmanOptions {
        reading,
        full_covariance: full,
        noise: Some(&ones),
        min_observations: 1,
        disturbance: KalmanNoise::Gaussian,
        parts: 1,
        form,
    };
    let range = PathRange::all(panel);
    kalman_path(
        panel,
        std::slice::from_ref(model),
        &options,
        &range,
        &Control::with_threads(1),
    )
    .expect("fits")
}

/// Largest errors: of states over their standard deviations and sizes, and of variances over themselves.
fn errors(own: &KalmanPath, states: &[f64], variances: &[f64], asset: usize) -> [f64; 2] {
    let size = states.len();
    let mut worst = [0.0_f64; 2];
    for at in 0..size {
        let (state, variance) = (own.coefficients[asset * size + at], own.variances[asset * size + at]);
        assert_eq!(state.is_nan(), states[at].is_nan(), "{at}");
        if !state.is_nan() {
            worst[0] = worst[0].max((state - states[at]).abs() / (states[at].abs() + variances[at].sqrt()));
            worst[1] = worst[1].max((variance / variances[at] - 1.0).abs());
        }
    }
    worst
}

#[test]
fn nearly_collinear_rows_keep_the_digits_that_their_condition_leaves() {
    let golden = golden();
    let [rows, columns, assets] = golden.sizes;
    let panel = Panel::new(&golden.panel[0], &golden.panel[1], rows, columns, assets).expect("valid");
    let model = KalmanModel::diffuse(golden.step.clone());
    let readings = [KalmanReading::Filtered, KalmanReading::Smoothed];
    for (at, reading) in readings.into_iter().enumerate() {
        let worst = FORMS.map(|form| {
            let own = path(&panel, &model, reading, form, false);
            let found = golden.found.iter().enumerate();
            let all = found.map(|(asset, found)| errors(&own, &found[2 * at], &found[2 * at + 1], asset));
            all.fold([0.0_f64; 2], |worst, own| [worst[0].max(own[0]), worst[1].max(own[1])])
        });
        println!(
            "{reading:?}: states and variances, covariance form {:?}, square-root form {:?}",
            worst[0], worst[1]
        );
        let largest = worst[1][0].max(worst[1][1]);
        assert!(largest < COLLINEAR_TOLERANCE, "{reading:?}: {largest}");
        assert!(worst[1][1] < 0.1 * worst[0][1], "{reading:?}: {worst:?}");
    }
}

/// A constant that does not move, a coefficient that is known and stays so, a walk that starts diffuse and whose regressor is
/// 0 in the first rows, and a reverting coefficient.
fn world() -> (Vec<f64>, Vec<f64>, KalmanModel) {
    let mut random = Lcg(12);
    let (rows, assets) = (50, 9);
    let design = (0..rows)
        .flat_map(|row| {
            let walking = if row < 6 { 0.0 } else { random.normal() };
            [1.0, random.normal(), walking, random.normal()]
        })
        .collect();
    let returns = (0..rows * assets)
        .map(|at| {
            let missing = (at / assets * 7 + at % assets % 2 * 3) % 10 == 4;
            if missing { f64::NAN } else { random.normal() }
        })
        .collect();
    let model = KalmanModel {
        step_variance: vec![0.0, 0.0, 0.05, 0.1],
        initial_mean: vec![0.0, -0.2, 0.0, 0.4],
        initial_variance: vec![f64::INFINITY, 0.0, f64::INFINITY, 0.7],
        transition: vec![1.0, 1.0, 1.0, 0.9],
    };
    (design, returns, model)
}

#[test]
fn both_forms_agree_on_diffuse_reverting_and_known_starts_with_missing_rows() {
    let (design, returns, model) = world();
    let panel = Panel::new(&design, &returns, 50, 4, 9).expect("valid");
    for reading in [KalmanReading::Filtered, KalmanReading::Smoothed] {
        let [one, other] = FORMS.map(|form| path(&panel, &model, reading, form, true));
        let pairs = [
            (&one.coefficients, &other.coefficients),
            (&one.variances, &other.variances),
            (&one.log_likelihood, &other.log_likelihood),
        ];
        for (at, (one, other)) in pairs.into_iter().enumerate() {
            assert!(one.iter().any(|x| x.is_finite()));
            for (a, b) in one.iter().zip(other) {
                assert_eq!(a.is_nan(), b.is_nan(), "{reading:?} {at}");
                assert!(
                    a.is_nan() || (a - b).abs() < TOLERANCE * (1.0 + a.abs()),
                    "{reading:?} {at}: {a} {b}"
                );
            }
        }
    }
}
