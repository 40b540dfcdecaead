use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use macrograd_simd::{Control, Isa};

use crate::LinearError;

/// The instruction set in use. One that the environment names wrongly is refused by calls whose bits depend on it; here
/// only speed does.
pub(crate) fn active_isa() -> Isa {
    Isa::active().unwrap_or_else(|_| Isa::baseline())
}

/// Runs independent tasks; each owns what it writes to, so the order of execution is irrelevant. `report` hears the
/// fraction of tasks done.
pub(crate) fn for_each<T: Send>(
    tasks: Vec<T>,
    control: &Control,
    report: impl Fn(f64) + Sync,
    work: impl Fn(T) + Sync,
) -> Result<(), LinearError> {
    let total = tasks.len().max(1) as f64;
    let helpers = control.threads().min(tasks.len()).saturating_sub(1);
    let queue = Mutex::new(tasks.into_iter());
    let done = AtomicUsize::new(0);
    let drain = || {
        while control.check().is_ok() {
            let task = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(task) = task else { break };
            work(task);
            report((done.fetch_add(1, Ordering::Relaxed) + 1) as f64 / total);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(drain);
        }
        drain();
    });
    control.check().map_err(|_| LinearError::Cancelled)
}
