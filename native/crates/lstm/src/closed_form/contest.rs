//! Which lookback and which cell: a few members of each candidate, then the rest of the winner's.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use macrograd_simd::Control;

use super::cell::Cell;
use super::options::Options;
use super::trainer::{MemberTraining, Trained, TrainingData};
use crate::error::LstmError;

/// The candidate that explains left-out rows best.
pub struct Winner {
    /// Its window length.
    pub lookback: usize,
    /// Its cell.
    pub cell: Cell,
    /// All its members.
    pub members: Vec<Trained>,
    /// Mean validation error of the members that were compared, one a lookback: that of its better cell.
    pub validation_errors: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    lookback: usize,
    cell: Cell,
}

/// A member to train.
type Task = (Candidate, usize);

/// Trains `contest_members` of every candidate, and the other members of the best one. The same bits for any number of
/// threads.
///
/// # Errors
/// Those of [`MemberTraining`].
pub fn contest(data: &TrainingData<'_>, options: &Options, control: &Control) -> Result<Winner, LstmError> {
    let compared = options.contest_members.min(options.members);
    let candidates = candidates(options);
    let tasks: Vec<Task> = candidates
        .iter()
        .flat_map(|&candidate| (0..compared).map(move |member| (candidate, member)))
        .collect();
    // Progress takes the dearest candidate for the winner.
    let rest = options.members - compared;
    let dearest = candidates.iter().map(|c| cost(options, c)).max().unwrap_or(0);
    let planned: usize = tasks.iter().map(|(candidate, _)| cost(options, candidate)).sum();
    let total = planned + rest * dearest;
    let mut trained = train_all(data, options, control, &tasks, (0, total))?;
    let errors: Vec<f64> = trained.chunks(compared).map(mean_error).collect();
    let by_lookback: Vec<usize> = options
        .lookbacks
        .iter()
        .map(|&lookback| best_cell(&candidates, &errors, lookback, options.cell_gain))
        .collect();
    let validation_errors: Vec<f64> = by_lookback.iter().map(|&i| errors[i]).collect();
    let best = by_lookback[best_lookback(&validation_errors, options.lookback_gain)];
    let winner = candidates[best];
    let mut members: Vec<Trained> = trained.drain(best * compared..(best + 1) * compared).collect();
    let others: Vec<Task> = (compared..options.members).map(|member| (winner, member)).collect();
    members.extend(train_all(data, options, control, &others, (planned, total))?);
    Ok(Winner {
        lookback: winner.lookback,
        cell: winner.cell,
        members,
        validation_errors,
    })
}

fn candidates(options: &Options) -> Vec<Candidate> {
    let of = |lookback: usize| {
        let cells = if lookback == 1 { options.cells.len() } else { 1 };
        options.cells[..cells]
            .iter()
            .map(move |&cell| Candidate { lookback, cell })
    };
    options.lookbacks.iter().flat_map(|&lookback| of(lookback)).collect()
}

/// Steps of a window of L cost about 4 + L times as much; used for progress alone.
fn cost(options: &Options, candidate: &Candidate) -> usize {
    options.steps_for(candidate.lookback) * (4 + candidate.lookback)
}

/// The first candidate of a lookback, or a later one that is better by `gain`.
fn best_cell(candidates: &[Candidate], errors: &[f64], lookback: usize, gain: f64) -> usize {
    let mut own = (0..candidates.len()).filter(|&i| candidates[i].lookback == lookback);
    let first = own.next().unwrap_or(0);
    own.fold(first, |best, i| if errors[i] < errors[best] - gain { i } else { best })
}

/// Trains the tasks in parallel; `(before, total)` is what was done before, and all that there is to do.
///
/// A thread takes a member for the steps between two validations and then puts it back, so that three members keep two
/// threads busy to the end.
fn train_all(
    data: &TrainingData<'_>,
    options: &Options,
    control: &Control,
    tasks: &[Task],
    (before, total): (usize, usize),
) -> Result<Vec<Trained>, LstmError> {
    // Long windows first: the last task to start is then a short one.
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|&place| (std::cmp::Reverse(tasks[place].0.lookback), place));
    let own: Vec<TrainingData<'_>> = tasks
        .iter()
        .map(|(candidate, _)| data.with_cell(candidate.cell))
        .collect();
    let threads = control.threads().min(tasks.len());
    let done = AtomicUsize::new(before);
    let queue = Mutex::new(Queue {
        waiting: order.into_iter(),
        // One more than there are threads: what is left when the others are done is then short.
        room: threads + 1,
        paused: Vec::new(),
        results: vec![None; tasks.len()],
    });
    // A poisoned lock means that another task panicked; the scope passes that panic on.
    let lock = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let work = || {
        loop {
            let taken = lock().take();
            let Some((place, paused)) = taken else { break };
            let ((candidate, member), step) = (tasks[place], 4 + tasks[place].0.lookback);
            let progress = |_step: usize| {
                let reached = done.fetch_add(step, Ordering::Relaxed) + step;
                control.report(reached as f64 / total as f64);
            };
            let start = || MemberTraining::new(&own[place], options, member, candidate.lookback);
            let result = paused.map_or_else(start, Ok).and_then(|mut training| {
                let goes_on = training.advance(control, &progress)?;
                Ok((goes_on, training))
            });
            match result {
                Ok((true, training)) => lock().paused.push((place, training)),
                Ok((false, training)) => {
                    done.fetch_add(training.steps_left() * step, Ordering::Relaxed);
                    lock().finish(place, Ok(training.finish()));
                }
                Err(error) => lock().finish(place, Err(error)),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    queue
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .results
        .into_iter()
        .map(|result| result.unwrap_or(Err(LstmError::Cancelled)))
        .collect()
}

/// Members that are to be trained, by their place among the tasks.
struct Queue<'a> {
    waiting: std::vec::IntoIter<usize>,
    /// Members that may still be started beside those under way: each holds second moments of the returns.
    room: usize,
    paused: Vec<(usize, MemberTraining<'a>)>,
    results: Vec<Option<Result<Trained, LstmError>>>,
}

impl<'a> Queue<'a> {
    /// A new member while there is room, else the paused one with the most steps left; `None` when all that is left is in
    /// other threads' hands.
    fn take(&mut self) -> Option<(usize, Option<MemberTraining<'a>>)> {
        if self.room > 0
            && let Some(place) = self.waiting.next()
        {
            self.room -= 1;
            return Some((place, None));
        }
        let next = (0..self.paused.len()).max_by_key(|&i| (self.paused[i].1.steps_left(), std::cmp::Reverse(i)))?;
        let (place, training) = self.paused.swap_remove(next);
        Some((place, Some(training)))
    }

    fn finish(&mut self, place: usize, result: Result<Trained, LstmError>) {
        self.room += 1;
        self.results[place] = Some(result);
    }
}

fn mean_error(members: &[Trained]) -> f64 {
    members.iter().map(|m| m.validation_error).sum::<f64>() / members.len() as f64
}

/// The first lookback, or a later one that is better by the share `gain` of the variance which the best so far explains, that of
/// standardised returns being 1; any number is better than none.
fn best_lookback(errors: &[f64], gain: f64) -> usize {
    (1..errors.len()).fold(0, |best, i| {
        let needed = gain * (1.0 - errors[best]).max(0.0);
        let is_better = errors[i] < errors[best] - needed || (errors[best].is_nan() && !errors[i].is_nan());
        if is_better { i } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_to_gain_and_longer_windows_have_the_first_cell_alone() {
        let options = Options {
            lookbacks: vec![1, 36],
            ..Options::default()
        };
        let all = candidates(&options);
        let expected = [(1, Cell::Lstm), (1, Cell::Mixed), (36, Cell::Lstm)];
        assert_eq!(all, expected.map(|(lookback, cell)| Candidate { lookback, cell }));
        assert_eq!(best_cell(&all, &[0.7, 0.6999, 0.5], 1, 1e-3), 0);
        assert_eq!(best_cell(&all, &[0.7, 0.698, 0.5], 1, 1e-3), 1);
        assert_eq!(best_cell(&all, &[0.7, 0.698, 0.5], 36, 1e-3), 2);
    }

    #[test]
    fn a_longer_window_has_to_explain_more_by_a_share_of_what_is_explained() {
        assert_eq!(best_lookback(&[0.7, 0.6975], 0.01), 0);
        assert_eq!(best_lookback(&[0.7, 0.6965], 0.01), 1);
        assert_eq!(best_lookback(&[0.98, 0.9799], 0.01), 0);
        assert_eq!(best_lookback(&[0.98, 0.9797], 0.01), 1);
        assert_eq!(best_lookback(&[1.02, 1.01], 0.01), 1);
        assert_eq!(best_lookback(&[f64::NAN, 0.9, f64::NAN], 0.01), 1);
        // Of several: against the best of the shorter ones, so that small gains do not add up to a long window.
        assert_eq!(best_lookback(&[0.7, 0.698, 0.696, 0.694], 0.01), 2);
        assert_eq!(best_lookback(&[0.7, 0.69, 0.6895, 0.6868], 0.01), 3);
        assert_eq!(best_lookback(&[0.7, 0.69, 0.6895, 0.687], 0.01), 1);
    }
}
