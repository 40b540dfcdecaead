//! Spreads independent items of work over threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::{Cancelled, Control};

/// Calls `work(scratch, item)` for every item, on one thread for each scratch space; threads take the next item when
/// they are done with one, so results may not depend on who did what. The caller's thread works too.
///
/// # Errors
/// [`Cancelled`] when `control` says so; items not yet started are then left out.
///
/// # Panics
/// When `work` does.
pub fn parallel_for_each<I, W>(
    control: &Control,
    items: I,
    scratch: &mut [W],
    work: impl Fn(&mut W, I::Item) + Sync,
) -> Result<(), Cancelled>
where
    I: ExactSizeIterator + Send,
    I::Item: Send,
    W: Send,
{
    let total = items.len();
    let queue = Mutex::new(items);
    let done = AtomicUsize::new(0);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = |scratch: &mut W| -> Result<(), Cancelled> {
        while let Some(item) = next() {
            control.check()?;
            work(scratch, item);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            control.report(done as f64 / total as f64);
        }
        Ok(())
    };
    let Some((first, others)) = scratch.split_first_mut() else {
        return Ok(());
    };
    let helpers = others.len().min(total.saturating_sub(1));
    if helpers == 0 {
        return run(first);
    }
    let run = &run;
    thread::scope(|scope| {
        let handles: Vec<_> = others[..helpers]
            .iter_mut()
            .map(|w| scope.spawn(move || run(w)))
            .collect();
        let own = run(first);
        let joined = handles.into_iter().map(|handle| match handle.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.fold(own, Result::and)
    })
}
