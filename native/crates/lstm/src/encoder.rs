//! The LSTM as an encoder of windows into features: what a trainer calls in its inner loop. Buffers live in the
//! [`Tape`] and are reused, so that a loop over steps allocates nothing after the first.

use macrograd_simd::{Control, Real};

use crate::error::{LstmError, check_length};
use crate::head::Head;
use crate::reference;
use crate::sequences::{Cotangent, Sequences};
use crate::weights::LstmWeights;

/// What a forward pass leaves for the backward pass. Made empty, grown by the first use, reused after that.
#[derive(Debug, Clone)]
pub struct Tape<T> {
    trace: Option<reference::Trace<T>>,
}

impl<T> Default for Tape<T> {
    fn default() -> Self {
        Self { trace: None }
    }
}

/// Writes the top layer's last hidden state of every window to `last_hidden` [batch_size, hidden_size].
///
/// # Errors
/// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`], [`LstmError::NotFinite`], [`LstmError::Cancelled`].
pub fn encoder_forward<T: Real>(
    weights: &LstmWeights<T>,
    windows: &Sequences<'_, T>,
    tape: &mut Tape<T>,
    last_hidden: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    control.check()?;
    check_length(
        "last_hidden",
        last_hidden.len(),
        windows.batch_size * weights.shape().hidden_size,
    )?;
    let trace = reference::forward(weights, windows)?;
    last_hidden.copy_from_slice(&trace.last_hidden());
    tape.trace = Some(trace);
    Ok(())
}

/// Pulls `d_last_hidden` [batch_size, hidden_size] back to the weights; `gradient` is overwritten. `weights` and
/// `tape` are those of the forward pass before.
///
/// # Errors
/// [`LstmError::ShapeMismatch`], [`LstmError::EmptyTape`], [`LstmError::Cancelled`].
pub fn encoder_backward<T: Real>(
    weights: &LstmWeights<T>,
    tape: &mut Tape<T>,
    d_last_hidden: &[T],
    gradient: &mut LstmWeights<T>,
    control: &Control,
) -> Result<(), LstmError> {
    control.check()?;
    let trace = tape.trace.as_ref().ok_or(LstmError::EmptyTape)?;
    *gradient = reference::backward(weights, trace, &Cotangent::of_last_hidden(d_last_hidden))?.weights;
    Ok(())
}

/// Writes the derivative of every last hidden unit with respect to every input of its window to `jacobian`
/// [batch_size, hidden_size, sequence_length, input_size].
///
/// # Errors
/// As [`encoder_forward`].
pub fn hidden_jacobian<T: Real>(
    weights: &LstmWeights<T>,
    windows: &Sequences<'_, T>,
    jacobian: &mut [T],
    control: &Control,
) -> Result<(), LstmError> {
    control.check()?;
    let values = reference::jacobian(weights, &Head::identity(weights.shape().hidden_size), windows)?;
    check_length("jacobian", jacobian.len(), values.len())?;
    jacobian.copy_from_slice(&values);
    Ok(())
}
