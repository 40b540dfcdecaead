//! Rows that weigh differently: the likelihood's gradient, and what a weight means.

use faer::Mat;
use macrograd_lstm::LstmError;
use macrograd_lstm::closed_form::{
    GroupReturns, Heads, Likelihood, Noise, Options, Prior, Returns, fit, group_by_pattern,
};
use macrograd_simd::Control;

use crate::trainer::{ASSETS, FACTORS, ROWS, assert_weighted_gradient, inputs, numbers, small_layout, world};

#[test]
fn gradient_with_weighted_rows_matches_central_differences() {
    let roots: Vec<f64> = numbers(ROWS, 6).iter().map(|x| (0.3 * x).exp()).collect();
    assert_weighted_gradient(small_layout(), &roots);
}

/// Heads for one residual variance, on rows that weigh `roots` squared.
fn heads(features: &Mat<f64>, returns: &[f64], roots: &[f64], prior: &Prior) -> Heads {
    let all: Vec<usize> = (0..roots.len()).collect();
    let returns = Returns {
        values: returns,
        assets: ASSETS,
    };
    let patterns = group_by_pattern(returns, roots.len(), 8);
    let groups: Vec<GroupReturns> = patterns
        .iter()
        .map(|pattern| GroupReturns::new(returns, pattern).weighted(roots))
        .collect();
    let mut likelihood = Likelihood::new(&groups, &all, prior).expect("observed returns");
    likelihood.condition(features.as_ref(), prior).expect("finite");
    likelihood
        .heads(returns, &all, &patterns, Noise::Pooled)
        .expect("finite")
}

#[test]
fn a_row_that_weighs_three_says_what_three_equal_rows_do() {
    // Sums of 60 products in float64 through inverses of well-conditioned matrices.
    const ROUNDING: f64 = 1e-10;
    let (_, _, returns) = world();
    let prior = small_layout().prior(&numbers(small_layout().parameter_count(), 4));
    let size = prior.features();
    let values = numbers(ROWS * size, 5);
    let times = |row: usize| if row % 4 == 1 { 3 } else { 1 };
    let copied: Vec<usize> = (0..ROWS).flat_map(|row| vec![row; times(row)]).collect();
    let of_rows = |rows: &[usize]| Mat::from_fn(rows.len(), size, |i, k| values[rows[i] * size + k]);
    let copied_returns: Vec<f64> = copied
        .iter()
        .flat_map(|&row| returns[row * ASSETS..][..ASSETS].to_vec())
        .collect();
    let all: Vec<usize> = (0..ROWS).collect();
    let roots: Vec<f64> = all.iter().map(|&row| (times(row) as f64).sqrt()).collect();
    let weighted = heads(&of_rows(&all), &returns, &roots, &prior);
    let repeated = heads(&of_rows(&copied), &copied_returns, &vec![1.0; copied.len()], &prior);
    let plain = heads(&of_rows(&all), &returns, &[1.0; ROWS], &prior);
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |most, (x, y)| most.max((x - y).abs()));
    assert!(distance(&weighted.values, &repeated.values) < ROUNDING);
    assert!(distance(&weighted.intercepts, &repeated.intercepts) < ROUNDING);
    assert!(distance(&weighted.covariances, &repeated.covariances) < ROUNDING);
    assert!(distance(&weighted.values, &plain.values) > 1e3 * ROUNDING);
}

#[test]
fn weights_count_by_their_ratios_and_must_be_positive_one_a_row() {
    // Rounding of the scale, through 20 steps of training in float32.
    const ROUNDING: f64 = 1e-3;
    let (window, factors, values) = world();
    let run = |roots: Option<Vec<f64>>, walk: bool| {
        let options = Options {
            hidden_size: 3,
            members: 2,
            steps: 20,
            lookbacks: vec![1],
            row_roots: roots,
            walk,
            ..Options::default()
        };
        let returns = Returns {
            values: &values,
            assets: ASSETS,
        };
        let control = Control::with_threads(1);
        fit(inputs(&window, &factors), FACTORS, returns, &options, &control)
    };
    let heads = |roots: Option<Vec<f64>>| run(roots, false).expect("fits").members[0].heads.values.clone();
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |most, (x, y)| most.max((x - y).abs()));
    assert!(distance(&heads(Some(vec![0.2; ROWS])), &heads(None)) < ROUNDING);
    let uneven: Vec<f64> = (0..ROWS).map(|row| if row % 3 == 0 { 0.2 } else { 1.0 }).collect();
    assert!(distance(&heads(Some(uneven.clone())), &heads(None)) > 10.0 * ROUNDING);
    for refused in [run(Some(vec![0.0; ROWS]), false), run(Some(uneven), true)] {
        assert!(matches!(refused, Err(LstmError::BadOption { .. })));
    }
    let short = run(Some(vec![1.0; ROWS - 1]), false);
    assert!(matches!(short, Err(LstmError::ShapeMismatch { .. })));
}
