//! A caller's hold on native work: its stop flag and its progress listener on Node's threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use macrograd_simd::Control;
use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// JavaScript listener for progress, called with a fraction in [0, 1]; it does not keep the process alive.
pub type ProgressListener = ThreadsafeFunction<f64, (), f64, Status, false, true>;

/// Time between two progress calls: often enough for a smooth bar, too seldom to load the event loop.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// Stops the work that it was given to, within about a block of work.
#[napi]
#[derive(Default)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
}

#[napi]
impl CancelToken {
    /// A token that has not been used yet.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop; it then fails with the code `cancelled`.
    #[napi]
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }
}

/// Builds a [`Control`] out of what every native call takes last: threads (0 = all cores), token, listener.
pub fn control(threads: u32, token: Option<&CancelToken>, listener: Option<ProgressListener>) -> Control {
    let mut control = Control::with_threads(threads as usize);
    if let Some(token) = token {
        control = control.stopped_by(Arc::clone(&token.flag));
    }
    match listener {
        Some(listener) => control.reporting_to(throttled(listener)),
        None => control,
    }
}

/// Passes on at most one report an interval; the last one (1) always.
fn throttled(listener: ProgressListener) -> impl Fn(f64) + Send + Sync {
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    move |fraction| {
        // A poisoned lock only means that another report panicked; the time in it is still good.
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|time| time.elapsed() >= PROGRESS_INTERVAL);
        if due || fraction >= 1.0 {
            *last = Some(Instant::now());
            listener.call(fraction, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// A clock that counts seconds from some moment on.
pub fn clock() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64()
}
