//! Shared encoder with a head for every asset, and many networks of their own, against the plain Jacobian.

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{
    ExposureShape, Head, InputColumns, LstmError, Network, Sequences, exposures, hidden_columns, jacobian_each,
    reference, train_each,
};
use macrograd_simd::{Control, Isa, Real};

use crate::support::{Case, Sizes, Uniform, error, isas};

/// Rounding of sums in another order.
const F64_BOUND: f64 = 1e-12;
/// The same in float32, and the rational tanh.
const F32_BOUND: f64 = 1e-5;

const KINDS: [InputColumns; 3] = [InputColumns::Every, InputColumns::SumOverSteps, InputColumns::Input(1)];

/// The reference Jacobian's wanted columns, [row][column].
fn contract(full: &[f64], columns: InputColumns, length: usize, f: usize) -> Vec<f64> {
    let rows = full.chunks_exact(length * f);
    match columns {
        InputColumns::Every => full.to_vec(),
        InputColumns::SumOverSteps => rows
            .flat_map(|row| (0..f).map(|input| row.iter().skip(input).step_by(f).sum()))
            .collect(),
        InputColumns::Input(input) => rows
            .flat_map(|row| row.iter().skip(input).step_by(f).copied())
            .collect(),
    }
}

fn shape<T: Real>(case: &Case<T>, columns: InputColumns, assets: usize) -> ExposureShape {
    let Sizes {
        shape,
        batch_size,
        sequence_length,
        ..
    } = case.sizes;
    ExposureShape {
        dates: batch_size,
        hidden_size: shape.hidden_size,
        columns: columns.count(sequence_length, shape.input_size),
        assets,
    }
}

/// Exposures of `heads` [assets, H], in one product.
fn fast<T: Real>(case: &Case<T>, heads: &[T], columns: InputColumns, control: &Control) -> Vec<T> {
    let shape = shape(case, columns, heads.len() / case.sizes.shape.hidden_size);
    let mut hidden = vec![T::ZERO; shape.dates * shape.hidden_size * shape.columns];
    hidden_columns(&case.weights, &case.sequences(), columns, &mut hidden, control).expect("valid");
    let mut out = vec![T::ZERO; shape.dates * shape.assets * shape.columns];
    exposures(shape, &hidden, heads, &mut out, control).expect("valid");
    out
}

fn heads<T: Real>(case: &Case<T>, assets: usize) -> Vec<T> {
    Uniform::new(99).vector(assets * case.sizes.shape.hidden_size, 1.0)
}

fn exposures_match<T: Real>(sizes: Sizes, assets: usize, isa: Isa, bound: f64) {
    let (case, exact) = (Case::<T>::new(sizes, 5), Case::<f64>::new(sizes, 5));
    let head = Head::new(sizes.shape.hidden_size, heads(&exact, assets), vec![0.0; assets]).expect("valid");
    let full = reference::jacobian(&exact.weights, &head, &exact.sequences()).expect("valid");
    for columns in KINDS {
        let expected = contract(&full, columns, sizes.sequence_length, sizes.shape.input_size);
        let got = fast(&case, &heads(&case, assets), columns, &Control::with_threads(1).on(isa));
        let error = error(&got, &expected);
        assert!(error <= bound, "{columns:?}: error {error:e} on {isa:?} for {sizes:?}");
    }
}

#[test]
fn exposures_are_the_jacobian_of_all_heads_on_every_isa() {
    for isa in isas() {
        for (h, f, layers, dates, length, assets) in [
            (5, 3, 2, 7, 4, 13),
            (16, 12, 1, 50, 6, 1),
            (17, 2, 1, 3, 9, 600),
            (1, 2, 1, 1, 1, 33),
        ] {
            let mut sizes = Sizes::new(h, f, layers, dates, length);
            sizes.initial = layers == 2;
            exposures_match::<f32>(sizes, assets, isa, F32_BOUND);
            exposures_match::<f64>(sizes, assets, isa, F64_BOUND);
        }
    }
}

#[test]
fn asset_blocks_and_threads_change_no_bit() {
    let case = Case::<f32>::new(Sizes::new(9, 3, 1, 21, 5), 6);
    let all = heads(&case, 1100);
    let whole = fast(&case, &all, InputColumns::Every, &Control::with_threads(1));
    assert_eq!(fast(&case, &all, InputColumns::Every, &Control::with_threads(3)), whole);
    let block = fast(
        &case,
        &all[530 * 9..555 * 9],
        InputColumns::Every,
        &Control::with_threads(1),
    );
    for (date, block) in block.chunks_exact(25 * 15).enumerate() {
        assert_eq!(block, &whole[(date * 1100 + 530) * 15..][..25 * 15]);
    }
}

#[test]
fn an_input_that_there_is_not_is_refused() {
    let case = Case::<f32>::new(Sizes::new(3, 2, 1, 2, 2), 6);
    let mut out = vec![0.0; 2 * 3 * 2];
    let refused = hidden_columns(
        &case.weights,
        &case.sequences(),
        InputColumns::Input(2),
        &mut out,
        &Control::with_threads(1),
    );
    assert!(matches!(refused, Err(LstmError::BadOption { .. })), "{refused:?}");
}

const NETWORKS: usize = 11;

/// Networks with weights and data of their own; the fourth has no observed target.
fn networks() -> (Vec<Case<f32>>, Vec<Vec<f32>>) {
    let cases: Vec<_> = (0..NETWORKS)
        .map(|i| Case::<f32>::new(Sizes::new(5, 3, 1 + i % 2, 30 + i, 4), i as u64))
        .collect();
    let targets = cases.iter().enumerate().map(|(i, case)| {
        let mut targets = case.d_hidden[..case.sizes.batch_size * 2].to_vec();
        targets
            .iter_mut()
            .step_by(if i == 3 { 1 } else { 7 })
            .for_each(|y| *y = f32::NAN);
        targets
    });
    let targets = targets.collect();
    (cases, targets)
}

fn data<'a>(case: &'a Case<f32>, targets: &'a [f32]) -> TrainingData<'a, f32> {
    TrainingData {
        sequences: Sequences::new(&case.input, case.sizes.batch_size, case.sizes.sequence_length),
        targets: Targets { values: targets },
    }
}

fn network(case: &Case<f32>) -> Network<f32> {
    Network {
        weights: case.weights.clone(),
        head: case.head.clone(),
    }
}

const OPTIONS: TrainOptions = TrainOptions {
    epochs: 4,
    batch_size: 16,
    learning_rate: 0.01,
    head_learning_rate: 0.01,
    weight_decay: 0.0,
    clip_norm: 1.0,
    input_noise: 0.1,
    dropout: 0.2,
    size_penalty: 0.0,
    variation_penalty: 0.01,
    patience: 0,
    cosine: true,
    seed: 40,
};

#[test]
fn networks_train_as_each_does_alone_on_any_number_of_threads() {
    let (cases, targets) = networks();
    let all: Vec<_> = cases
        .iter()
        .zip(&targets)
        .map(|(case, targets)| data(case, targets))
        .collect();
    let run = |threads: usize| {
        let mut nets: Vec<_> = cases.iter().map(network).collect();
        let results = train_each(&mut nets, &all, &OPTIONS, &Control::with_threads(threads)).expect("valid");
        (nets, results)
    };
    let (nets, results) = run(1);
    assert_eq!(run(3), (nets.clone(), results.clone()));
    for (index, case) in cases.iter().enumerate() {
        let mut alone = network(case);
        let options = TrainOptions {
            seed: OPTIONS.seed + index as u64,
            ..OPTIONS
        };
        let control = Control::with_threads(1);
        let trained = train(
            &mut alone.weights,
            &mut alone.head,
            &all[index],
            None,
            &options,
            &control,
        );
        assert_eq!((&alone, &trained), (&nets[index], &results[index]));
    }
    assert_eq!(results[3], Err(LstmError::NoObservations));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), NETWORKS - 1);
}

#[test]
fn jacobians_of_networks_are_those_of_each_alone_on_any_number_of_threads() {
    let (cases, _) = networks();
    let nets: Vec<_> = cases.iter().map(network).collect();
    let batches: Vec<_> = cases
        .iter()
        .map(|case| Sequences::new(&case.input, case.sizes.batch_size, 4))
        .collect();
    let samples: usize = batches.iter().map(|batch| batch.batch_size).sum();
    let run = |threads: usize| {
        let mut out = vec![0.0; samples * 2 * 3];
        let columns = InputColumns::SumOverSteps;
        jacobian_each(&nets, &batches, columns, &mut out, &Control::with_threads(threads)).expect("valid");
        out
    };
    let all = run(1);
    assert_eq!(run(4), all);
    let mut rest = &all[..];
    for (net, batch) in nets.iter().zip(&batches) {
        let full = reference::jacobian(&net.weights, &net.head, batch).expect("valid");
        let full: Vec<f64> = full.into_iter().map(f64::from).collect();
        let expected = contract(&full, InputColumns::SumOverSteps, 4, 3);
        let (own, others) = rest.split_at(expected.len());
        assert!(error(own, &expected) < F32_BOUND);
        rest = others;
    }
}
