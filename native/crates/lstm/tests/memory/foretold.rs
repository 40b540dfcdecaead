//! What `estimate_memory` foretells against what an allocator counts.

use macrograd_lstm::train::{Targets, TrainOptions, TrainingData, train};
use macrograd_lstm::{
    Head, LstmShape, LstmWeights, MemorySizes, MemoryUse, Sequences, estimate_memory, jacobian, predict,
};
use macrograd_simd::{Control, Isa};

use crate::{alone, peak_of};

/// Share of the estimate that lists of work, threads and short-lived copies of weights may take beside it, and their
/// least size.
const SLACK: f64 = 0.1;
const SMALL: f64 = 300e3;

fn assert_foretold(measured: usize, sizes: MemorySizes, work: MemoryUse) {
    let isa = Isa::active().expect("an instruction set");
    let foretold = estimate_memory::<f32>(sizes, work, isa).total() as f64;
    let error = (measured as f64 - foretold).abs();
    assert!(
        error <= SLACK * foretold + SMALL,
        "{work:?}: {foretold} foretold, {measured} measured, for {sizes:?}"
    );
}

#[test]
fn memory_is_as_foretold() {
    let _alone = alone();
    for (hidden_size, layers, batch_size, sequence_length, threads) in [
        (64, 1, 4096, 24, 1),
        (32, 3, 1500, 60, 2),
        (200, 2, 64, 12, 1),
        (16, 1, 60_000, 12, 2),
    ] {
        let shape = LstmShape {
            input_size: 12,
            hidden_size,
            layers,
        };
        let sizes = MemorySizes {
            shape,
            outputs: 2,
            batch_size,
            sequence_length,
            threads,
        };
        let weights = LstmWeights::from_flat(shape, &vec![0.1_f32; shape.parameter_count()]).expect("sizes fit");
        let head = Head::new(hidden_size, vec![0.1; 2 * hidden_size], vec![0.0; 2]).expect("sizes fit");
        let input = vec![0.5; batch_size * sequence_length * 12];
        let windows = Sequences::new(&input, batch_size, sequence_length);
        let control = Control::with_threads(threads);
        let mut outputs = vec![0.0; 2 * batch_size];
        let forward = peak_of(|| predict(&weights, &head, &windows, &mut outputs, &control).expect("valid"));
        assert_foretold(forward, sizes, MemoryUse::Forward);
        let mut out = vec![0.0; 2 * input.len()];
        let derivatives = peak_of(|| jacobian(&weights, &head, &windows, None, &mut out, &control).expect("valid"));
        assert_foretold(derivatives, sizes, MemoryUse::Jacobian);
        let (mut weights, mut head) = (weights, head);
        let data = TrainingData {
            sequences: windows,
            targets: Targets { values: &outputs },
        };
        let options = TrainOptions {
            epochs: 1,
            batch_size,
            // Without noise a batch of all rows would be read where it lies.
            input_noise: 0.1,
            ..TrainOptions::default()
        };
        let trained = || drop(train(&mut weights, &mut head, &data, None, &options, &control).expect("valid"));
        assert_foretold(peak_of(trained), sizes, MemoryUse::Training);
    }
}
