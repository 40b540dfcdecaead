//! The linear head on an LSTM's last hidden state.

use macrograd_simd::Real;

use crate::error::{LstmError, check_length};

/// y = weight h + bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Head<T> {
    /// O: rows of the weight.
    pub outputs: usize,
    /// [outputs, hidden_size], row-major.
    pub weight: Vec<T>,
    /// `[outputs]`.
    pub bias: Vec<T>,
}

impl<T: Real> Head<T> {
    /// A head of the given arrays; the number of outputs is the bias's length.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`].
    pub fn new(hidden_size: usize, weight: Vec<T>, bias: Vec<T>) -> Result<Self, LstmError> {
        check_length("head_weight", weight.len(), bias.len() * hidden_size)?;
        Ok(Self {
            outputs: bias.len(),
            weight,
            bias,
        })
    }

    /// The head that returns every hidden unit as it is, so that its Jacobian is the hidden state's.
    #[must_use]
    pub fn identity(hidden_size: usize) -> Self {
        let mut weight = vec![T::ZERO; hidden_size * hidden_size];
        weight.iter_mut().step_by(hidden_size + 1).for_each(|x| *x = T::ONE);
        Self {
            outputs: hidden_size,
            weight,
            bias: vec![T::ZERO; hidden_size],
        }
    }

    /// Copies weight [outputs, hidden_size] and bias `[outputs]` to the given arrays.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`].
    pub fn write_flat(&self, weight: &mut [T], bias: &mut [T]) -> Result<(), LstmError> {
        check_length("head_weight", weight.len(), self.weight.len())?;
        check_length("head_bias", bias.len(), self.bias.len())?;
        weight.copy_from_slice(&self.weight);
        bias.copy_from_slice(&self.bias);
        Ok(())
    }

    /// H: columns of the weight.
    #[must_use]
    pub fn hidden_size(&self) -> usize {
        self.weight.len() / self.outputs.max(1)
    }

    /// Outputs [batch_size, outputs] of hidden states [batch_size, hidden_size].
    #[must_use]
    pub fn apply(&self, hidden: &[T]) -> Vec<T> {
        let mut out = vec![T::ZERO; hidden.len() / self.hidden_size().max(1) * self.outputs];
        self.apply_into(hidden, &mut out);
        out
    }

    /// Writes the outputs of hidden states [batch_size, hidden_size] to `out` [batch_size, outputs].
    pub fn apply_into(&self, hidden: &[T], out: &mut [T]) {
        let h = self.hidden_size().max(1);
        for (out, row) in out.chunks_exact_mut(self.outputs.max(1)).zip(hidden.chunks_exact(h)) {
            for ((out, weight), &bias) in out.iter_mut().zip(self.weight.chunks_exact(h)).zip(&self.bias) {
                *out = weight.iter().zip(row).fold(bias, |sum, (&w, &x)| sum + w * x);
            }
        }
    }

    /// Adds the cotangents of the hidden states to `d_hidden` [batch_size, hidden_size], given those of the outputs
    /// [batch_size, outputs].
    pub fn pull_back(&self, d_outputs: &[T], d_hidden: &mut [T]) {
        let h = self.hidden_size().max(1);
        for (d_row, d_outputs) in d_hidden
            .chunks_exact_mut(h)
            .zip(d_outputs.chunks_exact(self.outputs.max(1)))
        {
            for (weight, &d_output) in self.weight.chunks_exact(h).zip(d_outputs) {
                d_row.iter_mut().zip(weight).for_each(|(sum, &w)| *sum += d_output * w);
            }
        }
    }

    /// Adds a batch's gradient of weight and bias to `gradient`.
    pub fn add_gradient(hidden: &[T], d_outputs: &[T], gradient: &mut Self) {
        let h = gradient.hidden_size().max(1);
        for (row, d_outputs) in hidden
            .chunks_exact(h)
            .zip(d_outputs.chunks_exact(gradient.outputs.max(1)))
        {
            for ((weight, bias), &d_output) in gradient
                .weight
                .chunks_exact_mut(h)
                .zip(&mut gradient.bias)
                .zip(d_outputs)
            {
                weight.iter_mut().zip(row).for_each(|(sum, &x)| *sum += d_output * x);
                *bias += d_output;
            }
        }
    }
}
