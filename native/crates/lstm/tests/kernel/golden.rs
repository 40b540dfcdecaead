//! Reference and fast path against `torch.nn.LSTM` in float64 (test/reference/lstm_golden.py).

use macrograd_lstm::{
    Cotangent, Gradients, LstmShape, LstmWeights, Tape, backward, forward, jacobian, predict, reference,
};
use macrograd_simd::{Control, Isa, Real};

use crate::support::{Case, Sizes, Uniform, error, isas};

const GOLDEN: &str = include_str!("golden.txt");
const PROBES: usize = 3;
const PROBE_SEED: u64 = 0x5eed;

/// Ordinary cases: rounding of sums in another order through up to 120 steps.
const F64_BOUND: f64 = 1e-12;
const F32_BOUND: f64 = 1e-5;
/// Weights of 10 to 50 times the usual size: saturated gates amplify rounding.
const SATURATED_F64_BOUND: f64 = 1e-6;

struct Golden {
    sizes: Sizes,
    seed: u64,
    /// Name, count, whether the numbers are the array itself, numbers.
    arrays: Vec<(String, usize, bool, Vec<f64>)>,
}

fn read() -> Vec<Golden> {
    let mut cases: Vec<Golden> = Vec::new();
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let name = words.next().expect("a name");
        if name == "case" {
            let fields: Vec<usize> = words.map(|word| word.parse().expect("an integer")).collect();
            let [
                hidden_size,
                input_size,
                layers,
                batch_size,
                sequence_length,
                initial,
                gain,
                seed,
            ] = fields[..]
            else {
                panic!("a case has eight fields: {line}");
            };
            let shape = LstmShape {
                input_size,
                hidden_size,
                layers,
            };
            let (initial, gain) = (initial == 1, gain as f64);
            let sizes = Sizes {
                shape,
                batch_size,
                sequence_length,
                outputs: 2,
                initial,
                gain,
            };
            cases.push(Golden {
                sizes,
                seed: seed as u64,
                arrays: Vec::new(),
            });
            continue;
        }
        let count = words.next().expect("a count").parse().expect("an integer");
        let full = words.next() == Some("full");
        let numbers = words.map(|word| word.parse().expect("a number")).collect();
        cases
            .last_mut()
            .expect("a case first")
            .arrays
            .push((name.to_owned(), count, full, numbers));
    }
    cases
}

/// Every array of a case, by the golden file's names.
type Arrays<T> = Vec<(&'static str, Vec<T>)>;

fn cotangent<T: Real>(case: &Case<T>) -> Cotangent<'_, T> {
    let last = &case.d_hidden[..case.sizes.batch_size * case.sizes.shape.hidden_size];
    Cotangent {
        last_hidden: Some(last),
        hidden: Some(&case.d_hidden),
    }
}

fn of_reference<T: Real>(case: &Case<T>) -> Arrays<T> {
    let trace = reference::forward(&case.weights, &case.sequences()).expect("valid");
    let pulled = reference::backward(&case.weights, &trace, &cotangent(case)).expect("valid");
    vec![
        ("outputs", case.head.apply(&trace.last_hidden())),
        ("last_cell", trace.last_cell()),
        ("d_weights", pulled.weights.arrays().flatten().copied().collect()),
        ("d_input", pulled.input),
        ("d_initial_hidden", pulled.initial_hidden),
        ("d_initial_cell", pulled.initial_cell),
        (
            "jacobian",
            reference::jacobian(&case.weights, &case.head, &case.sequences()).expect("valid"),
        ),
    ]
}

fn of_fast_path<T: Real>(case: &Case<T>, isa: Isa) -> Arrays<T> {
    let control = Control::with_threads(1).on(isa);
    let (shape, batch_size) = (case.sizes.shape, case.sizes.batch_size);
    let state = batch_size * shape.hidden_size;
    let zeros = |length: usize| vec![T::ZERO; length];
    let mut outputs = zeros(batch_size * case.head.outputs);
    predict(&case.weights, &case.head, &case.sequences(), &mut outputs, &control).expect("valid");
    let mut tape = Tape::default();
    forward(&case.weights, &case.sequences(), &mut tape, &control).expect("valid");
    let mut last_cell = zeros(shape.layers * state);
    for (layer, out) in last_cell.chunks_exact_mut(state).enumerate() {
        tape.last_cell(layer, out).expect("recorded");
    }
    let mut weights = LstmWeights::zeros(shape).expect("valid");
    let (mut input, mut hidden) = (zeros(case.input.len()), zeros(shape.layers * state));
    let mut cell = hidden.clone();
    let mut gradients = Gradients {
        weights: Some(&mut weights),
        input: Some(&mut input),
        initial_hidden: Some(&mut hidden),
        initial_cell: Some(&mut cell),
    };
    backward(&case.weights, &mut tape, &cotangent(case), &mut gradients, &control).expect("valid");
    let mut derivatives = zeros(case.input.len() * case.head.outputs);
    jacobian(
        &case.weights,
        &case.head,
        &case.sequences(),
        None,
        &mut derivatives,
        &control,
    )
    .expect("valid");
    vec![
        ("outputs", outputs),
        ("last_cell", last_cell),
        ("d_weights", weights.arrays().flatten().copied().collect()),
        ("d_input", input),
        ("d_initial_hidden", hidden),
        ("d_initial_cell", cell),
        ("jacobian", derivatives),
    ]
}

/// Error of one array over its largest value; for probes, of the dot products over the array's root sum of squares
/// (which bounds the largest value's share in a probe).
fn golden_error<T: Real>(actual: &[T], count: usize, full: bool, numbers: &[f64]) -> f64 {
    assert_eq!(actual.len(), count);
    if full {
        return error(actual, numbers);
    }
    let mut random = Uniform::new(PROBE_SEED);
    let norm = numbers[0].sqrt();
    let values: Vec<f64> = actual.iter().map(|x| x.to_f64()).collect();
    let own_norm = values.iter().map(|x| x * x).sum::<f64>().sqrt();
    let probes = (0..PROBES).map(|probe| {
        let vector = random.vector::<f64>(count, 1.0);
        let dot: f64 = values.iter().zip(&vector).map(|(x, y)| x * y).sum();
        (dot - numbers[1 + probe]).abs()
    });
    probes.fold((own_norm - norm).abs(), f64::max) / norm
}

fn check<T: Real>(golden: &Golden, arrays: &Arrays<T>, bound: f64, what: &str) {
    for ((name, count, full, numbers), (own_name, own)) in golden.arrays.iter().zip(arrays) {
        assert_eq!(name, own_name);
        assert!(
            own.iter().all(|x| x.is_finite()),
            "{name} is not finite, {what}, {:?}",
            golden.sizes
        );
        let error = golden_error(own, *count, *full, numbers);
        assert!(error <= bound, "{name}: error {error:e}, {what}, {:?}", golden.sizes);
    }
}

fn bounds(golden: &Golden) -> (f64, f64) {
    // Saturated float32 need only be finite: one flipped rounding before a steep gate may change every digit after it.
    if golden.sizes.gain > 1.0 {
        (SATURATED_F64_BOUND, f64::INFINITY)
    } else {
        (F64_BOUND, F32_BOUND)
    }
}

#[test]
fn reference_matches_pytorch() {
    for golden in read() {
        let (f64_bound, f32_bound) = bounds(&golden);
        check(
            &golden,
            &of_reference(&Case::<f64>::new(golden.sizes, golden.seed)),
            f64_bound,
            "reference f64",
        );
        check(
            &golden,
            &of_reference(&Case::<f32>::new(golden.sizes, golden.seed)),
            f32_bound,
            "reference f32",
        );
    }
}

#[test]
fn fast_path_matches_pytorch_on_every_isa() {
    for isa in isas() {
        for golden in read() {
            let (f64_bound, f32_bound) = bounds(&golden);
            let f64_case = Case::<f64>::new(golden.sizes, golden.seed);
            check(
                &golden,
                &of_fast_path(&f64_case, isa),
                f64_bound,
                &format!("{isa:?} f64"),
            );
            let f32_case = Case::<f32>::new(golden.sizes, golden.seed);
            check(
                &golden,
                &of_fast_path(&f32_case, isa),
                f32_bound,
                &format!("{isa:?} f32"),
            );
        }
    }
}

#[test]
fn the_golden_set_covers_the_promised_sizes() {
    let cases = read();
    let has = |of: fn(&Sizes) -> usize, sizes: &[usize]| sizes.iter().all(|&s| cases.iter().any(|c| of(&c.sizes) == s));
    assert!(has(|s| s.shape.hidden_size, &[1, 3, 16, 17, 64, 100]));
    assert!(has(|s| s.shape.input_size, &[1, 5, 12]));
    assert!(has(|s| s.sequence_length, &[1, 2, 24, 120]));
    assert!(has(|s| s.shape.layers, &[1, 2, 3]));
    assert!(has(|s| s.batch_size, &[1, 7, 64]));
    assert!(cases.iter().all(|case| case.arrays.len() == 7));
}
