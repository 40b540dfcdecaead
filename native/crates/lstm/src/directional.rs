//! Products with the Jacobian, and second derivatives. Each runs the forward or the backward pass on dual numbers
//! (forward over reverse): docs/derivations/lstm_second.md.

use macrograd_simd::{Control, Dual, Real};

use crate::columns::InputColumns;
use crate::error::{LstmError, check_length};
use crate::head::Head;
use crate::model::{OutputCotangent, jacobian_columns, predict, pull_back};
use crate::sequences::{Gradients, Sequences, check_finite};
use crate::weights::{LayerWeights, LstmWeights};

/// Writes the outputs to `outputs` and how they change when the inputs move along `tangent` [batch_size,
/// sequence_length, input_size] to `d_outputs`, both [batch_size, outputs]: a Jacobian-vector product (JVP) at the cost
/// of about three forward passes.
///
/// # Errors
/// As [`crate::predict`].
pub fn jvp<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    tangent: &[T],
    outputs: &mut [T],
    d_outputs: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    check_length("d_outputs", d_outputs.len(), outputs.len())?;
    let lifted = Lifted::new(weights, head, sequences, tangent)?;
    let mut out = vec![Dual::ZERO; outputs.len()];
    predict(&lifted.weights, &lifted.head, &lifted.sequences(), &mut out, control)?;
    for ((y, d_y), dual) in outputs.iter_mut().zip(d_outputs).zip(out) {
        (*y, *d_y) = (dual.value, dual.tangent);
    }
    Ok(())
}

/// Writes what the cotangents `d_outputs` [batch_size, outputs] ask of the inputs to `d_input` [batch_size,
/// sequence_length, input_size]: a vector-Jacobian product (VJP), the outputs' Jacobian never being built.
///
/// # Errors
/// As [`crate::predict`].
pub fn vjp<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    d_outputs: &[T],
    d_input: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    let cotangent = OutputCotangent {
        outputs: Some(d_outputs),
        hidden: None,
    };
    let mut wanted = Gradients {
        input: Some(d_input),
        ..Gradients::default()
    };
    pull_back(
        (weights, head),
        sequences,
        &cotangent,
        &mut wanted,
        &mut head.clone(),
        control,
    )
}

/// Writes how the Jacobian changes when the inputs move along `tangent` [batch_size, sequence_length, input_size] to
/// `out` [batch_size, outputs, sequence_length, input_size]: each output's Hessian times the tangent.
///
/// # Errors
/// As [`crate::predict`].
pub fn jacobian_jvp<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    tangent: &[T],
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    let lifted = Lifted::new(weights, head, sequences, tangent)?;
    let mut duals = vec![Dual::ZERO; out.len()];
    lifted.jacobian(&mut duals, control)?;
    out.iter_mut().zip(duals).for_each(|(out, dual)| *out = dual.tangent);
    Ok(())
}

/// An input's place in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputPlace {
    /// From 0, the oldest.
    pub step: usize,
    /// Input of that step.
    pub input: usize,
}

/// Writes d2 y / dx dx' of every output for the chosen pairs of inputs to `out` [batch_size, outputs, pairs]. Pairs that
/// share their first input share its passes.
///
/// # Errors
/// As [`crate::predict`], and [`LstmError::BadOption`] for a place outside the window.
pub fn cross_partials<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    pairs: &[(InputPlace, InputPlace)],
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    let f = weights.shape().input_size;
    let width = sequences.sequence_length * f;
    check_length(
        "cross partials",
        out.len(),
        sequences.batch_size * head.outputs * pairs.len(),
    )?;
    let mut places = Vec::with_capacity(pairs.len());
    for (index, &(first, second)) in pairs.iter().enumerate() {
        places.push((column(first, width, f)?, column(second, width, f)?, index));
    }
    places.sort_unstable();
    let mut lifted = Lifted::new(weights, head, sequences, &vec![T::ZERO; sequences.input.len()])?;
    let mut duals = vec![Dual::ZERO; sequences.batch_size * head.outputs * width];
    for group in places.chunk_by(|a, b| a.0 == b.0) {
        lifted.move_along(width, group[0].0);
        lifted.jacobian(&mut duals, control)?;
        for (row, out) in duals.chunks_exact(width).zip(out.chunks_exact_mut(pairs.len())) {
            group
                .iter()
                .for_each(|&(_, second, index)| out[index] = row[second].tangent);
        }
    }
    Ok(())
}

/// Writes all of d2 y / dx dx' to `out` [batch_size, outputs, sequence_length, input_size, sequence_length, input_size].
///
/// # Errors
/// As [`crate::predict`].
pub fn hessian<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    out: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    let width = sequences.sequence_length * weights.shape().input_size;
    check_length(
        "hessian",
        out.len(),
        sequences.batch_size * head.outputs * width * width,
    )?;
    let mut lifted = Lifted::new(weights, head, sequences, &vec![T::ZERO; sequences.input.len()])?;
    let mut duals = vec![Dual::ZERO; sequences.batch_size * head.outputs * width];
    for first in 0..width {
        lifted.move_along(width, first);
        lifted.jacobian(&mut duals, control)?;
        for (row, out) in duals.chunks_exact(width).zip(out.chunks_exact_mut(width * width)) {
            let out = &mut out[first * width..][..width];
            out.iter_mut().zip(row).for_each(|(out, dual)| *out = dual.tangent);
        }
    }
    Ok(())
}

/// Pulls a cotangent of the Jacobian, `d_jacobian` [batch_size, outputs, sequence_length, input_size], back to the
/// weights and the head: the gradient of any scalar that depends on the Jacobian. Both are overwritten.
///
/// # Errors
/// As [`crate::predict`].
pub fn pull_back_jacobian<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    d_jacobian: &[T],
    d_weights: &mut LstmWeights<T>,
    d_head: &mut Head<T>,
    control: &Control,
) -> Result<(), LstmError> {
    let width = sequences.sequence_length * weights.shape().input_size;
    let rows = sequences.batch_size * head.outputs;
    check_length("d_jacobian", d_jacobian.len(), rows * width)?;
    check_length(
        "d_weights",
        d_weights.shape().parameter_count(),
        weights.shape().parameter_count(),
    )?;
    d_weights.arrays_mut().for_each(|values| values.fill(T::ZERO));
    d_head.weight.fill(T::ZERO);
    d_head.bias.fill(T::ZERO);
    let mut lifted = Lifted::new(weights, head, sequences, &vec![T::ZERO; sequences.input.len()])?;
    let mut gradient = LstmWeights::zeros(weights.shape())?;
    let mut head_gradient = lifted.head.clone();
    for output in 0..head.outputs {
        let tangents = d_jacobian.chunks_exact(width).skip(output).step_by(head.outputs);
        let inputs = lifted.input.iter_mut().zip(tangents.flatten());
        inputs.for_each(|(x, &tangent)| x.tangent = tangent);
        let mut seed = vec![Dual::ZERO; rows];
        seed.iter_mut()
            .skip(output)
            .step_by(head.outputs)
            .for_each(|x| *x = Dual::ONE);
        let cotangent = OutputCotangent {
            outputs: Some(&seed),
            hidden: None,
        };
        let mut wanted = Gradients {
            weights: Some(&mut gradient),
            ..Gradients::default()
        };
        let model = (&lifted.weights, &lifted.head);
        pull_back(
            model,
            &lifted.sequences(),
            &cotangent,
            &mut wanted,
            &mut head_gradient,
            control,
        )?;
        add_tangents(gradient.arrays(), d_weights.arrays_mut());
        add_tangents(
            [&head_gradient.weight[..]].into_iter(),
            [&mut d_head.weight[..]].into_iter(),
        );
    }
    Ok(())
}

/// A penalty on the exposures that training can add to its loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JacobianPenalty {
    /// Mean over samples of half the squared Jacobian: shrinks exposures towards none.
    Size,
    /// Mean over consecutive samples (which are dates in order) of half the squared change of the Jacobian: shrinks
    /// exposures towards constant ones.
    Variation,
}

/// The penalty's value, and its gradient with respect to weights and head, which are overwritten.
///
/// # Errors
/// As [`crate::predict`].
pub fn jacobian_penalty<T: Real>(
    (weights, head): (&LstmWeights<T>, &Head<T>),
    sequences: &Sequences<'_, T>,
    penalty: JacobianPenalty,
    (d_weights, d_head): (&mut LstmWeights<T>, &mut Head<T>),
    control: &Control,
) -> Result<f64, LstmError> {
    let sample = head.outputs * sequences.sequence_length * weights.shape().input_size;
    let mut jacobian = vec![T::ZERO; sequences.batch_size * sample];
    jacobian_columns(
        weights,
        head,
        sequences,
        InputColumns::Every,
        None,
        &mut jacobian,
        control,
    )?;
    let value = penalty.evaluate(&mut jacobian, sample);
    pull_back_jacobian((weights, head), sequences, &jacobian, d_weights, d_head, control)?;
    Ok(value)
}

impl JacobianPenalty {
    /// Its value for a Jacobian of samples of `sample` numbers, which becomes the penalty's derivative.
    fn evaluate<T: Real>(self, jacobian: &mut [T], sample: usize) -> f64 {
        let half_square = |values: &[T]| 0.5 * values.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
        let samples = jacobian.len() / sample.max(1);
        match self {
            Self::Size => {
                let scale = 1.0 / samples.max(1) as f64;
                let value = scale * half_square(jacobian);
                jacobian.iter_mut().for_each(|x| *x *= T::from_f64(scale));
                value
            }
            Self::Variation => {
                let scale = 1.0 / samples.saturating_sub(1).max(1) as f64;
                let earlier = jacobian.to_vec();
                let changes: Vec<T> = earlier
                    .iter()
                    .zip(earlier.iter().skip(sample))
                    .map(|(&a, &b)| b - a)
                    .collect();
                // The derivative of a sample is its change from the one before less its change to the one after.
                jacobian.fill(T::ZERO);
                for (index, &change) in changes.iter().enumerate() {
                    let share = change * T::from_f64(scale);
                    jacobian[index] -= share;
                    jacobian[index + sample] += share;
                }
                scale * half_square(&changes)
            }
        }
    }
}

/// Column of a place in a window's row of `width` inputs.
fn column(place: InputPlace, width: usize, input_size: usize) -> Result<usize, LstmError> {
    let column = place.step * input_size + place.input;
    if place.input < input_size && column < width {
        return Ok(column);
    }
    Err(LstmError::BadOption {
        name: "place of an input",
        value: column as f64,
        wanted: "inside the window: step < sequence_length and input < input_size",
    })
}

/// Adds tangents to the arrays of the same place.
fn add_tangents<'a, T: Real>(from: impl Iterator<Item = &'a [Dual<T>]>, to: impl Iterator<Item = &'a mut [T]>) {
    for (from, to) in from.zip(to) {
        to.iter_mut().zip(from).for_each(|(sum, dual)| *sum += dual.tangent);
    }
}

/// A model and its inputs as dual numbers; only the inputs move.
struct Lifted<T> {
    weights: LstmWeights<Dual<T>>,
    head: Head<Dual<T>>,
    input: Vec<Dual<T>>,
    initial_hidden: Option<Vec<Dual<T>>>,
    initial_cell: Option<Vec<Dual<T>>>,
    batch_size: usize,
    sequence_length: usize,
}

impl<T: Real> Lifted<T> {
    fn new(
        weights: &LstmWeights<T>,
        head: &Head<T>,
        sequences: &Sequences<'_, T>,
        tangent: &[T],
    ) -> Result<Self, LstmError> {
        sequences.validate(weights.shape())?;
        check_length("tangent", tangent.len(), sequences.input.len())?;
        check_finite("tangent", tangent)?;
        Ok(Self {
            weights: lift_weights(weights)?,
            head: Head::new(weights.shape().hidden_size, lift(&head.weight), lift(&head.bias))?,
            input: sequences
                .input
                .iter()
                .zip(tangent)
                .map(|(&x, &t)| Dual::new(x, t))
                .collect(),
            initial_hidden: sequences.initial_hidden.map(lift),
            initial_cell: sequences.initial_cell.map(lift),
            batch_size: sequences.batch_size,
            sequence_length: sequences.sequence_length,
        })
    }

    fn sequences(&self) -> Sequences<'_, Dual<T>> {
        Sequences {
            input: &self.input,
            batch_size: self.batch_size,
            sequence_length: self.sequence_length,
            initial_hidden: self.initial_hidden.as_deref(),
            initial_cell: self.initial_cell.as_deref(),
        }
    }

    /// Moves one column of every sample's `width` inputs at rate 1, and nothing else.
    fn move_along(&mut self, width: usize, column: usize) {
        for sample in self.input.chunks_exact_mut(width) {
            sample.iter_mut().for_each(|x| x.tangent = T::ZERO);
            sample[column].tangent = T::ONE;
        }
    }

    fn jacobian(&self, out: &mut [Dual<T>], control: &Control) -> Result<(), LstmError> {
        let every = InputColumns::Every;
        jacobian_columns(&self.weights, &self.head, &self.sequences(), every, None, out, control)
    }
}

fn lift<T: Real>(values: &[T]) -> Vec<Dual<T>> {
    values.iter().map(|&x| Dual::constant(x)).collect()
}

fn lift_weights<T: Real>(weights: &LstmWeights<T>) -> Result<LstmWeights<Dual<T>>, LstmError> {
    let mut lifted = LstmWeights::zeros(weights.shape())?;
    for (to, from) in lifted.layers.iter_mut().zip(&weights.layers) {
        *to = LayerWeights {
            weight_ih: lift(&from.weight_ih),
            weight_hh: lift(&from.weight_hh),
            bias_ih: lift(&from.bias_ih),
            bias_hh: lift(&from.bias_hh),
        };
    }
    Ok(lifted)
}
