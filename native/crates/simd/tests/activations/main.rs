//! The activations' stated errors, limits and symmetries, on every instruction set of the processor. Bounds and how they
//! are shown: docs/kernel-checks.md.

mod double_double;
mod float32;
mod float64;
mod one_lane;
mod support;
