//! Instruction-set tokens, vector operations, activations and their one dispatch; and how long work is
//! watched, stopped and spread over threads.

mod activation;
mod buffer;
mod control;
mod dual;
mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod parallel;
mod past_caches;
mod peak;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
mod real;
mod vector;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use buffer::Buffer;
pub use control::{Cancelled, Control};
pub use dual::Dual;
pub use isa::{Isa, IsaError, IsaName, Vectorise};
pub use parallel::parallel_for_each;
pub use past_caches::{PastCaches, fetch_ahead};
pub use peak::measure_peak;
pub use real::Real;
pub use vector::{Kernel, MAX_LANES, Simd};
