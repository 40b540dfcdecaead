//! Plain regressions over sliding windows, with loops compiled for the number of regressors. Estimates are put together in the
//! first cache and go out many rows of an asset at a time, as its results lie row by row.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over indexes keep the vectors of the instruction set in use, zipped iterators do not"
)]

mod stage;
mod stretch;
mod sums;
#[cfg(test)]
mod tests;

use std::ops::Range;

use stage::{STAGE_ROWS, Stage};
use stretch::Stretch;
use sums::Block;

use crate::Panel;
use crate::aggregate::Scheme;
use crate::lanes::LANES;
use crate::moving_hac::MovingHac;
use crate::panel::Group;
use crate::parallel::active_isa;
use crate::path::{PathRange, PathSetup, Slot, note_last};
use crate::solver::Solver;
use crate::stream::{Window, WindowRow};

/// Bytes of shared solutions that one block of lanes goes through before the next has its turn: they stay in a
/// second-level cache of 512 kB, and the block's own sums in the first one.
const SHARED_BYTES: usize = 1 << 18;

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
