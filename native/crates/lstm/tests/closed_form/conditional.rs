//! Conditional features, `[z_t | z_tf h_t-1,k]`: gradient, derivatives, what a date may know, threads.

use macrograd_lstm::LstmWeights;
use macrograd_lstm::closed_form::{
    Cell, FeatureForm, FeatureMap, JacobianForm, JacobianRequest, Layout, Options, Returns, fit,
};
use macrograd_simd::Control;

use crate::trainer::{ASSETS, FACTORS, STEP, TOLERANCE, WINDOW, assert_gradient, assert_mixed_is_plain};
use crate::trainer::{inputs, numbers, small_layout, world};

const UNITS: usize = 3;
const FEATURES: usize = FACTORS * (1 + UNITS);

fn layout() -> Layout {
    Layout {
        hidden_size: UNITS,
        filters: 0,
        form: FeatureForm::Conditional,
        ..small_layout()
    }
}

fn map() -> FeatureMap<f64> {
    let layout = layout();
    let flat = numbers(layout.encoder().parameter_count(), 5);
    FeatureMap {
        lookback: 4,
        weights: LstmWeights::from_flat(layout.encoder(), &flat).expect("sizes fit"),
        lag_filters: Vec::new(),
        lag_count: 0,
        filters: 0,
        form: FeatureForm::Conditional,
        feature_mean: numbers(FEATURES, 7),
    }
}

#[test]
fn gradient_through_products_of_factors_and_state_matches_central_differences() {
    assert_gradient(layout());
    assert_gradient(Layout {
        cell: Cell::Lstm,
        ..layout()
    });
}

#[test]
fn a_mixed_encoder_is_a_plain_lstm_with_another_prior_under_products_too() {
    assert_mixed_is_plain(FeatureForm::Conditional, 0);
}

#[test]
fn derivatives_by_the_factors_of_a_date_match_central_differences_and_are_the_state_of_the_row_before() {
    let (window, factors, _) = world();
    let (map, control, targets, row) = (map(), Control::with_threads(1), [1_usize, 0], 20);
    let read = |form| {
        let request = JacobianRequest {
            form,
            targets: &targets,
            average: None,
        };
        map.jacobian(&inputs(&window, &factors), row..row + 1, request, &control)
            .expect("valid")
    };
    let now = read(JacobianForm::Contemporaneous);
    assert_eq!(now.len(), 2 * FEATURES);
    for (place, &factor) in targets.iter().enumerate() {
        let moved = |step: f64| {
            let (mut w, mut z) = (window.clone(), factors.clone());
            w[row * WINDOW + factor] += step;
            z[row * FACTORS + factor] += step;
            map.compute(&inputs(&w, &z), row..row + 1, &control).expect("valid")
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        for k in 0..FEATURES {
            let difference = (up[k] - down[k]) / (2.0 * STEP);
            assert!(
                (now[place * FEATURES + k] - difference).abs() < TOLERANCE,
                "feature {k}"
            );
        }
    }
    assert_eq!(read(JacobianForm::Lags), now);
    assert_eq!(read(JacobianForm::Cumulative), now);
}

#[test]
fn derivatives_at_a_date_know_nothing_of_that_date_or_later_ones() {
    let (window, factors, _) = world();
    let (map, control, row) = (map(), Control::with_threads(1), 20);
    let request = JacobianRequest {
        form: JacobianForm::Contemporaneous,
        targets: &[0, 1],
        average: None,
    };
    let from = |first: usize| {
        let later = |values: &[f64], size: usize| -> Vec<f64> {
            let moved = values.iter().enumerate();
            moved
                .map(|(i, x)| if i >= first * size { x + 1000.0 } else { *x })
                .collect()
        };
        let (w, z) = (later(&window, WINDOW), later(&factors, FACTORS));
        map.jacobian(&inputs(&w, &z), row..row + 1, request, &control)
            .expect("valid")
    };
    let untouched = from(usize::MAX / WINDOW);
    assert_eq!(from(row), untouched);
    assert_ne!(from(row - 1), untouched);
}

#[test]
fn a_fit_has_the_same_bits_for_one_and_two_threads_and_heads_on_every_product() {
    let (window, factors, returns) = world();
    let returns = Returns {
        values: &returns,
        assets: ASSETS,
    };
    let options = Options {
        hidden_size: UNITS,
        lookbacks: vec![5],
        members: 2,
        long_steps: 20,
        form: FeatureForm::Conditional,
        ..Options::default()
    };
    let run = |options: &Options, threads| {
        let control = Control::with_threads(threads);
        fit(inputs(&window, &factors), FACTORS, returns, options, &control)
    };
    let (one, two) = (run(&options, 1).expect("fits"), run(&options, 2).expect("fits"));
    assert_eq!(one, two);
    assert_eq!(one.members[1].heads.values.len(), ASSETS * FEATURES);
    assert_eq!(one.members[1].map.lags(), 1);
    let walk = Options {
        walk: true,
        ..options.clone()
    };
    assert!(run(&walk, 1).expect_err("refused").to_string().contains("walk"));
    let nothing = Options {
        start_scale: 0.0,
        ..options
    };
    let refused = run(&nothing, 1).expect_err("refused").to_string();
    assert!(refused.contains("start_scale"));
}

#[test]
fn a_cautious_start_leaves_smaller_heads_after_few_steps() {
    let (window, factors, returns) = world();
    let returns = Returns {
        values: &returns,
        assets: ASSETS,
    };
    let size = |start_scale: f64| {
        let options = Options {
            hidden_size: UNITS,
            lookbacks: vec![5],
            members: 1,
            long_steps: 5,
            form: FeatureForm::Conditional,
            start_scale,
            ..Options::default()
        };
        let control = Control::with_threads(1);
        let fitted = fit(inputs(&window, &factors), FACTORS, returns, &options, &control).expect("fits");
        fitted.members[0].heads.values.iter().map(|x| x * x).sum::<f64>()
    };
    // Prior SDs of a tenth, on returns that are noise: heads of a tenth or less where data do not fight the prior.
    assert!(size(0.1) < 0.25 * size(1.0));
}
