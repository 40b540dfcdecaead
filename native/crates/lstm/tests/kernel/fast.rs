//! The fast path against the scalar reference, on every instruction set of the processor and on odd sizes.

use crate::support::{Case, Sizes, error, isas};
use macrograd_lstm::{Cotangent, Gradients, LstmWeights, Tape, backward, forward, jacobian, predict, reference};
use macrograd_simd::{Control, Isa, Real};

/// Rounding of float64 sums of up to 500 terms in another order, through up to 120 steps.
const F64_BOUND: f64 = 1e-12;
/// The same in float32, and the rational tanh.
const F32_BOUND: f64 = 1e-5;

/// Odd sizes in every direction: units and inputs beside block sizes, batches beside vector and tile sizes.
fn sizes() -> Vec<Sizes> {
    let mut all = Vec::new();
    for (h, f, layers, batch_size, length) in [
        (1, 1, 1, 5, 1),
        (1, 5, 2, 7, 2),
        (3, 1, 3, 64, 5),
        (16, 6, 1, 25, 1),
        (16, 12, 1, 97, 24),
        (17, 5, 2, 49, 7),
        (64, 12, 1, 31, 9),
        (5, 3, 1, 200, 3),
        (100, 2, 1, 8, 12),
        (7, 9, 1, 3, 120),
        (8, 4, 2, 600, 1),
        (4, 4, 1, 0, 3),
        (3, 2, 2, 9, 2),
    ] {
        let plain = Sizes::new(h, f, layers, batch_size, length);
        all.push(plain);
        all.push(Sizes { initial: true, ..plain });
    }
    all.retain(|sizes| products(sizes) <= most_products());
    all
}

/// Products of a forward pass that Miri, which is a thousand times slower, still does in a second or two.
const MIRI_PRODUCTS: usize = 2_000;

/// Largest forward pass of a case: `MACROGRAD_TEST_PRODUCTS`, for emulators, or no limit.
fn most_products() -> usize {
    if cfg!(miri) {
        return MIRI_PRODUCTS;
    }
    let limit = std::env::var("MACROGRAD_TEST_PRODUCTS").ok();
    limit.map_or(usize::MAX, |limit| limit.parse().expect("a number of products"))
}

fn products(sizes: &Sizes) -> usize {
    let per_step = 4 * sizes.shape.hidden_size * (sizes.shape.input_size + sizes.shape.hidden_size);
    per_step * sizes.shape.layers * sizes.batch_size * sizes.sequence_length
}

/// Calls a check for every instruction set, size and precision.
fn everywhere(check32: impl Fn(&Case<f32>, Isa), check64: impl Fn(&Case<f64>, Isa)) {
    for isa in isas() {
        for (seed, sizes) in sizes().into_iter().enumerate() {
            check32(&Case::new(sizes, seed as u64), isa);
            check64(&Case::new(sizes, seed as u64), isa);
        }
    }
}

fn assert_close<T: Real>(actual: &[T], expected: &[T], bound: f64, what: &str, case: &Case<T>, isa: Isa) {
    let error = error(actual, expected);
    assert!(
        error <= bound,
        "{what}: error {error:e} on {isa:?} for {:?}",
        case.sizes
    );
}

fn forward_matches<T: Real>(case: &Case<T>, isa: Isa, bound: f64) {
    let control = Control::with_threads(1).on(isa);
    let trace = reference::forward(&case.weights, &case.sequences()).expect("valid");
    let mut outputs = vec![T::ZERO; case.sizes.batch_size * case.head.outputs];
    predict(&case.weights, &case.head, &case.sequences(), &mut outputs, &control).expect("valid");
    assert_close(
        &outputs,
        &case.head.apply(&trace.last_hidden()),
        bound,
        "outputs",
        case,
        isa,
    );

    let mut tape = Tape::default();
    forward(&case.weights, &case.sequences(), &mut tape, &control).expect("valid");
    let mut cell = vec![T::ZERO; case.sizes.batch_size * case.sizes.shape.hidden_size];
    let top = case.sizes.shape.layers - 1;
    tape.last_cell(top, &mut cell).expect("recorded");
    assert_close(&cell, &trace.last_cell()[top * cell.len()..], bound, "cell", case, isa);
}

#[test]
fn forward_matches_reference_on_every_isa() {
    everywhere(
        |case, isa| forward_matches(case, isa, F32_BOUND),
        |case, isa| forward_matches(case, isa, F64_BOUND),
    );
}

/// All gradients, in the order weights (flat), input, initial hidden, initial cell.
fn fast_gradients<T: Real>(case: &Case<T>, isa: Isa, threads: usize) -> [Vec<T>; 4] {
    let control = Control::with_threads(threads).on(isa);
    let shape = case.sizes.shape;
    let states = shape.layers * case.sizes.batch_size * shape.hidden_size;
    let mut weights = LstmWeights::zeros(shape).expect("valid");
    let mut input = vec![T::ZERO; case.input.len()];
    let (mut hidden, mut cell) = (vec![T::ZERO; states], vec![T::ZERO; states]);
    let mut tape = Tape::default();
    forward(&case.weights, &case.sequences(), &mut tape, &control).expect("valid");
    let mut gradients = Gradients {
        weights: Some(&mut weights),
        input: Some(&mut input),
        initial_hidden: Some(&mut hidden),
        initial_cell: Some(&mut cell),
    };
    backward(&case.weights, &mut tape, &cotangent(case), &mut gradients, &control).expect("valid");
    [weights.arrays().flatten().copied().collect(), input, hidden, cell]
}

fn cotangent<T: Real>(case: &Case<T>) -> Cotangent<'_, T> {
    let last = &case.d_hidden[..case.sizes.batch_size * case.sizes.shape.hidden_size];
    Cotangent {
        last_hidden: Some(last),
        hidden: Some(&case.d_hidden),
    }
}

fn backward_matches<T: Real>(case: &Case<T>, isa: Isa, bound: f64) {
    let trace = reference::forward(&case.weights, &case.sequences()).expect("valid");
    let slow = reference::backward(&case.weights, &trace, &cotangent(case)).expect("valid");
    let [weights, input, hidden, cell] = fast_gradients(case, isa, 1);
    let slow_weights: Vec<T> = slow.weights.arrays().flatten().copied().collect();
    assert_close(&weights, &slow_weights, bound, "weight gradient", case, isa);
    assert_close(&input, &slow.input, bound, "input gradient", case, isa);
    assert_close(
        &hidden,
        &slow.initial_hidden,
        bound,
        "initial hidden gradient",
        case,
        isa,
    );
    assert_close(&cell, &slow.initial_cell, bound, "initial cell gradient", case, isa);
}

#[test]
fn backward_matches_reference_on_every_isa() {
    everywhere(
        |case, isa| backward_matches(case, isa, F32_BOUND),
        |case, isa| backward_matches(case, isa, F64_BOUND),
    );
}

fn jacobian_matches<T: Real>(case: &Case<T>, isa: Isa, bound: f64) {
    let control = Control::with_threads(1).on(isa);
    let mut fast = vec![T::ZERO; case.input.len() * case.head.outputs];
    jacobian(&case.weights, &case.head, &case.sequences(), None, &mut fast, &control).expect("valid");
    let slow = reference::jacobian(&case.weights, &case.head, &case.sequences()).expect("valid");
    assert_close(&fast, &slow, bound, "jacobian", case, isa);
}

#[test]
fn jacobian_matches_reference_on_every_isa() {
    everywhere(
        |case, isa| jacobian_matches(case, isa, F32_BOUND),
        |case, isa| jacobian_matches(case, isa, F64_BOUND),
    );
}

/// Large enough that several threads are used and several groups of tiles are summed.
fn large() -> Case<f32> {
    Case::new(Sizes::new(17, 5, 2, 1_000, 13), 3)
}

#[test]
fn gradients_have_the_same_bits_for_any_number_of_threads() {
    for isa in isas() {
        let one = fast_gradients(&large(), isa, 1);
        for threads in [2, 3, 8] {
            assert_eq!(
                one,
                fast_gradients(&large(), isa, threads),
                "{threads} threads on {isa:?}"
            );
        }
    }
}

#[test]
fn a_sample_has_the_same_bits_in_any_batch() {
    let case = large();
    let row = case.sizes.sequence_length * case.sizes.shape.input_size;
    for isa in isas() {
        let control = Control::with_threads(2).on(isa);
        let run = |input: &[f32]| {
            let sequences = macrograd_lstm::Sequences::new(input, input.len() / row, case.sizes.sequence_length);
            let mut values = vec![0.0; input.len() * case.head.outputs];
            let mut outputs = vec![0.0; sequences.batch_size * case.head.outputs];
            jacobian(
                &case.weights,
                &case.head,
                &sequences,
                Some(&mut outputs),
                &mut values,
                &control,
            )
            .expect("valid");
            values.extend(outputs);
            values
        };
        let whole = run(&case.input);
        let (jacobians, outputs) = whole.split_at(case.input.len() * case.head.outputs);
        for (start, end) in [(0, 1), (1, 8), (8, 41), (41, 300), (300, 1_000)] {
            let part = run(&case.input[start * row..end * row]);
            let per_sample = row * case.head.outputs;
            let expected = [
                &jacobians[start * per_sample..end * per_sample],
                &outputs[start * case.head.outputs..end * case.head.outputs],
            ];
            assert_eq!(part, expected.concat(), "samples {start}..{end} on {isa:?}");
        }
    }
}

#[test]
fn a_tape_serves_batches_of_changing_size() {
    for isa in isas() {
        let control = Control::with_threads(1).on(isa);
        let mut tape = Tape::default();
        for (seed, batch_size) in [(1, 70), (2, 3), (3, 100), (4, 70)] {
            let case = Case::<f64>::new(Sizes::new(6, 4, 2, batch_size, 5), seed);
            forward(&case.weights, &case.sequences(), &mut tape, &control).expect("valid");
            let mut gradient = LstmWeights::zeros(case.sizes.shape).expect("valid");
            let mut gradients = Gradients {
                weights: Some(&mut gradient),
                ..Gradients::default()
            };
            backward(&case.weights, &mut tape, &cotangent(&case), &mut gradients, &control).expect("valid");
            let [fresh, ..] = fast_gradients(&case, isa, 1);
            assert_eq!(
                gradient.arrays().flatten().copied().collect::<Vec<_>>(),
                fresh,
                "{isa:?}"
            );
        }
    }
}
