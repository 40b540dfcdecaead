//! Plain regressions over sliding windows, with loops compiled for the number of regressors. Estimates are put together in the
//! first cache and go out many rows of an asset at a time, as its results lie row by row.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over indexes keep the vectors of the instruction set in use, zipped iterators do not"
)]

use std::ops::Range;

use macrograd_simd::{PastCaches, Vectorise, fetch_ahead};

use crate::Panel;
use crate::aggregate::Scheme;
use crate::lanes::{CANCELLATION_LIMIT, LANES};
use crate::moving_hac::MovingHac;
use crate::panel::Group;
use crate::parallel::active_isa;
use crate::path::{PathRange, PathSetup, Slot, note_last};
use crate::solver::Solver;
use crate::stream::{Window, WindowRow};

/// Bytes of shared solutions that one block of lanes goes through before the next has its turn: they stay in a
/// second-level cache of 512 kB, and the block's own sums in the first one.
const SHARED_BYTES: usize = 1 << 18;

/// Rows by which returns are asked for ahead: they lie a page apart, where no processor looks by itself.
const ROWS_AHEAD: usize = 8;

/// Rows put together before they go out.
const STAGE_ROWS: usize = 16;

/// Numbers of a result, 16 MiB of them, from which it is written past the caches, which could not hold it anyway.
const MANY: usize = 1 << 21;

/// One number of every asset of a block.
type Lane = [f64; LANES];

/// Whether [`run`] has loops for this regression.
pub(crate) fn suit(panel: &Panel, setup: &PathSetup) -> bool {
    setup.market.is_none() && matches!(setup.scheme, Scheme::Sliding { .. }) && (1..=16).contains(&panel.columns)
}

/// Estimates of assets that miss the same rows, at every row of the range. [`suit`] is to be asked first. `kept`: results go to memory whose
/// pages are known; fresh pages come through the caches, where they were cleared.
pub(crate) fn run(panel: &Panel, setup: &PathSetup, range: &PathRange, group: Group, slots: &mut [Slot], kept: bool) {
    macro_rules! by_width {
        ($($columns:literal)+) => {
            match panel.columns {
                $($columns => run_width::<$columns>(panel, setup, range, group, slots, kept),)+
                columns => unreachable!("{columns} columns do not suit"),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

fn run_width<const K: usize>(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    group: Group,
    slots: &mut [Slot],
    kept: bool,
) {
    let Group { observed, assets } = group;
    let first = setup.scheme.first_row(range.rows.start);
    let design = observed_design::<K>(panel, &observed, first..range.rows.end);
    let length = range.rows.end.min(match setup.scheme {
        Scheme::Sliding { window } => window,
        Scheme::Decay { .. } => usize::MAX,
    });
    let mut blocks: Vec<Block<K>> = assets.chunks(LANES).map(|assets| Block::new(assets, length)).collect();
    let mut window = Window::new(panel, observed, setup.scheme, setup.min_observations, None);
    let mut stage = Stage::new(kept && range.size(panel) >= MANY);
    let isa = active_isa();
    let at_once = (SHARED_BYTES / size_of::<Shared<K>>()).max(STAGE_ROWS);
    for start in (first..range.rows.end).step_by(at_once) {
        let rows = start..(start + at_once).min(range.rows.end);
        let mut last = None;
        let shared: Vec<Option<Shared<K>>> = rows
            .clone()
            .map(|row| {
                window.push(row);
                last = (row >= range.rows.start).then(|| window.evaluate()).flatten();
                last.as_ref()
                    .map(|found| Shared::new(found, MovingHac::of(panel, setup, &window, found)))
            })
            .collect();
        for (block, slots) in blocks.iter_mut().zip(slots.chunks_mut(LANES)) {
            isa.vectorise(Stretch {
                panel,
                window: &window,
                design: &design,
                first,
                from: range.rows.start,
                rows: rows.clone(),
                shared: &shared,
                block,
                stage: &mut stage,
                slots,
            });
        }
        if let (true, Some(last)) = (rows.end == range.rows.end, &last) {
            note_last(slots, last);
        }
    }
}

/// Rows of the design, 0 where the assets of a group miss them.
fn observed_design<const K: usize>(panel: &Panel, observed: &[bool], rows: Range<usize>) -> Vec<[f64; K]> {
    rows.map(|row| {
        let mut x = [0.0; K];
        if observed[row] {
            x.copy_from_slice(panel.design_row(row));
        }
        x
    })
    .collect()
}

/// What all assets of a group share at one row.
struct Shared<const K: usize> {
    /// (X'X)^-1.
    inverse: [[f64; K]; K],
    /// Variance of each coefficient / residual sum of squares.
    shares: [f64; K],
    /// Where columns were dropped or the rows themselves were factorised.
    rare: Option<Box<Solver>>,
    /// Where errors are robust.
    hac: Option<Box<MovingHac>>,
}

impl<const K: usize> Shared<K> {
    fn new(window: &WindowRow, hac: Option<MovingHac>) -> Self {
        let mut inverse = [[0.0; K]; K];
        inverse.as_flattened_mut().copy_from_slice(&window.solver.inverse);
        let rare = window.solver.projector.is_some() || window.solver.rank() < K;
        Self {
            inverse,
            shares: std::array::from_fn(|j| window.sandwich[j * K + j] / window.trace),
            rare: rare.then(|| Box::new(window.solver.clone())),
            hac: hac.map(Box::new),
        }
    }
}

/// X'y and y'y of every lane.
#[derive(Clone, Copy)]
struct Sums<const K: usize> {
    moments: [Lane; K],
    square: Lane,
}

impl<const K: usize> Sums<K> {
    const ZERO: Self = Self {
        moments: [[0.0; LANES]; K],
        square: [0.0; LANES],
    };

    /// other + one row.
    #[inline(always)]
    fn set(&mut self, other: &Self, x: &[f64; K], y: &Lane) {
        for j in 0..K {
            for lane in 0..LANES {
                self.moments[j][lane] = other.moments[j][lane] + x[j] * y[lane];
            }
        }
        for lane in 0..LANES {
            self.square[lane] = other.square[lane] + y[lane] * y[lane];
        }
    }

    /// Adds one row to `head`; head + tail.
    #[inline(always)]
    fn take(&mut self, head: &mut Self, tail: &Self, x: &[f64; K], y: &Lane) {
        for j in 0..K {
            for lane in 0..LANES {
                let sum = head.moments[j][lane] + x[j] * y[lane];
                head.moments[j][lane] = sum;
                self.moments[j][lane] = sum + tail.moments[j][lane];
            }
        }
        for lane in 0..LANES {
            let sum = head.square[lane] + y[lane] * y[lane];
            head.square[lane] = sum;
            self.square[lane] = sum + tail.square[lane];
        }
    }
}

/// Sums over the window of up to [`LANES`] assets, without subtraction: time is cut into pieces of one window, of which a window
/// holds the end of one and the head of the next (van Herk / Gil-Werman, as [`crate::aggregate::Aggregate`]).
struct Block<const K: usize> {
    assets: Vec<usize>,
    /// Returns of this piece so far, 0 where missing.
    returns: Vec<Lane>,
    head: Sums<K>,
    /// `[row of the piece]`: sums over the piece before, from that row on.
    tails: Vec<Sums<K>>,
    position: usize,
    /// Over the window as of the last row.
    sums: Sums<K>,
}

impl<const K: usize> Block<K> {
    fn new(assets: &[usize], window: usize) -> Self {
        Self {
            assets: assets.to_vec(),
            returns: vec![[0.0; LANES]; window],
            head: Sums::ZERO,
            tails: vec![Sums::ZERO; window],
            position: 0,
            sums: Sums::ZERO,
        }
    }

    /// Takes in the last row of `design`, which reaches back to the first row of this piece or further.
    #[inline(always)]
    fn push(&mut self, design: &[[f64; K]], y: &Lane) {
        let Some(x) = design.last() else { return };
        self.returns[self.position] = *y;
        self.position += 1;
        if self.position < self.returns.len() {
            self.sums.take(&mut self.head, &self.tails[self.position], x, y);
            return;
        }
        self.sums.take(&mut self.head, &Sums::ZERO, x, y);
        self.head = Sums::ZERO;
        let mut later = &Sums::ZERO;
        let piece = design[design.len() - self.position..].iter().zip(&self.returns);
        for (tail, (x, y)) in self.tails.iter_mut().zip(piece).rev() {
            tail.set(later, x, y);
            later = tail;
        }
        self.position = 0;
    }
}

/// Estimates on their way out.
struct Stage<const K: usize> {
    /// `[lane][row][column]`.
    coefficients: Vec<[[f64; K]; STAGE_ROWS]>,
    variances: Vec<[[f64; K]; STAGE_ROWS]>,
    past_caches: Option<PastCaches>,
}

impl<const K: usize> Stage<K> {
    fn new(past_caches: bool) -> Self {
        Self {
            coefficients: vec![[[0.0; K]; STAGE_ROWS]; LANES],
            variances: vec![[[0.0; K]; STAGE_ROWS]; LANES],
            past_caches: past_caches.then(PastCaches::new),
        }
    }

    /// Marks columns as not estimated.
    fn void(&mut self, row: usize, columns: impl Iterator<Item = usize> + Clone) {
        for lanes in [&mut self.coefficients, &mut self.variances] {
            for rows in lanes.iter_mut() {
                columns.clone().for_each(|j| rows[row][j] = f64::NAN);
            }
        }
    }

    /// Copies the first rows to each asset's own memory, from a row on.
    fn hand_over(&self, rows: usize, slots: &mut [Slot], at: usize) {
        let copy = |from: &[[f64; K]; STAGE_ROWS], to: &mut [f64]| {
            let from = &from.as_flattened()[..rows * K];
            match (&self.past_caches, to.get_mut(at * K..(at + rows) * K)) {
                (Some(past_caches), Some(to)) => past_caches.copy(from, to),
                (None, Some(to)) => to.copy_from_slice(from),
                // Variances that were not asked for.
                (_, None) => {}
            }
        };
        for (lane, slot) in slots.iter_mut().enumerate() {
            copy(&self.coefficients[lane], slot.coefficients);
            copy(&self.variances[lane], slot.variances);
        }
    }
}

/// b'X'y of every lane.
#[cold]
fn explained_by<const K: usize>(b: &[Lane; K], sums: &Sums<K>) -> Lane {
    std::array::from_fn(|lane| (0..K).map(|j| b[j][lane] * sums.moments[j][lane]).sum())
}

/// Writes `[column][lane]` to one row of each lane, two by two: so it takes half the loads and stores.
#[inline(always)]
fn turn<const K: usize>(from: &[Lane; K], to: &mut [[[f64; K]; STAGE_ROWS]], row: usize) {
    for (pair, to) in to.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let lane = 2 * pair;
        let [even, odd] = to;
        let (even, odd) = (&mut even[row], &mut odd[row]);
        for j in (0..K - K % 2).step_by(2) {
            let (first, second) = (&from[j], &from[j + 1]);
            [even[j], even[j + 1]] = [first[lane], second[lane]];
            [odd[j], odd[j + 1]] = [first[lane + 1], second[lane + 1]];
        }
        if K % 2 == 1 {
            even[K - 1] = from[K - 1][lane];
            odd[K - 1] = from[K - 1][lane + 1];
        }
    }
}

/// Takes one block of lanes through some rows.
struct Stretch<'s, 'p, 'o, const K: usize> {
    panel: &'s Panel<'p>,
    window: &'s Window<'p>,
    /// Of the rows from `first` on.
    design: &'s [[f64; K]],
    first: usize,
    /// First row to estimate at.
    from: usize,
    rows: Range<usize>,
    shared: &'s [Option<Shared<K>>],
    block: &'s mut Block<K>,
    stage: &'s mut Stage<K>,
    slots: &'s mut [Slot<'o>],
}

impl<const K: usize> Vectorise for Stretch<'_, '_, '_, K> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let mut staged = 0;
        for (row, shared) in self.rows.clone().zip(self.shared) {
            self.fetch_ahead(row + ROWS_AHEAD);
            let mut y = [0.0; LANES];
            if self.window.is_observed(row) {
                for (y, &asset) in y.iter_mut().zip(&self.block.assets) {
                    *y = self.panel.value(row, asset);
                }
            }
            self.block.push(&self.design[..=row - self.first], &y);
            if row < self.from {
                continue;
            }
            match shared {
                Some(shared) => self.estimate(row, staged, shared),
                None => self.stage.void(staged, 0..K),
            }
            staged += 1;
            if staged == STAGE_ROWS || row + 1 == self.rows.end {
                self.stage.hand_over(staged, self.slots, row + 1 - staged - self.from);
                staged = 0;
            }
        }
    }
}

impl<const K: usize> Stretch<'_, '_, '_, K> {
    #[inline(always)]
    fn fetch_ahead(&self, row: usize) {
        if let (true, [first, .., last]) = (row < self.rows.end, &*self.block.assets) {
            let of_row = &self.panel.returns[row * self.panel.assets..(row + 1) * self.panel.assets];
            fetch_ahead(&of_row[*first]);
            fetch_ahead(&of_row[*last]);
        }
    }

    #[inline(always)]
    fn estimate(&mut self, row: usize, staged: usize, shared: &Shared<K>) {
        let sums = &self.block.sums;
        let mut b = [[0.0; LANES]; K];
        let mut explained = [0.0; LANES];
        for j in 0..K {
            let mut sum = [0.0; LANES];
            for i in 0..K {
                for lane in 0..LANES {
                    sum[lane] += shared.inverse[j][i] * sums.moments[i][lane];
                }
            }
            b[j] = sum;
            for lane in 0..LANES {
                explained[lane] += sum[lane] * sums.moments[j][lane];
            }
        }
        if let Some(Solver {
            projector: Some(projector),
            ..
        }) = shared.rare.as_deref()
        {
            b = self.projected(&projector.rows, &projector.matrix);
            explained = explained_by(&b, sums);
        }
        let mut rest = [0.0; LANES];
        for lane in 0..LANES {
            rest[lane] = sums.square[lane] - explained[lane];
        }
        let mut cancelled = false;
        for lane in 0..LANES {
            cancelled |= rest[lane] <= CANCELLATION_LIMIT * sums.square[lane];
        }
        if cancelled {
            self.sum_residuals(row, &b, &mut rest);
        }
        let mut variances = [[0.0; LANES]; K];
        for j in 0..K {
            for lane in 0..LANES {
                variances[j][lane] = shared.shares[j] * rest[lane];
            }
        }
        if let Some(hac) = &shared.hac {
            variances.copy_from_slice(&hac.variances(self.panel, &self.block.assets, &b));
        }
        turn(&b, &mut self.stage.coefficients, staged);
        turn(&variances, &mut self.stage.variances, staged);
        if let Some(solver) = shared.rare.as_deref() {
            self.stage.void(staged, (0..K).filter(|&j| !solver.kept[j]));
        }
    }

    /// Coefficients as sums over rows, of a badly conditioned design.
    #[cold]
    fn projected(&self, rows: &[usize], matrix: &[f64]) -> [Lane; K] {
        let mut b = [[0.0; LANES]; K];
        for (&row, weights) in rows.iter().zip(matrix.chunks_exact(K)) {
            for (lane, &asset) in self.block.assets.iter().enumerate() {
                let y = self.panel.value(row, asset);
                b.iter_mut().zip(weights).for_each(|(b, weight)| b[lane] += weight * y);
            }
        }
        b
    }

    /// Residual sums of squares of lanes where y'y - b'X'y has too few digits left.
    #[cold]
    fn sum_residuals(&self, row: usize, b: &[Lane; K], rest: &mut Lane) {
        let window = self.window.weighted_rows(row);
        for (lane, &asset) in self.block.assets.iter().enumerate() {
            if rest[lane] <= CANCELLATION_LIMIT * self.block.sums.square[lane] {
                let residual = |at: usize| {
                    let x = &self.design[at - self.first];
                    let fitted: f64 = x.iter().zip(b).map(|(x, b)| x * b[lane]).sum();
                    self.panel.value(at, asset) - fitted
                };
                rest[lane] = window.iter().map(|&(at, _)| residual(at).powi(2)).sum();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use macrograd_simd::Control;

    use super::*;
    use crate::moving_hac::MovingErrors;
    use crate::path::{Output, PathBuffers, run_path, run_plain, run_plain_into};

    /// Both add the same products in another order; windows of condition 10^3 lose three digits.
    const SAME: f64 = 1e-9;

    fn wave(at: usize) -> f64 {
        ((at * 7919 % 1009) as f64 / 504.5 - 1.0) * ((at % 13) as f64 - 6.0)
    }

    fn setup(errors: MovingErrors) -> PathSetup<'static> {
        PathSetup {
            scheme: Scheme::Sliding { window: 40 },
            min_observations: 30,
            market: None,
            variances: true,
            errors,
        }
    }

    #[test]
    fn every_width_gives_the_numbers_of_the_loops_for_any_width() {
        let (rows, assets) = (150, 19);
        for columns in 1..=16 {
            let mut design: Vec<f64> = (0..rows * columns).map(wave).collect();
            let mut returns: Vec<f64> = (0..rows * assets).map(|at| wave(at + 31)).collect();
            // The last column is 0 for a while and then nearly the first; a row is not seen at all.
            for row in 0..rows {
                let last = row * columns + columns - 1;
                match row {
                    20..70 => design[last] = 0.0,
                    80..130 => design[last] = design[row * columns] + 1e-5 * wave(row + 7),
                    140 => design[last] = f64::NAN,
                    _ => {}
                }
                // Nothing but 0, exactly explained, and holes of its own.
                returns[row * assets + 3] = 0.0;
                returns[row * assets + 4] = 2.0 * design[row * columns];
                if row % 9 == 2 {
                    returns[row * assets + 5] = f64::NAN;
                }
            }
            let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
            let control = Control::with_threads(2);
            let (plain, robust) = (MovingErrors::Homoscedastic, MovingErrors::Hac { lags: Some(3) });
            for (range, errors) in [(0..rows, plain), (47..rows - 3, plain), (20..rows, robust)] {
                let setup = setup(errors);
                let range = PathRange {
                    rows: range,
                    assets: 0..assets,
                };
                let own = run_plain(&panel, &setup, &range, &control).expect("fits");
                let emit = |(): &(), mut output: Output| output.write_plain();
                let any = run_path(&panel, &setup, &range, &control, |_, _| (), emit).expect("fits");
                for (own, any) in [(&own.coefficients, &any.coefficients), (&own.variances, &any.variances)] {
                    for (x, y) in own.iter().zip(any) {
                        assert_eq!(x.is_nan(), y.is_nan(), "{columns}");
                        assert!(
                            x.is_nan() || (x - y).abs() <= SAME * (1.0 + y.abs()),
                            "{columns}: {x} {y}"
                        );
                    }
                }
                assert_eq!(
                    (&own.last.rank, &own.last.observations),
                    (&any.last.rank, &any.last.observations)
                );
            }
        }
    }

    #[test]
    fn what_is_written_past_the_caches_has_the_bits_of_what_is_not() {
        let (rows, columns, assets) = (1000, 9, 240);
        let design: Vec<f64> = (0..rows * columns).map(wave).collect();
        let returns: Vec<f64> = (0..rows * assets).map(|at| wave(at + 31)).collect();
        let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
        let range = PathRange::all(&panel);
        assert!(range.size(&panel) >= MANY);
        let [first, second] = [true, false].map(|kept| {
            let mut values = vec![[0.0; 2]; range.size(&panel)];
            let (coefficients, variances) = values.as_flattened_mut().split_at_mut(range.size(&panel));
            let buffers = PathBuffers {
                coefficients,
                variances,
            };
            run_plain_into(
                &panel,
                &setup(MovingErrors::Homoscedastic),
                &range,
                buffers,
                &Control::with_threads(2),
                kept,
            )
            .expect("fits");
            values.as_flattened().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        });
        assert!(first == second);
    }
}
