//! `cargo bench --manifest-path native/bench/Cargo.toml [-- <name>]`: stages of a step of the LSTM (H 64, F 12, one full
//! tile), one output's Jacobian of a tile, and a step of Adam. Throughput is in elements: multiply-adds where a stage is a
//! product, vectors of a unit where it is not.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use macrograd_lstm::optim::{Adam, AdamOptions, ParameterGroup};
use macrograd_lstm::{Head, InputColumns, LstmShape, LstmWeights, Piece, Pieces, Sequences, jacobian_columns};
use macrograd_simd::{Control, Isa};

const SHAPE: LstmShape = LstmShape {
    input_size: 12,
    hidden_size: 64,
    layers: 1,
};
const STEPS: usize = 24;
const RING_STEPS: usize = 16;

fn weights() -> LstmWeights<f32> {
    let flat: Vec<f32> = (0..SHAPE.parameter_count())
        .map(|index| ((index * 7919 % 1000) as f32 / 1000.0 - 0.5) * 0.25)
        .collect();
    LstmWeights::from_flat(SHAPE, &flat).expect("sizes fit")
}

fn stages(criterion: &mut Criterion) {
    let isa = Isa::active().expect("an instruction set");
    let mut group = criterion.benchmark_group("step");
    let (h, columns) = (SHAPE.hidden_size, SHAPE.input_size + SHAPE.hidden_size);
    for piece in Piece::ALL {
        let mut pieces = Pieces::new(&weights(), isa).expect("finite");
        let lanes = pieces.lanes();
        let elements = match piece {
            Piece::GateProducts => 4 * h * columns * lanes,
            Piece::HiddenProducts => 4 * h * h * lanes,
            Piece::WeightGradient => RING_STEPS * 4 * h * columns * lanes,
            Piece::Cells | Piece::Hidden | Piece::PullCell => h * lanes / isa.lanes::<f32>(),
        };
        group.throughput(Throughput::Elements(elements as u64));
        group.bench_function(format!("{piece:?}"), |bencher| bencher.iter(|| pieces.run(piece)));
    }
    group.finish();
}

fn jacobian(criterion: &mut Criterion) {
    let lanes = Pieces::new(&weights(), Isa::active().expect("an instruction set"))
        .expect("finite")
        .lanes();
    let (weights, control) = (weights(), Control::with_threads(1));
    let head = Head::new(SHAPE.hidden_size, vec![0.1; SHAPE.hidden_size], vec![0.0]).expect("sizes fit");
    let input = vec![0.5; lanes * STEPS * SHAPE.input_size];
    let mut out = vec![0.0; input.len()];
    criterion.bench_function("Jacobian of a tile, one output", |bencher| {
        bencher.iter(|| {
            let windows = Sequences::new(&input, lanes, STEPS);
            jacobian_columns(&weights, &head, &windows, InputColumns::Every, None, &mut out, &control).expect("valid");
        });
    });
}

fn adam(criterion: &mut Criterion) {
    let count = SHAPE.parameter_count();
    let group = ParameterGroup {
        range: 0..count,
        learning_rate: 1e-3,
        weight_decay: 1e-4,
    };
    let mut adam = Adam::new(count, vec![group], AdamOptions::default());
    let (mut parameters, gradient) = (vec![0.1; count], vec![0.01; count]);
    criterion.bench_function("Adam", |bencher| {
        bencher.iter(|| adam.step(&mut parameters, &gradient, 1.0))
    });
}

criterion_group!(pieces, stages, jacobian, adam);
criterion_main!(pieces);
