//! The trainer against steps of `torch.optim.AdamW` (test/reference/lstm_train_golden.py, torch 2.15.0, float64).

use macrograd_lstm::train::{SquaredError, Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{JacobianPenalty, Sequences, jacobian_penalty};
use macrograd_simd::Control;

use crate::support::{Case, Sizes, Uniform};

const LOSSES: [f64; 6] = [
    0.7111289250611399,
    0.6349329876239286,
    0.5677639896972543,
    0.5073083579955128,
    0.45487940542767114,
    0.41250721642526395,
];
/// Dot products of the trained parameters [LSTM | head weight | head bias] with drawn vectors.
const PROBES: [f64; 3] = [0.14078551293997843, 2.023890257163977, -3.680935008136977];
const PROBE_SEED: u64 = 0x5eed;

/// Six steps of rounding in another order, amplified by Adam's division by small second moments.
const BOUND: f64 = 1e-10;

#[test]
fn steps_match_pytorch_with_missing_targets_groups_decay_and_clipping() {
    let mut case = Case::<f64>::new(Sizes::new(7, 3, 2, 50, 6), 77);
    let mut targets = case.d_hidden[..50 * 2].to_vec();
    targets.iter_mut().step_by(5).for_each(|y| *y = f64::NAN);
    let options = TrainOptions {
        epochs: 6,
        batch_size: 50,
        learning_rate: 0.01,
        head_learning_rate: 0.02,
        weight_decay: 0.1,
        clip_norm: 0.05,
        ..TrainOptions::default()
    };
    let input = case.input.clone();
    let data = TrainingData {
        sequences: macrograd_lstm::Sequences::new(&input, 50, 6),
        targets: Targets { values: &targets },
    };
    let control = Control::with_threads(1);
    let trained = train(&mut case.weights, &mut case.head, &data, None, &options, &control).expect("valid");
    for (got, want) in trained.training_loss.iter().zip(LOSSES) {
        assert!((got - want).abs() < BOUND, "loss {got} against {want}");
    }
    let all = case.weights.arrays().chain([&case.head.weight[..], &case.head.bias]);
    let parameters: Vec<f64> = all.flatten().copied().collect();
    let mut random = Uniform::new(PROBE_SEED);
    for want in PROBES {
        let probe = random.vector::<f64>(parameters.len(), 1.0);
        let got: f64 = parameters.iter().zip(probe).map(|(x, y)| x * y).sum();
        assert!((got - want).abs() < BOUND, "probe {got} against {want}");
    }
}

#[test]
fn training_stops_when_validation_gets_no_better_and_keeps_the_best() {
    let mut case = Case::<f32>::new(Sizes::new(5, 2, 1, 60, 4), 5);
    let targets = case.d_hidden[..60 * 2].to_vec();
    let input = case.input.clone();
    let rows = |from: usize, to: usize| TrainingData {
        sequences: macrograd_lstm::Sequences::new(&input[from * 8..to * 8], to - from, 4),
        targets: Targets {
            values: &targets[from * 2..to * 2],
        },
    };
    // Targets are noise, so that fitting them soon makes the validation rows worse.
    let options = TrainOptions {
        epochs: 500,
        batch_size: 10,
        learning_rate: 0.02,
        patience: 5,
        ..TrainOptions::default()
    };
    let control = Control::with_threads(1);
    let trained = train(
        &mut case.weights,
        &mut case.head,
        &rows(0, 40),
        Some(&rows(40, 60)),
        &options,
        &control,
    )
    .expect("valid");
    assert!(trained.validation_loss.len() < 500);
    assert_eq!(trained.validation_loss.len(), trained.best_epoch + 1 + 5);
    let mut outputs = vec![0.0; 20 * 2];
    macrograd_lstm::predict(
        &case.weights,
        &case.head,
        &rows(40, 60).sequences,
        &mut outputs,
        &control,
    )
    .expect("valid");
    let sum: f64 = outputs
        .iter()
        .zip(&targets[80..])
        .map(|(x, y)| f64::from(x - y).powi(2))
        .sum();
    assert!(
        (sum / 40.0 - trained.validation_loss[trained.best_epoch]).abs() < 1e-6,
        "float32 rounding"
    );
}

/// Central differences of the loss: their step, and what rounding leaves at values near 1.
const STEP: f64 = 1e-6;
const DIFFERENCE_BOUND: f64 = 1e-8;

#[test]
fn gradient_under_dropout_matches_central_differences_and_a_mask_of_ones_changes_nothing() {
    let case = Case::<f64>::new(Sizes::new(6, 3, 2, 400, 3), 21);
    let control = Control::with_threads(1);
    let targets = Targets {
        values: &case.d_hidden[..400 * 2],
    };
    // 400 windows are several groups of tiles, so that the mask is cut.
    let mask: Vec<f64> = (0..400 * 6).map(|i| if i % 3 == 1 { 0.0 } else { 1.5 }).collect();
    let mut error = SquaredError::new(&case.weights, &case.head).expect("valid");
    let mut loss = |case: &Case<f64>, mask: Option<&[f64]>| {
        let model = (&case.weights, &case.head);
        let value = error.evaluate(model, &case.sequences(), targets, mask, &control);
        let gradient: Vec<f64> = error.weights.arrays().flatten().copied().collect();
        (value.expect("valid"), gradient, error.head.clone())
    };
    assert_eq!(loss(&case, None), loss(&case, Some(&vec![1.0; mask.len()])));
    let (_, gradient, d_head) = loss(&case, Some(&mask));
    let mut moved = Case::<f64>::new(case.sizes, 21);
    let mut difference = |change: &dyn Fn(&mut Case<f64>, f64)| {
        change(&mut moved, STEP);
        let up = loss(&moved, Some(&mask)).0;
        change(&mut moved, -2.0 * STEP);
        let down = loss(&moved, Some(&mask)).0;
        change(&mut moved, STEP);
        (up - down) / (2.0 * STEP)
    };
    for index in 0..6 {
        let slope = difference(&|case, by| case.head.weight[index] += by);
        assert!((slope - d_head.weight[index]).abs() < DIFFERENCE_BOUND);
        let slope = difference(&|case, by| case.weights.layers[0].weight_ih[7 * index] += by);
        assert!((slope - gradient[7 * index]).abs() < DIFFERENCE_BOUND);
    }
}

/// Windows whose target is the product of two inputs of the last step: its exposures move with the inputs.
fn product_targets(case: &Case<f64>) -> Vec<f64> {
    let width = case.sizes.sequence_length * case.sizes.shape.input_size;
    let last = width - case.sizes.shape.input_size;
    let rows = case.input.chunks_exact(width);
    rows.flat_map(|row| [0.5 * row[last] * row[last + 1], row[last]])
        .collect()
}

fn trained_on_products(options: TrainOptions, threads: usize) -> Case<f64> {
    let mut case = Case::<f64>::new(Sizes::new(8, 2, 1, 90, 3), 31);
    let (input, targets) = (case.input.clone(), product_targets(&case));
    let data = TrainingData {
        sequences: Sequences::new(&input, 90, 3),
        targets: Targets { values: &targets },
    };
    let control = Control::with_threads(threads);
    train(&mut case.weights, &mut case.head, &data, None, &options, &control).expect("valid");
    case
}

fn penalty_of(case: &Case<f64>, penalty: JacobianPenalty) -> f64 {
    let (mut d_weights, mut d_head) = (case.weights.clone(), case.head.clone());
    let model = (&case.weights, &case.head);
    let gradients = (&mut d_weights, &mut d_head);
    jacobian_penalty(model, &case.sequences(), penalty, gradients, &Control::with_threads(1)).expect("valid")
}

/// Steps that learn the products, in batches of 40, 40 and 10 windows.
fn product_options() -> TrainOptions {
    TrainOptions {
        epochs: 60,
        batch_size: 40,
        learning_rate: 0.02,
        head_learning_rate: 0.02,
        ..TrainOptions::default()
    }
}

#[test]
fn penalties_in_training_shrink_the_variation_and_the_size_of_exposures() {
    let free = trained_on_products(product_options(), 1);
    let steady = trained_on_products(
        TrainOptions {
            variation_penalty: 1.0,
            ..product_options()
        },
        1,
    );
    let small = trained_on_products(
        TrainOptions {
            size_penalty: 1.0,
            ..product_options()
        },
        1,
    );
    let variation = |case: &Case<f64>| penalty_of(case, JacobianPenalty::Variation);
    let size = |case: &Case<f64>| penalty_of(case, JacobianPenalty::Size);
    assert!(variation(&steady) < 0.1 * variation(&free), "far from noise");
    assert!(size(&small) < 0.3 * size(&free), "far from noise");
    // What is constant in the exposures may stay: the variation penalty leaves more of their size.
    assert!(size(&steady) > size(&small));
}

#[test]
fn dropout_is_the_same_for_any_number_of_threads_and_differs_by_seed() {
    let with = |dropout, seed| TrainOptions {
        dropout,
        seed,
        ..product_options()
    };
    let parameters = |case: Case<f64>| case.weights;
    let one = parameters(trained_on_products(with(0.3, 1), 1));
    assert_eq!(one, parameters(trained_on_products(with(0.3, 1), 3)));
    assert_ne!(one, parameters(trained_on_products(with(0.3, 2), 1)));
    assert_ne!(one, parameters(trained_on_products(with(0.0, 1), 1)));
}
