//! Random-walk coefficients against dense generalised least squares, recursive least squares and finite differences.

mod support;

use macrograd_linear::{
    KalmanForm, KalmanModel, KalmanNoise, KalmanOptions, KalmanReading, KalmanSearch, Panel, PathRange,
    kalman_likelihood, kalman_path, kalman_variances,
};
use macrograd_simd::Control;
use support::Lcg;

const ROWS: usize = 40;
const COLUMNS: usize = 3;
const ASSETS: usize = 11;

/// Constant and two regressors; slopes walk with SD `step`; a tenth of the returns is missing, in two patterns, and the
/// second regressor is 0 in the first six rows, so that its coefficient stays unknown there.
fn world(step: f64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Lcg(5);
    let mut design = Vec::new();
    for row in 0..ROWS {
        design.extend([1.0, random.normal(), if row < 6 { 0.0 } else { random.normal() }]);
    }
    let mut returns = vec![f64::NAN; ROWS * ASSETS];
    for asset in 0..ASSETS {
        let mut b = [0.3, 1.0, -0.5].map(|mean: f64| mean + random.normal());
        for row in 0..ROWS {
            let x = &design[row * COLUMNS..(row + 1) * COLUMNS];
            let fitted: f64 = x.iter().zip(&b).map(|(x, b)| x * b).sum();
            if (row * 7 + asset % 2 * 3) % 10 != 4 {
                returns[row * ASSETS + asset] = fitted + random.normal();
            }
            b[1..].iter_mut().for_each(|b| *b += step * random.normal());
        }
    }
    (design, returns)
}

fn options(reading: KalmanReading) -> KalmanOptions<'static> {
    KalmanOptions {
        reading,
        full_covariance: false,
        noise: None,
        min_observations: 5,
        disturbance: KalmanNoise::Gaussian,
        parts: 1,
        form: KalmanForm::Covariance,
    }
}

fn control() -> Control {
    Control::with_threads(2)
}

/// Solves a x = b by elimination with row exchanges; a is n x n.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n)
            .max_by(|&p, &q| a[p][i].abs().total_cmp(&a[q][i].abs()))
            .expect("rows are left");
        a.swap(i, pivot);
        b.swap(i, pivot);
        for row in i + 1..n {
            let factor = a[row][i] / a[i][i];
            let pivot = a[i].clone();
            a[row]
                .iter_mut()
                .zip(&pivot)
                .skip(i)
                .for_each(|(a, p)| *a -= factor * p);
            b[row] -= factor * b[i];
        }
    }
    for i in (0..n).rev() {
        let rest: f64 = (i + 1..n).map(|j| a[i][j] * b[j]).sum();
        b[i] = (b[i] - rest) / a[i][i];
    }
    b
}

/// Smoothed states as the minimum of sum (r - x'b_t)^2 + sum (b_t+1 - b_t)^2 / q over all b, a dense system.
fn dense_smoother(panel: &Panel, asset: usize, q: [f64; COLUMNS]) -> Vec<f64> {
    let size = ROWS * COLUMNS;
    let mut a = vec![vec![0.0; size]; size];
    let mut b = vec![0.0; size];
    for row in 0..ROWS {
        let value = panel.returns[row * ASSETS + asset];
        let x = &panel.design[row * COLUMNS..(row + 1) * COLUMNS];
        for i in 0..COLUMNS {
            let at = row * COLUMNS + i;
            if !value.is_nan() {
                b[at] += x[i] * value;
                (0..COLUMNS).for_each(|j| a[at][row * COLUMNS + j] += x[i] * x[j]);
            }
            if row + 1 < ROWS {
                let next = at + COLUMNS;
                a[at][at] += 1.0 / q[i];
                a[next][next] += 1.0 / q[i];
                a[at][next] -= 1.0 / q[i];
                a[next][at] -= 1.0 / q[i];
            }
        }
    }
    solve(a, b)
}

#[test]
fn smoother_equals_dense_least_squares_with_diffuse_start_and_missing_rows() {
    let (design, returns) = world(0.2);
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let q = [0.01, 0.05, 0.3];
    let model = KalmanModel::diffuse(q.to_vec());
    let range = PathRange::all(&panel);
    let path = kalman_path(&panel, &[model], &options(KalmanReading::Smoothed), &range, &control()).expect("fits");
    for asset in [0, 1, 8, 10] {
        let dense = dense_smoother(&panel, asset, q);
        for (own, dense) in path.coefficients[asset * ROWS * COLUMNS..].iter().zip(&dense) {
            // Two algorithms on a system of condition number near 1e4.
            assert!((own - dense).abs() < 1e-10 * (1.0 + dense.abs()), "{own} {dense}");
        }
    }
}

#[test]
fn filter_without_steps_is_recursive_least_squares() {
    let (design, returns) = world(0.0);
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let range = PathRange::all(&panel);
    let model = [KalmanModel::diffuse(vec![0.0; COLUMNS])];
    let path = kalman_path(&panel, &model, &options(KalmanReading::Filtered), &range, &control()).expect("fits");
    for asset in 0..ASSETS {
        // The second regressor has been 0 so far: its coefficient alone is unknown.
        let early = &path.coefficients[(asset * ROWS + 5) * COLUMNS..][..COLUMNS];
        assert!(early[0].is_finite() && early[1].is_finite() && early[2].is_nan());
        for row in [9, 20, ROWS - 1] {
            let mut a = vec![vec![0.0; COLUMNS]; COLUMNS];
            let mut b = vec![0.0; COLUMNS];
            let seen = (0..=row).filter(|&row| !returns[row * ASSETS + asset].is_nan());
            for row in seen {
                let x = &design[row * COLUMNS..(row + 1) * COLUMNS];
                for i in 0..COLUMNS {
                    b[i] += x[i] * returns[row * ASSETS + asset];
                    (0..COLUMNS).for_each(|j| a[i][j] += x[i] * x[j]);
                }
            }
            let own = &path.coefficients[(asset * ROWS + row) * COLUMNS..][..COLUMNS];
            for (own, ols) in own.iter().zip(solve(a, b)) {
                assert!((own - ols).abs() < 1e-11 * (1.0 + ols.abs()), "{own} {ols}");
            }
        }
    }
}

#[test]
fn score_is_the_derivative_of_the_likelihood() {
    let (design, returns) = world(0.2);
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let model = KalmanModel {
        step_variance: vec![0.02, 0.1, 0.05],
        initial_mean: vec![0.0, 0.4, -0.2],
        initial_variance: vec![f64::INFINITY, 1.3, 0.7],
        transition: vec![1.0; 3],
    };
    let at = |model: &KalmanModel| kalman_likelihood(&panel, model, &control()).expect("fits");
    let here = at(&model);
    for j in 0..COLUMNS {
        let difference = |place: fn(&mut KalmanModel) -> &mut Vec<f64>| {
            let moved = [1e-5, -1e-5].map(|step| {
                let mut other = model.clone();
                place(&mut other)[j] *= 1.0 + step;
                at(&other).log_likelihood
            });
            (moved[0] - moved[1]) / (2e-5 * place(&mut model.clone())[j])
        };
        // Central differences of a sum near 500: rounding 1e-13 * 500 / 1e-6, truncation below.
        let numeric = difference(|model| &mut model.step_variance);
        assert!(
            (here.step_score[j] - numeric).abs() < 1e-6 * (1.0 + numeric.abs()),
            "{j}: {numeric}"
        );
        if j == 0 {
            assert_eq!(here.initial_score[0], 0.0);
            continue;
        }
        let numeric = difference(|model| &mut model.initial_variance);
        assert!(
            (here.initial_score[j] - numeric).abs() < 1e-6 * (1.0 + numeric.abs()),
            "{j}: {numeric}"
        );
    }
}

#[test]
fn variances_are_a_maximum_and_zero_where_nothing_moves() {
    let (design, returns) = world(0.25);
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let search = KalmanSearch {
        model: KalmanModel::diffuse(vec![0.0; COLUMNS]),
        step_parameter: vec![None, Some(0), Some(1)],
        initial_parameter: vec![None; COLUMNS],
        stationary: vec![false; COLUMNS],
    };
    let found = kalman_variances(&panel, &search, &control()).expect("fits");
    assert!(found.converged);
    for j in 1..COLUMNS {
        let q = found.model.step_variance[j];
        assert!(q > 0.01 && q < 0.3, "true .0625, found {q}");
        // Slope by log q: a maximum to the optimiser's tolerance.
        assert!((found.at.step_score[j] * q).abs() < 1e-4);
    }
    let (design, returns) = world(0.0);
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let still = kalman_variances(&panel, &search, &control()).expect("fits");
    let zeros = still.model.step_variance[1..].iter().filter(|&&q| q == 0.0).count();
    assert!(
        zeros >= 1 && still.model.step_variance.iter().all(|&q| q < 0.01),
        "{:?}",
        still.model
    );
    for j in (1..COLUMNS).filter(|&j| still.model.step_variance[j] == 0.0) {
        assert!(still.at.step_score[j] <= 0.0);
    }
}

#[test]
fn threads_change_no_bit_and_bad_models_are_refused() {
    let (design, returns) = world(0.1);
    let panel = Panel::new(&design, &returns, ROWS, COLUMNS, ASSETS).expect("valid");
    let range = PathRange {
        rows: 3..30,
        assets: 1..10,
    };
    let models = [KalmanModel::diffuse(vec![0.1; COLUMNS])];
    let run = |threads| {
        let options = options(KalmanReading::Filtered);
        kalman_path(&panel, &models, &options, &range, &Control::with_threads(threads)).expect("fits")
    };
    let (one, two) = (run(1), run(2));
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&one.coefficients), bits(&two.coefficients));
    assert_eq!(bits(&one.variances), bits(&two.variances));
    let negative = KalmanModel::diffuse(vec![0.1, -0.1, 0.1]);
    assert!(kalman_likelihood(&panel, &negative, &control()).is_err());
    assert!(kalman_likelihood(&panel, &KalmanModel::diffuse(vec![0.1; 2]), &control()).is_err());
}
