//! N-API edge of the macrograd kernels: it validates, converts, runs work off the JavaScript thread
//! and cancels it; it computes nothing itself.

mod closed_form;
mod linear;
mod lstm;
pub mod task;

use napi_derive::napi;

/// Version of the native crates, as in their manifests.
#[napi]
pub fn native_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
