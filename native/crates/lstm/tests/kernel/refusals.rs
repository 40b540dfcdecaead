//! What the kernel refuses, and derivatives checked by differences.

use macrograd_lstm::{
    Cotangent, Gradients, LstmError, LstmWeights, Sequences, Tape, backward, encoder_backward, encoder_forward,
    forward, hidden_jacobian, jacobian, predict,
};
use macrograd_simd::{Control, Isa};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::support::{Case, Sizes, error};

fn case() -> Case<f64> {
    Case::new(
        Sizes {
            initial: true,
            ..Sizes::new(5, 3, 2, 4, 6)
        },
        9,
    )
}

fn control() -> Control {
    Control::with_threads(1)
}

/// Second-order differences with step 1e-5 err by about 1e-10 (rounding) and 1e-10 (third derivative).
const DIFFERENCE_STEP: f64 = 1e-5;
const DIFFERENCE_BOUND: f64 = 1e-8;

#[test]
fn jacobian_matches_central_differences() {
    let case = case();
    let outputs = |input: &[f64]| {
        let sequences = Sequences {
            input,
            ..case.sequences()
        };
        let mut out = vec![0.0; 4 * case.head.outputs];
        predict(&case.weights, &case.head, &sequences, &mut out, &control()).expect("valid");
        out
    };
    let block = case.input.len() / 4;
    let mut expected = vec![0.0; case.input.len() * case.head.outputs];
    for index in 0..case.input.len() {
        let shifted = |by: f64| {
            let mut input = case.input.clone();
            input[index] += by;
            outputs(&input)
        };
        let (up, down) = (shifted(DIFFERENCE_STEP), shifted(-DIFFERENCE_STEP));
        let (sample, place) = (index / block, index % block);
        for output in 0..case.head.outputs {
            let row = sample * case.head.outputs + output;
            expected[row * block + place] = (up[row] - down[row]) / (2.0 * DIFFERENCE_STEP);
        }
    }
    let mut values = vec![0.0; expected.len()];
    jacobian(
        &case.weights,
        &case.head,
        &case.sequences(),
        None,
        &mut values,
        &control(),
    )
    .expect("valid");
    assert!(error(&values, &expected) < DIFFERENCE_BOUND);
}

#[test]
fn weight_gradient_matches_central_differences() {
    let case = case();
    let last = &case.d_hidden[..4 * 5];
    let scalar = |flat: &[f64]| -> f64 {
        let weights = LstmWeights::from_flat(case.sizes.shape, flat).expect("fits");
        let mut hidden = vec![0.0; last.len()];
        let mut tape = Tape::default();
        encoder_forward(&weights, &case.sequences(), &mut tape, &mut hidden, &control()).expect("valid");
        hidden.iter().zip(last).map(|(h, d)| h * d).sum()
    };
    let flat: Vec<f64> = case.weights.arrays().flatten().copied().collect();
    let expected: Vec<f64> = (0..flat.len())
        .map(|index| {
            let shifted = |by: f64| {
                let mut flat = flat.clone();
                flat[index] += by;
                scalar(&flat)
            };
            (shifted(DIFFERENCE_STEP) - shifted(-DIFFERENCE_STEP)) / (2.0 * DIFFERENCE_STEP)
        })
        .collect();
    let mut tape = Tape::default();
    forward(&case.weights, &case.sequences(), &mut tape, &control()).expect("valid");
    let mut gradient = LstmWeights::zeros(case.sizes.shape).expect("valid");
    encoder_backward(&case.weights, &mut tape, last, &mut gradient, &control()).expect("valid");
    let values: Vec<f64> = gradient.arrays().flatten().copied().collect();
    assert!(error(&values, &expected) < DIFFERENCE_BOUND);
}

#[test]
fn input_gradient_is_the_jacobian_pulled_back() {
    let case = case();
    let h = case.sizes.shape.hidden_size;
    let block = case.input.len() / 4;
    let last = &case.d_hidden[..4 * h];
    let mut rows = vec![0.0; case.input.len() * h];
    hidden_jacobian(&case.weights, &case.sequences(), &mut rows, &control()).expect("valid");
    let mut expected = vec![0.0; case.input.len()];
    for (row, &weight) in last.iter().enumerate() {
        for place in 0..block {
            expected[row / h * block + place] += weight * rows[row * block + place];
        }
    }
    let mut tape = Tape::default();
    forward(&case.weights, &case.sequences(), &mut tape, &control()).expect("valid");
    let mut input = vec![0.0; case.input.len()];
    let mut gradients = Gradients {
        input: Some(&mut input),
        ..Gradients::default()
    };
    let cotangent = Cotangent::of_last_hidden(last);
    backward(&case.weights, &mut tape, &cotangent, &mut gradients, &control()).expect("valid");
    assert!(
        error(&input, &expected) < 1e-13,
        "sums of five products in another order"
    );
}

#[test]
fn inputs_that_are_not_finite_are_refused_with_their_index() {
    let mut case = case();
    case.input[17] = f64::NAN;
    let mut out = vec![0.0; 4 * case.head.outputs];
    let refused = predict(&case.weights, &case.head, &case.sequences(), &mut out, &control());
    assert!(
        matches!(
            refused,
            Err(LstmError::NotFinite {
                name: "input",
                index: 17,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(out.iter().all(|&x| x == 0.0), "work was done before the check");
}

#[test]
fn arrays_of_a_wrong_length_are_refused() {
    let case = case();
    let mut short = vec![0.0; 3];
    let refused = predict(&case.weights, &case.head, &case.sequences(), &mut short, &control());
    assert_eq!(
        refused,
        Err(LstmError::ShapeMismatch {
            name: "outputs",
            expected: 8,
            actual: 3
        })
    );
    let sequences = Sequences::new(&case.input[1..], 4, 6);
    let refused = forward(&case.weights, &sequences, &mut Tape::default(), &control());
    assert_eq!(
        refused,
        Err(LstmError::ShapeMismatch {
            name: "input",
            expected: 72,
            actual: 71
        })
    );
}

#[test]
fn a_backward_pass_without_its_forward_pass_is_refused() {
    let case = case();
    let mut gradient = LstmWeights::zeros(case.sizes.shape).expect("valid");
    let refused = encoder_backward(&case.weights, &mut Tape::default(), &[], &mut gradient, &control());
    assert_eq!(refused, Err(LstmError::EmptyTape));
}

#[test]
fn cancelled_work_says_so() {
    let case = case();
    let control = Control::with_threads(2).stopped_by(Arc::new(AtomicBool::new(true)));
    let refused = forward(&case.weights, &case.sequences(), &mut Tape::default(), &control);
    assert_eq!(refused, Err(LstmError::Cancelled));
}

#[test]
fn an_instruction_set_that_is_unknown_or_missing_is_refused_in_words() {
    let unknown = Isa::from_request(Some("sse9")).expect_err("no such name").to_string();
    assert!(
        unknown.contains("sse9") && unknown.contains("scalar, avx2, avx512 or neon"),
        "{unknown}"
    );
    let foreign = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
    let missing = Isa::from_request(Some(foreign))
        .expect_err("another architecture's")
        .to_string();
    assert!(
        missing.contains(foreign) && missing.contains("unset MACROGRAD_ISA"),
        "{missing}"
    );
}
