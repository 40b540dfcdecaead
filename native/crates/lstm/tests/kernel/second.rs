//! Products with the Jacobian and second derivatives: against central differences, the reference on dual numbers, and
//! PyTorch.

use macrograd_lstm::{
    Head, InputPlace, JacobianPenalty, LstmWeights, Sequences, cross_partials, hessian, jacobian, jacobian_jvp,
    jacobian_penalty, jvp, reference, vjp,
};
use macrograd_simd::{Control, Dual, Isa, Real};

use crate::support::{Case, Sizes, Uniform, error, isas};

/// Rounding of sums in another order; of float32 also the rational tanh, twice differentiated by its rule.
const F64_BOUND: f64 = 1e-12;
const F32_BOUND: f64 = 2e-5;

/// Central differences: their step, and the bounds that rounding (absolute) and curvature (relative) leave.
const STEP: f64 = 1e-6;
const ABSOLUTE: f64 = 1e-5;
const RELATIVE: f64 = 1e-3;

fn cases() -> Vec<Sizes> {
    let sizes = [(5, 3, 2, 7, 4), (1, 1, 1, 3, 1), (8, 2, 1, 33, 3), (17, 5, 1, 2, 6)];
    let mut all: Vec<_> = sizes.map(|(h, f, layers, b, l)| Sizes::new(h, f, layers, b, l)).into();
    all[0].initial = true;
    all
}

fn tangent<T: Real>(case: &Case<T>) -> Vec<T> {
    Uniform::new(12).vector(case.input.len(), 1.0)
}

fn one_thread(isa: Isa) -> Control {
    Control::with_threads(1).on(isa)
}

/// The reference's Jacobian on dual numbers, the inputs moving along `tangent`: values, then tangents.
fn reference_duals(case: &Case<f64>, tangent: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let constant = |values: &[f64]| values.iter().map(|&x| Dual::constant(x)).collect::<Vec<_>>();
    let flat: Vec<f64> = case.weights.arrays().flatten().copied().collect();
    let weights = LstmWeights::from_flat(case.sizes.shape, &constant(&flat)).expect("sizes fit");
    let (weight, bias) = (constant(&case.head.weight), constant(&case.head.bias));
    let head = Head::new(case.sizes.shape.hidden_size, weight, bias).expect("sizes fit");
    let input: Vec<_> = case.input.iter().zip(tangent).map(|(&x, &t)| Dual::new(x, t)).collect();
    let (hidden, cell) = (constant(&case.initial_hidden), constant(&case.initial_cell));
    let mut sequences = Sequences::new(&input, case.sizes.batch_size, case.sizes.sequence_length);
    if case.sizes.initial {
        sequences.initial_hidden = Some(&hidden);
        sequences.initial_cell = Some(&cell);
    }
    let duals = reference::jacobian(&weights, &head, &sequences).expect("valid");
    duals.into_iter().map(|dual| (dual.value, dual.tangent)).unzip()
}

fn products_match<T: Real>(sizes: Sizes, isa: Isa, bound: f64) {
    let (case, exact) = (Case::<T>::new(sizes, 8), Case::<f64>::new(sizes, 8));
    let (model, control) = ((&case.weights, &case.head), one_thread(isa));
    let moved = tangent(&case);
    let (full, change) = reference_duals(&exact, &tangent(&exact));
    let width = sizes.sequence_length * sizes.shape.input_size;

    let rows = sizes.batch_size * sizes.outputs;
    let (mut y, mut d_y) = (vec![T::ZERO; rows], vec![T::ZERO; rows]);
    jvp(model, &case.sequences(), &moved, &mut y, &mut d_y, &control).expect("valid");
    let direction = tangent(&exact);
    let along = full.chunks_exact(width).enumerate().map(|(row, jacobian)| {
        let sample = &direction[row / sizes.outputs * width..][..width];
        jacobian.iter().zip(sample).map(|(j, t)| j * t).sum::<f64>()
    });
    assert!(
        error(&d_y, &along.collect::<Vec<_>>()) <= bound,
        "jvp on {isa:?} for {sizes:?}"
    );

    let cotangent = Uniform::new(13).vector::<T>(rows, 1.0);
    let mut d_input = vec![T::ZERO; case.input.len()];
    vjp(model, &case.sequences(), &cotangent, &mut d_input, &control).expect("valid");
    let mut pulled = vec![0.0; case.input.len()];
    for (row, jacobian) in full.chunks_exact(width).enumerate() {
        let sample = &mut pulled[row / sizes.outputs * width..][..width];
        sample
            .iter_mut()
            .zip(jacobian)
            .for_each(|(sum, j)| *sum += cotangent[row].to_f64() * j);
    }
    assert!(error(&d_input, &pulled) <= bound, "vjp on {isa:?} for {sizes:?}");

    let mut out = vec![T::ZERO; full.len()];
    jacobian_jvp(model, &case.sequences(), &moved, &mut out, &control).expect("valid");
    let error = error(&out, &change);
    assert!(
        error <= bound,
        "change of the Jacobian: {error:e} on {isa:?} for {sizes:?}"
    );
}

#[test]
fn products_with_the_jacobian_and_its_change_match_the_reference_on_every_isa() {
    for isa in isas() {
        for sizes in cases() {
            products_match::<f32>(sizes, isa, F32_BOUND);
            products_match::<f64>(sizes, isa, F64_BOUND);
        }
    }
}

fn jacobian_at(case: &Case<f64>, input: &[f64]) -> Vec<f64> {
    let mut moved = case.sequences();
    moved.input = input;
    reference::jacobian(&case.weights, &case.head, &moved).expect("valid")
}

fn assert_near(got: f64, difference: f64) {
    let bound = ABSOLUTE + RELATIVE * difference.abs();
    assert!(
        (got - difference).abs() <= bound,
        "{got} against a central difference of {difference}"
    );
}

fn full_hessian(case: &Case<f64>) -> Vec<f64> {
    let width = case.sizes.sequence_length * case.sizes.shape.input_size;
    let mut out = vec![0.0; case.sizes.batch_size * 2 * width * width];
    let control = Control::with_threads(2);
    hessian((&case.weights, &case.head), &case.sequences(), &mut out, &control).expect("valid");
    out
}

#[test]
fn hessian_matches_central_differences_of_the_jacobian() {
    let case = Case::<f64>::new(
        Sizes {
            initial: true,
            ..Sizes::new(4, 2, 2, 3, 3)
        },
        9,
    );
    let (width, out) = (3 * 2, full_hessian(&case));
    assert!(
        out.iter().any(|x| x.abs() > 100.0 * ABSOLUTE),
        "there is something to compare"
    );
    for column in 0..width {
        let shifted = |by: f64| {
            let mut input = case.input.clone();
            input.iter_mut().skip(column).step_by(width).for_each(|x| *x += by);
            jacobian_at(&case, &input)
        };
        let differences = shifted(STEP)
            .into_iter()
            .zip(shifted(-STEP))
            .map(|(up, down)| (up - down) / (2.0 * STEP));
        for (index, difference) in differences.enumerate() {
            let (row, second) = (index / width, index % width);
            assert_near(out[(row * width + column) * width + second], difference);
        }
    }
}

#[test]
fn hessian_is_symmetric_and_chosen_pairs_are_its_entries() {
    let case = Case::<f64>::new(Sizes::new(5, 3, 1, 4, 4), 10);
    let (width, out) = (12, full_hessian(&case));
    for block in out.chunks_exact(width * width) {
        for (a, b) in (0..width * width).map(|i| (i / width, i % width)) {
            assert!((block[a * width + b] - block[b * width + a]).abs() < F64_BOUND);
        }
    }
    let place = |step: usize, input: usize| InputPlace { step, input };
    let pairs = [
        (place(3, 1), place(0, 2)),
        (place(0, 0), place(0, 0)),
        (place(3, 1), place(3, 2)),
        (place(2, 0), place(3, 1)),
    ];
    let mut chosen = vec![0.0; 4 * 2 * pairs.len()];
    let control = Control::with_threads(1);
    let model = (&case.weights, &case.head);
    cross_partials(model, &case.sequences(), &pairs, &mut chosen, &control).expect("valid");
    for (row, values) in chosen.chunks_exact(pairs.len()).enumerate() {
        for ((first, second), &value) in pairs.iter().zip(values) {
            let entry = (first.step * 3 + first.input) * width + second.step * 3 + second.input;
            assert_eq!(value, out[row * width * width + entry]);
        }
    }
    let outside = [(place(4, 0), place(0, 0))];
    assert!(cross_partials(model, &case.sequences(), &outside, &mut [0.0; 8], &control).is_err());
}

const PENALTIES: [JacobianPenalty; 2] = [JacobianPenalty::Size, JacobianPenalty::Variation];

/// Value, and gradient [LSTM | head weight | head bias].
fn penalty<T: Real>(case: &Case<T>, kind: JacobianPenalty, control: &Control) -> (f64, Vec<T>) {
    let mut d_weights = LstmWeights::zeros(case.sizes.shape).expect("valid");
    let mut d_head = case.head.clone();
    let model = (&case.weights, &case.head);
    let gradients = (&mut d_weights, &mut d_head);
    let value = jacobian_penalty(model, &case.sequences(), kind, gradients, control).expect("valid");
    let all = d_weights.arrays().chain([&d_head.weight[..], &d_head.bias]);
    (value, all.flatten().copied().collect())
}

#[test]
fn penalty_gradients_match_central_differences_of_the_penalty() {
    // Weights of three times the usual size: curvature well above the differences' rounding.
    let sizes = Sizes {
        initial: true,
        gain: 3.0,
        ..Sizes::new(4, 2, 2, 5, 3)
    };
    for kind in PENALTIES {
        let control = Control::with_threads(1);
        let case = Case::<f64>::new(sizes, 11);
        let (_, gradient) = penalty(&case, kind, &control);
        assert!(
            gradient.iter().any(|x| x.abs() > 100.0 * ABSOLUTE),
            "there is something to compare"
        );
        for (index, &got) in gradient.iter().enumerate() {
            let shifted = |by: f64| {
                let mut moved = Case::<f64>::new(sizes, 11);
                let head = [&mut moved.head.weight[..], &mut moved.head.bias];
                let parameter = moved.weights.arrays_mut().chain(head).flatten().nth(index);
                *parameter.expect("as many as the gradient") += by;
                penalty(&moved, kind, &control).0
            };
            assert_near(got, (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP));
        }
    }
}

#[test]
fn second_derivatives_in_float32_match_float64_on_every_isa() {
    for isa in isas() {
        let sizes = Sizes::new(17, 3, 2, 40, 5);
        for kind in PENALTIES {
            let exact = penalty(&Case::<f64>::new(sizes, 3), kind, &one_thread(isa)).1;
            let single = penalty(&Case::<f32>::new(sizes, 3), kind, &one_thread(isa)).1;
            let error = error(&single, &exact);
            assert!(error <= F32_BOUND, "{kind:?}: error {error:e} on {isa:?}");
        }
    }
}

#[test]
fn second_derivatives_have_the_same_bits_for_any_number_of_threads() {
    let case = Case::<f32>::new(Sizes::new(33, 6, 1, 300, 8), 4);
    let run = |threads: usize| penalty(&case, JacobianPenalty::Variation, &Control::with_threads(threads));
    assert_eq!(run(1), run(3));
}

/// test/reference/lstm_second_golden.py, torch 2.15.0, float64, splitmix64 seed 31: dot products with drawn vectors.
const HESSIAN: [f64; 3] = [0.029877810383334893, 0.005649092700519855, 0.013854721668007206];
const SIZE: (f64, [f64; 3]) = (
    0.0001613467383664513,
    [-0.0023707810505172195, -0.0010612201939823379, -0.0015325278102522925],
);
const VARIATION: (f64, [f64; 3]) = (
    0.00015228345774826875,
    [-0.0018143546714115184, -0.0003230483495544841, -0.0009377691534108532],
);
const PROBE_SEED: u64 = 0x5eed;
/// Rounding of dot products of up to 2,000 numbers of at most .1.
const PYTORCH_BOUND: f64 = 1e-14;

fn assert_probes(values: &[f64], expected: [f64; 3], what: &str) {
    let mut random = Uniform::new(PROBE_SEED);
    for want in expected {
        let probe = random.vector::<f64>(values.len(), 1.0);
        let got: f64 = values.iter().zip(probe).map(|(x, y)| x * y).sum();
        assert!((got - want).abs() < PYTORCH_BOUND, "{what}: {got} against {want}");
    }
}

#[test]
fn second_derivatives_match_pytorch() {
    let case = Case::<f64>::new(Sizes::new(5, 3, 2, 7, 4), 31);
    assert_probes(&full_hessian(&case), HESSIAN, "hessian");
    for (kind, (value, probes)) in PENALTIES.into_iter().zip([SIZE, VARIATION]) {
        let (got, gradient) = penalty(&case, kind, &Control::with_threads(1));
        assert!((got - value).abs() < PYTORCH_BOUND, "{kind:?}: {got} against {value}");
        // PyTorch has no gradient of the head's bias, on which the Jacobian does not depend.
        let (of_weights, of_bias) = gradient.split_at(gradient.len() - 2);
        assert_probes(of_weights, probes, "penalty");
        assert_eq!(of_bias, [0.0, 0.0]);
    }
    let mut full = vec![0.0; 7 * 2 * 12];
    let control = Control::with_threads(1);
    jacobian(&case.weights, &case.head, &case.sequences(), None, &mut full, &control).expect("valid");
    let mean: f64 = 0.5 * full.iter().map(|x| x * x).sum::<f64>() / 7.0;
    assert!(
        (mean - SIZE.0).abs() < PYTORCH_BOUND,
        "the penalty is half the mean squared Jacobian"
    );
}
