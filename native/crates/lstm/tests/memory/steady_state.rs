//! Buffers that the caller keeps are filled without allocating, once a call of their size has made room. In float32: the
//! code is the same in float64, and takes a minute to compile.

use macrograd_lstm::closed_form::{
    self, Cell, FeatureForm, GroupReturns, Inputs, Layout, Options, Returns, group_by_pattern, train_member,
};
use macrograd_lstm::train::{SquaredError, Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{
    Cotangent, ExposureShape, Gradients, Head, InputColumns, LstmShape, LstmWeights, Sequences, Tape, Workspace,
    backward, forward,
};
use macrograd_simd::Control;

use crate::{allocations_of, alone};

/// Odd in every direction; 1,000 windows are several micro-batches of the trainer, the last one smaller.
const SHAPE: LstmShape = LstmShape {
    input_size: 5,
    hidden_size: 17,
    layers: 2,
};
const OUTPUTS: usize = 3;
const LENGTH: usize = 7;
const WINDOWS: usize = 1_000;

struct Model {
    weights: LstmWeights<f32>,
    head: Head<f32>,
    input: Vec<f32>,
    targets: Vec<f32>,
}

impl Model {
    fn new() -> Self {
        let wave = |count: usize, scale: f64| -> Vec<f32> {
            let value = |i: usize| (scale * (0.7 * i as f64).sin()) as f32;
            (0..count).map(value).collect()
        };
        Self {
            weights: LstmWeights::from_flat(SHAPE, &wave(SHAPE.parameter_count(), 0.3)).expect("sizes fit"),
            head: Head::new(
                SHAPE.hidden_size,
                wave(OUTPUTS * SHAPE.hidden_size, 1.0),
                wave(OUTPUTS, 1.0),
            )
            .expect("sizes fit"),
            input: wave(WINDOWS * LENGTH * SHAPE.input_size, 1.0),
            targets: wave(WINDOWS * OUTPUTS, 0.1),
        }
    }

    fn windows(&self, count: usize) -> Sequences<'_, f32> {
        Sequences::new(&self.input[..count * LENGTH * SHAPE.input_size], count, LENGTH)
    }

    fn targets(&self) -> Targets<'_, f32> {
        Targets { values: &self.targets }
    }
}

/// Calls once to make room, then counts: also of smaller batches, and of the first size after them.
fn assert_steady(what: &str, mut call: impl FnMut(usize)) {
    call(WINDOWS);
    let count = allocations_of(|| [WINDOWS, 130, 1, WINDOWS].into_iter().for_each(&mut call));
    assert_eq!(count, 0, "{what} allocates");
}

#[test]
fn predictions_jacobians_and_exposures_in_a_workspace_allocate_once() {
    let _alone = alone();
    let (model, control) = (Model::new(), Control::with_threads(1));
    let Model { weights, head, .. } = &model;
    let mut workspace = Workspace::default();
    let mut outputs = vec![0.0; WINDOWS * OUTPUTS];
    assert_steady("predict", |count| {
        let out = &mut outputs[..count * OUTPUTS];
        workspace
            .predict(weights, head, &model.windows(count), out, &control)
            .expect("valid");
    });
    let mut derivatives = vec![0.0; WINDOWS * OUTPUTS * LENGTH * SHAPE.input_size];
    for columns in [InputColumns::SumOverSteps, InputColumns::Input(1), InputColumns::Every] {
        let width = columns.count(LENGTH, SHAPE.input_size);
        assert_steady("jacobian_columns", |count| {
            let outputs = Some(&mut outputs[..count * OUTPUTS]);
            let out = &mut derivatives[..count * OUTPUTS * width];
            workspace
                .jacobian_columns(weights, head, &model.windows(count), columns, outputs, out, &control)
                .expect("valid");
        });
    }
    let mut hidden = vec![0.0; WINDOWS * SHAPE.hidden_size * SHAPE.input_size];
    assert_steady("hidden_columns and exposures", |count| {
        let shape = ExposureShape {
            dates: count,
            hidden_size: SHAPE.hidden_size,
            columns: SHAPE.input_size,
            assets: OUTPUTS,
        };
        let hidden = &mut hidden[..count * SHAPE.hidden_size * SHAPE.input_size];
        workspace
            .hidden_columns(
                weights,
                &model.windows(count),
                InputColumns::SumOverSteps,
                hidden,
                &control,
            )
            .expect("valid");
        let out = &mut derivatives[..count * OUTPUTS * SHAPE.input_size];
        workspace
            .exposures(shape, hidden, &head.weight, out, &control)
            .expect("valid");
    });
}

#[test]
fn forward_backward_and_training_steps_into_kept_buffers_allocate_once() {
    let _alone = alone();
    let (model, control) = (Model::new(), Control::with_threads(1));
    let mut tape = Tape::default();
    let mut weights = LstmWeights::zeros(SHAPE).expect("valid");
    let mut input = vec![0.0; model.input.len()];
    let states = SHAPE.layers * WINDOWS * SHAPE.hidden_size;
    let (mut hidden, mut cell) = (vec![0.0; states], vec![0.0; states]);
    let mut last = vec![0.0; WINDOWS * SHAPE.hidden_size];
    assert_steady("a forward and a backward pass", |count| {
        let (last, states) = (
            &mut last[..count * SHAPE.hidden_size],
            SHAPE.layers * count * SHAPE.hidden_size,
        );
        forward(&model.weights, &model.windows(count), &mut tape, &control).expect("valid");
        tape.last_hidden(last).expect("recorded");
        let mut gradients = Gradients {
            weights: Some(&mut weights),
            input: Some(&mut input[..count * LENGTH * SHAPE.input_size]),
            initial_hidden: Some(&mut hidden[..states]),
            initial_cell: Some(&mut cell[..states]),
        };
        let cotangent = Cotangent::of_last_hidden(last);
        backward(&model.weights, &mut tape, &cotangent, &mut gradients, &control).expect("valid");
    });
    let mut loss = SquaredError::new(&model.weights, &model.head).expect("valid");
    assert_steady("a training step's loss and gradient", |count| {
        let targets = Targets {
            values: &model.targets[..count * OUTPUTS],
        };
        loss.evaluate(
            (&model.weights, &model.head),
            &model.windows(count),
            targets,
            None,
            &control,
        )
        .expect("valid");
    });
}

#[test]
fn training_allocates_the_same_for_any_number_of_epochs() {
    let _alone = alone();
    let (model, control) = (Model::new(), Control::with_threads(1));
    let data = TrainingData {
        sequences: model.windows(WINDOWS),
        targets: model.targets(),
    };
    let allocations = |epochs| {
        let (mut weights, mut head) = (model.weights.clone(), model.head.clone());
        let options = TrainOptions {
            epochs,
            batch_size: 450,
            dropout: 0.2,
            input_noise: 0.1,
            ..TrainOptions::default()
        };
        allocations_of(|| drop(train(&mut weights, &mut head, &data, Some(&data), &options, &control).expect("valid")))
    };
    assert_eq!(allocations(1), allocations(5));
}

/// Allocations of the standard library for the start of a thread, on the thread that starts it; its list of handles too.
const ALLOCATIONS_A_THREAD: usize = 12;

#[test]
fn further_threads_allocate_for_their_start_alone() {
    let _alone = alone();
    let model = Model::new();
    let mut workspace = Workspace::default();
    let mut outputs = vec![0.0; WINDOWS * OUTPUTS];
    for threads in [2, 4] {
        let control = Control::with_threads(threads);
        let mut call = || {
            workspace
                .predict(
                    &model.weights,
                    &model.head,
                    &model.windows(WINDOWS),
                    &mut outputs,
                    &control,
                )
                .expect("valid");
        };
        call();
        let count = allocations_of(call);
        assert!(
            count <= ALLOCATIONS_A_THREAD * (threads - 1),
            "{count} with {threads} threads"
        );
    }
}

#[test]
fn steps_with_closed_form_heads_allocate_the_same_for_any_number_of_them() {
    let _alone = alone();
    let (rows, factors, assets) = (120, 3, 9);
    let wave = |count: usize, pace: f64| -> Vec<f64> { (0..count).map(|i| (pace * i as f64).sin()).collect() };
    let (window, mut returns) = (wave(rows * factors, 0.7), wave(rows * assets, 1.3));
    // A pattern of missing returns with a group of its own, and a group of one.
    for row in 0..30 {
        returns[row * assets..][..3].fill(f64::NAN);
        returns[(rows - 1 - row) * assets + 8] = f64::NAN;
    }
    let returns = Returns {
        values: &returns,
        assets,
    };
    let patterns = group_by_pattern(returns, rows, 8);
    let groups: Vec<GroupReturns> = patterns.iter().map(|p| GroupReturns::new(returns, p)).collect();
    assert_eq!(groups.len(), 3);
    let data = closed_form::TrainingData {
        inputs: Inputs {
            rows,
            window: &window,
            window_size: factors,
            factors: &window,
            factor_count: factors,
        },
        noisy_columns: factors,
        groups: &groups,
        layout: Layout {
            window_size: factors,
            hidden_size: 5,
            factors,
            filters: 2,
            rank: 4,
            cell: Cell::Mixed,
            form: FeatureForm::Level,
        },
    };
    let allocations = |steps| {
        let options = Options {
            long_steps: steps,
            patience: usize::MAX,
            ..Options::default()
        };
        let control = Control::with_threads(1);
        let train = || train_member(&data, &options, 0, 4, &control, &|_| {}).expect("valid");
        allocations_of(|| assert_eq!(train().steps, steps))
    };
    // Validations among the steps too; the first call also makes room that the thread keeps.
    allocations(10);
    assert_eq!(allocations(10), allocations(60));
}
