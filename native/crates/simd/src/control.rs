//! How long work is watched, stopped and spread over threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::isa::{Isa, IsaError};

/// The work was stopped through its [`Control`] before it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// A caller's hold on running work: a stop flag, a listener for progress, the number of threads, and the instruction
/// set if it is not the usual one.
///
/// Kernels ask [`Control::check`] once a block of work (about a millisecond), never inside inner loops.
#[derive(Default)]
pub struct Control {
    cancelled: Arc<AtomicBool>,
    progress: Option<Box<dyn Fn(f64) + Send + Sync>>,
    threads: usize,
    isa: Option<Isa>,
}

impl Control {
    /// Work on `threads` threads; 0 = all cores. Nobody listens and nobody stops it.
    #[must_use]
    pub fn with_threads(threads: usize) -> Self {
        Self {
            threads,
            ..Self::default()
        }
    }

    /// Work that stops soon after `flag` becomes true.
    #[must_use]
    pub fn stopped_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.cancelled = flag;
        self
    }

    /// Reports progress, a fraction in [0, 1], to `listener`, from whichever thread does the work.
    #[must_use]
    pub fn reporting_to(mut self, listener: impl Fn(f64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Box::new(listener));
        self
    }

    /// Runs on that instruction set whatever the environment says: for tests.
    #[must_use]
    pub fn on(mut self, isa: Isa) -> Self {
        self.isa = Some(isa);
        self
    }

    /// For one of several parts of the work: the same stop flag and instruction set, threads of its own, no listener.
    #[must_use]
    pub fn for_part(&self, threads: usize) -> Self {
        Self {
            cancelled: Arc::clone(&self.cancelled),
            progress: None,
            threads: threads.max(1),
            isa: self.isa,
        }
    }

    /// Instruction set to use.
    ///
    /// # Errors
    /// What [`Isa::active`] refuses.
    pub fn isa(&self) -> Result<Isa, IsaError> {
        self.isa.map_or_else(Isa::active, Ok)
    }

    /// `Err(Cancelled)` once the caller has asked to stop: `control.check()?`.
    ///
    /// # Errors
    /// [`Cancelled`] when the stop flag is set.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.cancelled.load(Ordering::Relaxed) {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    /// Tells the listener, if there is one, that `fraction` of the work is done.
    pub fn report(&self, fraction: f64) {
        if let Some(listener) = &self.progress {
            listener(fraction);
        }
    }

    /// Threads to use: as asked, or all cores when that was 0; one in WebAssembly, which can start none.
    #[must_use]
    pub fn threads(&self) -> usize {
        match self.threads {
            _ if cfg!(target_family = "wasm") => 1,
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}
