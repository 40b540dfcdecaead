//! A caller's hold on work in a WebAssembly module: between two reports nothing else runs, so the host says in its answer
//! to a report whether the work is to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use macrograd_simd::Control;
use napi::Result;
use napi::bindgen_prelude::FromNapiValue;
use napi::host::{Handle, report, seconds};

/// The host's token; the host itself looks at it.
pub struct CancelToken;

/// The host's listener; the host itself calls it.
pub struct ProgressListener;

impl FromNapiValue for &'static CancelToken {
    fn from_value(_: Handle) -> Result<Self> {
        Ok(&CancelToken)
    }
}

impl FromNapiValue for ProgressListener {
    fn from_value(_: Handle) -> Result<Self> {
        Ok(Self)
    }
}

/// Builds a [`Control`] that reports to the host and stops when the host answers so.
pub fn control(threads: u32, _: Option<&CancelToken>, _: Option<ProgressListener>) -> Control {
    let stop = Arc::new(AtomicBool::new(false));
    Control::with_threads(threads as usize)
        .stopped_by(Arc::clone(&stop))
        .reporting_to(move |fraction| {
            if report(fraction) {
                stop.store(true, Ordering::Relaxed);
            }
        })
}

/// A clock that counts seconds from some moment on.
pub fn clock() -> impl Fn() -> f64 {
    seconds
}
