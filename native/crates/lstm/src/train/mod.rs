//! The trainer of an LSTM with learned linear heads: squared error, mini-batches, Adam or AdamW. Missing targets have no
//! loss and no gradient.

mod dropout;
mod options;
mod squared_error;
mod trainer;

pub use options::TrainOptions;
pub use squared_error::{SquaredError, Targets};
pub(crate) use trainer::train_in;
pub use trainer::{Trained, TrainingData, train};
