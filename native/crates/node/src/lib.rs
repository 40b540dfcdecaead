//! N-API edge of the macrograd kernels: it validates, converts, runs work off the JavaScript thread
//! and cancels it; it computes nothing itself.
//!
//! The crate `wasm` compiles these sources once more, with a stand-in for `napi` that speaks to a WebAssembly host.

mod closed_form;
mod closed_form_walks;
#[cfg_attr(feature = "wasm-host", path = "control_wasm.rs")]
mod control;
mod lent;
mod linear;
mod linear_bands;
mod linear_factors;
mod linear_heads;
mod linear_kalman;
mod linear_regimes;
mod linear_static;
mod lstm;
mod lstm_directional;
mod lstm_exposures;
mod lstm_networks;
pub mod task;

use macrograd_simd::Isa;
use napi_derive::napi;

/// Version of the native crates, as in their manifests.
#[napi]
pub fn native_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Name of the instruction set that the kernels use: the one in `MACROGRAD_ISA`, else the widest that the processor has.
///
/// # Errors
/// `bad_argument` when the variable names one that is unknown or that the processor lacks.
#[napi]
pub fn active_isa() -> napi::Result<String> {
    Isa::active()
        .map(|isa| isa.name().to_string())
        .map_err(|error| napi::Error::from_reason(format!("bad_argument: {error}")))
}
