//! The trainer with closed-form heads: gradients, derivatives of the features, threads, validation.

use macrograd_lstm::LstmWeights;
use macrograd_lstm::closed_form::{
    Cell, FeatureForm, FeatureMap, GroupReturns, Inputs, JacobianForm, JacobianRequest, Layout, Objective, Options,
    Returns, TrainingData, fit, group_by_pattern,
};
use macrograd_simd::Control;

/// Central differences of step 1e-5 in float64: truncation and rounding stay near 1e-10 of the largest slope.
pub const STEP: f64 = 1e-5;
/// See [`STEP`]; the two together, with a factor of 100 for the encoder's fast activations.
pub const TOLERANCE: f64 = 1e-7;

/// Deterministic numbers that look random, about standard normal in size.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            ((x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) * 3.4
        })
        .collect()
}

pub const ROWS: usize = 40;
pub const FACTORS: usize = 2;
pub const WINDOW: usize = 3;
pub const ASSETS: usize = 7;

/// Window with a flag after the factors, z, and returns of which assets 0 and 1 miss the first nine rows.
pub fn world() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let factors = numbers(ROWS * FACTORS, 1);
    let window = factors
        .chunks(FACTORS)
        .enumerate()
        .flat_map(|(row, z)| [z[0], z[1], f64::from(u8::from(row > 4))])
        .collect();
    let mut returns = numbers(ROWS * ASSETS, 2);
    for row in 0..9 {
        returns[row * ASSETS] = f64::NAN;
        returns[row * ASSETS + 1] = f64::NAN;
    }
    (window, factors, returns)
}

pub fn inputs<'a>(window: &'a [f64], factors: &'a [f64]) -> Inputs<'a> {
    Inputs {
        rows: factors.len() / FACTORS,
        window,
        window_size: WINDOW,
        factors,
        factor_count: FACTORS,
    }
}

/// Compares the gradient of the loss at random parameters with central differences: two factors, a flag in the window,
/// seven assets in two groups of missing returns, every fifth block of rows left out.
pub fn assert_gradient(layout: Layout) {
    assert_weighted_gradient(layout, &[1.0; ROWS]);
}

/// The same with rows that are multiplied by `roots`.
pub fn assert_weighted_gradient(layout: Layout, roots: &[f64]) {
    let (window, factors, returns) = world();
    let returns = Returns {
        values: &returns,
        assets: ASSETS,
    };
    let groups: Vec<GroupReturns> = group_by_pattern(returns, ROWS, 8)
        .iter()
        .map(|pattern| GroupReturns::new(returns, pattern).weighted(roots))
        .collect();
    assert_eq!(groups.len(), 2);
    let data = TrainingData {
        inputs: inputs(&window, &factors),
        noisy_columns: FACTORS,
        groups: &groups,
        layout,
    };
    let (rows, _) = Options::default().split(ROWS, 1);
    let mut objective = Objective::<f64>::new(&data, &rows, 4).expect("valid data");
    let flat: Vec<f64> = numbers(layout.parameter_count(), 3).iter().map(|x| 0.4 * x).collect();
    let mut gradient = vec![0.0; flat.len()];
    objective.loss(&flat, &mut gradient).expect("finite");
    let scale = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    let mut ignored = gradient.clone();
    let learned = layout.learned_encoder().end;
    let bias_hh = learned..layout.encoder().parameter_count();
    for i in (0..flat.len()).filter(|i| !bias_hh.contains(i)) {
        let mut value = |step: f64| {
            let mut moved = flat.clone();
            moved[i] += step;
            objective.loss(&moved, &mut ignored).expect("finite")
        };
        let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        assert!(
            (difference - gradient[i]).abs() < TOLERANCE * scale,
            "parameter {i}: {difference} against {}",
            gradient[i]
        );
    }
    assert!(gradient[bias_hh].iter().all(|&g| g == 0.0));
    // Something to compare: the encoder's own part is not nothing.
    let encoder = gradient[..learned].iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    assert!(encoder > 1e3 * TOLERANCE * scale);
}

/// Three units of both kinds on [`world`].
pub fn small_layout() -> Layout {
    Layout {
        window_size: WINDOW,
        hidden_size: 3,
        factors: FACTORS,
        filters: 2,
        rank: 2,
        cell: Cell::Mixed,
        form: FeatureForm::Level,
    }
}

#[test]
fn gradient_through_heads_encoder_and_lag_filters_matches_central_differences() {
    assert_gradient(small_layout());
}

/// Compares the loss of mixed units with that of the plain LSTM that they are, at random parameters.
pub fn assert_mixed_is_plain(form: FeatureForm, filters: usize) {
    // Sums of 40 rows by 7 features in float64.
    const ROUNDING: f64 = 1e-10;
    let (window, factors, returns) = world();
    let returns = Returns {
        values: &returns,
        assets: ASSETS,
    };
    let groups: Vec<GroupReturns> = group_by_pattern(returns, ROWS, 8)
        .iter()
        .map(|pattern| GroupReturns::new(returns, pattern))
        .collect();
    let mixed = TrainingData {
        inputs: inputs(&window, &factors),
        noisy_columns: FACTORS,
        groups: &groups,
        layout: Layout {
            window_size: WINDOW,
            hidden_size: 5,
            form,
            filters,
            ..small_layout()
        },
    };
    let flat = numbers(mixed.layout.parameter_count(), 4);
    let (layout, parameters) = mixed.layout.plain(&flat);
    assert_eq!(layout.cell, Cell::Lstm);
    let plain = mixed.with_cell(Cell::Lstm);
    let loss = |data: &TrainingData<'_>, flat: &[f64]| {
        let rows: Vec<usize> = (0..ROWS).collect();
        let mut objective = Objective::<f64>::new(data, &rows, 3).expect("valid data");
        objective.loss(flat, &mut vec![0.0; flat.len()]).expect("finite")
    };
    assert!((loss(&mixed, &flat) - loss(&plain, &parameters)).abs() < ROUNDING);
    // Not by chance: the same numbers make another function of a plain LSTM.
    assert!((loss(&mixed, &flat) - loss(&plain, &flat)).abs() > 1e3 * ROUNDING);
}

#[test]
fn a_mixed_encoder_is_a_plain_lstm_with_another_prior() {
    assert_mixed_is_plain(FeatureForm::Level, 2);
}

pub fn feature_map() -> FeatureMap<f64> {
    let layout = small_layout();
    let flat: Vec<f64> = numbers(layout.encoder().parameter_count(), 5);
    FeatureMap {
        lookback: 4,
        weights: LstmWeights::from_flat(layout.encoder(), &flat).expect("sizes fit"),
        lag_filters: numbers(6 * FACTORS * 2, 6),
        lag_count: 6,
        filters: 2,
        form: FeatureForm::Level,
        feature_mean: numbers(FACTORS + 3 + 2, 7),
    }
}

#[test]
fn feature_jacobian_matches_central_differences_at_every_lag_and_in_every_form() {
    let (window, factors, _) = world();
    let map = feature_map();
    let control = Control::with_threads(1);
    let (row, targets, features) = (20, [1_usize, 0], 7);
    let request = |form| JacobianRequest {
        form,
        targets: &targets,
        average: None,
    };
    let read = |form| {
        map.jacobian(&inputs(&window, &factors), row..row + 1, request(form), &control)
            .expect("valid")
    };
    let lags = read(JacobianForm::Lags);
    assert_eq!(lags.len(), 6 * 2 * features);
    let mut cumulative = vec![0.0; 2 * features];
    for lag in 0..6 {
        for (place, &factor) in targets.iter().enumerate() {
            let shocked = |step: f64| {
                let (mut w, mut z) = (window.clone(), factors.clone());
                w[(row - lag) * WINDOW + factor] += step;
                z[(row - lag) * FACTORS + factor] += step;
                map.compute(&inputs(&w, &z), row..row + 1, &control).expect("valid")
            };
            let (up, down) = (shocked(STEP), shocked(-STEP));
            for k in 0..features {
                let analytic = lags[(lag * 2 + place) * features + k];
                let difference = (up[k] - down[k]) / (2.0 * STEP);
                assert!((analytic - difference).abs() < TOLERANCE, "lag {lag}, feature {k}");
                cumulative[place * features + k] += analytic;
            }
        }
    }
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12);
    assert!(close(&read(JacobianForm::Contemporaneous), &lags[..2 * features]));
    assert!(close(&read(JacobianForm::Cumulative), &cumulative));
}

#[test]
fn averaged_jacobian_is_the_mean_over_dates_where_the_factor_is_observed() {
    let (window, factors, _) = world();
    let (map, control, targets) = (feature_map(), Control::with_threads(1), [0_usize, 1]);
    let observed = [1, 1, 0, 1, 1, 0]; // dates 15, 16, 17 by factors 0, 1
    let read = |average| {
        let request = JacobianRequest {
            form: JacobianForm::Cumulative,
            targets: &targets,
            average,
        };
        map.jacobian(&inputs(&window, &factors), 15..18, request, &control)
            .expect("valid")
    };
    let (each, mean) = (read(None), read(Some(&observed[..])));
    for k in 0..7 {
        let at = |date: usize, factor: usize| each[(date * 2 + factor) * 7 + k];
        assert!((mean[k] - (at(0, 0) + at(2, 0)) / 2.0).abs() < 1e-12);
        assert!((mean[7 + k] - (at(0, 1) + at(1, 1)) / 2.0).abs() < 1e-12);
    }
}

#[test]
fn a_fit_has_the_same_bits_for_one_and_two_threads_and_keeps_the_smaller_validation_error() {
    let (window, factors, returns) = world();
    let returns = Returns {
        values: &returns,
        assets: ASSETS,
    };
    let options = Options {
        hidden_size: 4,
        lookbacks: vec![1, 5],
        members: 2,
        steps: 30,
        long_steps: 20,
        ..Options::default()
    };
    let run = |threads| {
        fit(
            inputs(&window, &factors),
            FACTORS,
            returns,
            &options,
            &Control::with_threads(threads),
        )
        .expect("fits")
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one, two);
    let best = one.validation_errors.iter().position(|e| {
        let mean = one.members.iter().map(|m| m.validation_error).sum::<f64>() / 2.0;
        *e == mean
    });
    assert_eq!(options.lookbacks[best.expect("the kept one")], one.lookback);
    assert!(
        one.validation_errors
            .iter()
            .all(|e| one.validation_errors[best.expect("kept")] <= *e)
    );
}
