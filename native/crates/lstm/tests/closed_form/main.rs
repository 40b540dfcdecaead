//! The pooled trainer with closed-form heads, in one binary: against PyTorch, and against itself.

mod conditional;
mod golden;
mod own_noise;
mod trainer;
mod weights;
