//! The trainer against steps of `torch.optim.AdamW` (test/reference/lstm_train_golden.py, torch 2.15.0, float64).

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData, train};
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
