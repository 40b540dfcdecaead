//! Instruction-set tokens, vector operations, activations and their one dispatch; and how long work is
//! watched, stopped and spread over threads.

mod control;
mod real;

pub use control::{Cancelled, Control};
pub use real::Real;
