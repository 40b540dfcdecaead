//! Sizes and parameters of a stacked LSTM, laid out as in `torch.nn.LSTM`.

use macrograd_simd::Real;

use crate::error::{LstmError, check_length};
use crate::sequences::check_finite;

/// Gates of a cell in the order of `torch.nn.LSTM`: input, forget, candidate, output.
pub const GATES: usize = 4;

/// Sizes of a stacked LSTM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LstmShape {
    /// F: inputs a step.
    pub input_size: usize,
    /// H: units of every layer.
    pub hidden_size: usize,
    /// Layers; layer l > 0 reads the hidden states of layer l - 1.
    pub layers: usize,
}

impl LstmShape {
    /// Inputs a step of one layer: F for the first, H for the others.
    #[must_use]
    pub fn layer_input_size(&self, layer: usize) -> usize {
        if layer == 0 { self.input_size } else { self.hidden_size }
    }

    /// Lengths of weight_ih, weight_hh, bias_ih, bias_hh of one layer.
    #[must_use]
    pub fn layer_lengths(&self, layer: usize) -> [usize; 4] {
        let rows = GATES * self.hidden_size;
        [rows * self.layer_input_size(layer), rows * self.hidden_size, rows, rows]
    }

    /// Parameters of all layers.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        (0..self.layers)
            .map(|layer| self.layer_lengths(layer).iter().sum::<usize>())
            .sum()
    }

    /// Refuses sizes of 0.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`].
    pub fn validate(&self) -> Result<(), LstmError> {
        for (name, size) in [
            ("input_size", self.input_size),
            ("hidden_size", self.hidden_size),
            ("layers", self.layers),
        ] {
            if size == 0 {
                return Err(LstmError::ZeroSize { name });
            }
        }
        Ok(())
    }
}

/// Parameters of one layer, row-major; rows are gates i, f, g, o of H units each.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights<T> {
    /// [4H, F], or [4H, H] above the first layer.
    pub weight_ih: Vec<T>,
    /// [4H, H].
    pub weight_hh: Vec<T>,
    /// `[4H]`.
    pub bias_ih: Vec<T>,
    /// `[4H]`.
    pub bias_hh: Vec<T>,
}

impl<T> LayerWeights<T> {
    /// The four arrays in the order weight_ih, weight_hh, bias_ih, bias_hh.
    #[must_use]
    pub fn arrays(&self) -> [&[T]; 4] {
        [&self.weight_ih, &self.weight_hh, &self.bias_ih, &self.bias_hh]
    }

    /// The four arrays in the order weight_ih, weight_hh, bias_ih, bias_hh.
    pub fn arrays_mut(&mut self) -> [&mut [T]; 4] {
        [
            &mut self.weight_ih,
            &mut self.weight_hh,
            &mut self.bias_ih,
            &mut self.bias_hh,
        ]
    }
}

/// Parameters of a stacked LSTM; also the form in which their gradients come.
#[derive(Debug, Clone, PartialEq)]
pub struct LstmWeights<T> {
    shape: LstmShape,
    /// One entry a layer, the one that reads the inputs first.
    pub layers: Vec<LayerWeights<T>>,
}

impl<T: Real> LstmWeights<T> {
    /// All parameters 0.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`].
    pub fn zeros(shape: LstmShape) -> Result<Self, LstmError> {
        Self::from_flat(shape, &vec![T::ZERO; shape.parameter_count()])
    }

    /// Parameters from one array: for each layer weight_ih, weight_hh, bias_ih, bias_hh.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`].
    pub fn from_flat(shape: LstmShape, flat: &[T]) -> Result<Self, LstmError> {
        shape.validate()?;
        check_length("weights", flat.len(), shape.parameter_count())?;
        let mut rest = flat;
        let mut take = |length: usize| {
            let (head, tail) = rest.split_at(length);
            rest = tail;
            head.to_vec()
        };
        let layers = (0..shape.layers)
            .map(|layer| {
                let [ih, hh, bias_ih, bias_hh] = shape.layer_lengths(layer).map(&mut take);
                LayerWeights {
                    weight_ih: ih,
                    weight_hh: hh,
                    bias_ih,
                    bias_hh,
                }
            })
            .collect();
        Ok(Self { shape, layers })
    }

    /// Copies all parameters to `flat`, in the order of [`LstmWeights::from_flat`].
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`].
    pub fn write_flat(&self, flat: &mut [T]) -> Result<(), LstmError> {
        check_length("weights", flat.len(), self.shape.parameter_count())?;
        flat.iter_mut()
            .zip(self.arrays().flatten())
            .for_each(|(out, &x)| *out = x);
        Ok(())
    }

    /// Sizes that the arrays have.
    #[must_use]
    pub fn shape(&self) -> LstmShape {
        self.shape
    }

    /// All arrays, layer by layer, in the order of [`LstmWeights::from_flat`].
    pub fn arrays(&self) -> impl Iterator<Item = &[T]> {
        self.layers.iter().flat_map(LayerWeights::arrays)
    }

    /// All arrays, layer by layer, in the order of [`LstmWeights::from_flat`].
    pub fn arrays_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.layers.iter_mut().flat_map(LayerWeights::arrays_mut)
    }

    /// Refuses parameters that are infinite or NaN.
    ///
    /// # Errors
    /// [`LstmError::NotFinite`].
    pub fn check_finite(&self) -> Result<(), LstmError> {
        const NAMES: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
        self.arrays()
            .enumerate()
            .try_for_each(|(index, values)| check_finite(NAMES[index % 4], values))
    }

    /// The same parameters in the other precision.
    #[must_use]
    pub fn cast<U: Real>(&self) -> LstmWeights<U> {
        let cast = |values: &Vec<T>| values.iter().map(|x| U::from_f64(x.to_f64())).collect();
        let layers = self.layers.iter().map(|layer| LayerWeights {
            weight_ih: cast(&layer.weight_ih),
            weight_hh: cast(&layer.weight_hh),
            bias_ih: cast(&layer.bias_ih),
            bias_hh: cast(&layer.bias_hh),
        });
        LstmWeights {
            shape: self.shape,
            layers: layers.collect(),
        }
    }
}
