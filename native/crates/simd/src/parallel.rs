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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Several a thread, and few enough for Miri.
    const ITEMS: usize = 40;
    const THREADS: [usize; 4] = [1, 2, 3, 8];

    #[test]
    fn every_item_is_worked_on_once_by_any_number_of_threads() {
        for threads in THREADS {
            let (mut results, mut counts) = (vec![0; ITEMS], vec![0; threads]);
            let work = |count: &mut usize, (index, result): (usize, &mut usize)| {
                *count += 1;
                *result += index + 1;
            };
            let control = Control::with_threads(threads);
            parallel_for_each(&control, results.iter_mut().enumerate(), &mut counts, work).expect("nobody stops it");
            assert_eq!(counts.iter().sum::<usize>(), ITEMS, "{threads} threads");
            assert!(results.into_iter().eq(1..=ITEMS), "{threads} threads");
        }
    }

    #[test]
    fn a_stop_leaves_out_what_has_not_started() {
        for threads in THREADS {
            let flag = Arc::new(AtomicBool::new(false));
            let control = Control::with_threads(threads).stopped_by(Arc::clone(&flag));
            let mut counts = vec![0; threads];
            let work = |count: &mut usize, item: usize| {
                *count += 1;
                flag.fetch_or(item == 4, Ordering::Relaxed);
            };
            assert_eq!(
                parallel_for_each(&control, 0..1_000_000, &mut counts, work),
                Err(Cancelled)
            );
            assert!(counts.iter().sum::<usize>() < 1_000_000, "{threads} threads");
        }
    }

    #[test]
    fn a_panic_in_any_thread_reaches_the_caller() {
        for threads in THREADS {
            let control = Control::with_threads(threads);
            let work = |(): &mut (), item: usize| assert!(item != ITEMS / 2, "the item in the middle");
            let mut scratch = vec![(); threads];
            let run = || parallel_for_each(&control, 0..ITEMS, &mut scratch, work);
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{threads} threads");
        }
    }
}
