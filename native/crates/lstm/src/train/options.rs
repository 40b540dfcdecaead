//! Settings of the trainer.

use crate::error::LstmError;

/// Settings of [`super::train`]. The defaults suit a few thousand windows of standardised data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainOptions {
    /// Passes over the training windows, at most.
    pub epochs: usize,
    /// Windows a step; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// Adam's step size for the LSTM.
    pub learning_rate: f64,
    /// Adam's step size for the head.
    pub head_learning_rate: f64,
    /// Decoupled weight decay of the LSTM's weights (AdamW); 0 gives Adam.
    pub weight_decay: f64,
    /// Largest Euclidean length of a step's gradient; infinite = no clipping.
    pub clip_norm: f64,
    /// Standard deviation of the normal noise added to the inputs, drawn afresh each step; 0 = none.
    pub input_noise: f64,
    /// Probability that a unit of the last hidden state is left out of a training window; in [0, 1), 0 = none.
    pub dropout: f64,
    /// Weight of [`crate::JacobianPenalty::Size`] in the loss, over a step's windows: shrinks exposures towards none.
    pub size_penalty: f64,
    /// Weight of [`crate::JacobianPenalty::Variation`] in the loss, over a step's windows: shrinks exposures towards
    /// constant ones. Training rows must be dates in order; steps then take runs of them instead of scattered ones.
    pub variation_penalty: f64,
    /// Epochs without a smaller validation loss after which training stops; 0 = never.
    pub patience: usize,
    /// Half a cosine over all steps instead of a constant step size.
    pub cosine: bool,
    /// Seed of the order of windows, of the noise and of dropout.
    pub seed: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: 256,
            learning_rate: 1e-3,
            head_learning_rate: 1e-3,
            weight_decay: 0.0,
            clip_norm: 1.0,
            input_noise: 0.0,
            dropout: 0.0,
            size_penalty: 0.0,
            variation_penalty: 0.0,
            patience: 10,
            cosine: false,
            seed: 1,
        }
    }
}

impl TrainOptions {
    /// Refuses values that make no sense.
    pub(crate) fn validate(&self) -> Result<(), LstmError> {
        let refuse = |name, value, wanted| Err(LstmError::BadOption { name, value, wanted });
        if self.batch_size == 0 {
            return refuse("batch_size", 0.0, "at least 1");
        }
        let rates = [
            ("learning_rate", self.learning_rate),
            ("head_learning_rate", self.head_learning_rate),
            ("weight_decay", self.weight_decay),
            ("input_noise", self.input_noise),
            ("size_penalty", self.size_penalty),
            ("variation_penalty", self.variation_penalty),
        ];
        for (name, value) in rates {
            if !(value.is_finite() && value >= 0.0) {
                return refuse(name, value, "finite and at least 0");
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("dropout", self.dropout, "at least 0 and below 1");
        }
        if self.clip_norm.is_nan() || self.clip_norm <= 0.0 {
            return refuse("clip_norm", self.clip_norm, "above 0; infinite for no clipping");
        }
        Ok(())
    }
}
