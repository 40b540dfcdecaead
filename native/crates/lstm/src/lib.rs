//! LSTM kernel: forward, backward, Jacobian and trainers. Pure arithmetic: no I/O, no JavaScript.
//!
//! Semantics are those of `torch.nn.LSTM` with `batch_first`: gates i, f, g, o, both biases, stacked layers.
//!
//! ```
//! use macrograd_lstm::{LstmShape, LstmWeights, Sequences, Tape, encoder_forward};
//! use macrograd_simd::Control;
//!
//! let shape = LstmShape { input_size: 2, hidden_size: 3, layers: 1 };
//! let weights = LstmWeights::<f32>::zeros(shape)?;
//! let input = [0.5; 2 * 4 * 2]; // two windows of four steps
//! let mut last_hidden = [0.0; 2 * 3];
//! let windows = Sequences::new(&input, 2, 4);
//! encoder_forward(&weights, &windows, &mut Tape::default(), &mut last_hidden, &Control::with_threads(1))?;
//! # Ok::<(), macrograd_lstm::LstmError>(())
//! ```

pub mod closed_form;
mod columns;
mod directional;
mod encoder;
mod error;
mod exposures;
mod head;
mod kernel;
mod memory;
mod model;
mod networks;
pub mod optim;
pub mod reference;
mod sequences;
pub mod train;
mod weights;

pub use columns::InputColumns;
pub use directional::{
    InputPlace, JacobianPenalty, cross_partials, hessian, jacobian_jvp, jacobian_penalty, jvp, pull_back_jacobian, vjp,
};
pub use encoder::{Tape, backward, encoder_backward, encoder_forward, forward, hidden_jacobian};
pub use error::LstmError;
pub use exposures::{ExposureShape, exposures, hidden_columns};
pub use head::Head;
#[cfg(feature = "pieces")]
pub use kernel::{Piece, Pieces};
pub use memory::{Memory, MemorySizes, MemoryUse, estimate_memory};
pub use model::{OutputCotangent, Workspace, jacobian, jacobian_columns, predict, pull_back};
pub use networks::{Network, jacobian_each, train_each};
pub use sequences::{Cotangent, Gradients, Sequences, check_finite};
pub use weights::{GATES, LayerWeights, LstmShape, LstmWeights};
