use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;

use macrograd_simd::Control;

use crate::lanes::{Advance, LANES, Lanes};
use crate::moving::{Moving, prepared};
use crate::panel::Group;
use crate::parallel::{active_isa, for_each};
use crate::posterior::Prepared;
use crate::prior::{beliefs, cross_section};
use crate::shrink::Belief;
use crate::stream::{Window, WindowRow};
use crate::{LinearError, Panel};

/// Assets of a task. A fixed number: sums are added up task by task, whatever the threads.
const ASSETS_PER_TASK: usize = 256;

/// Squared errors of the next row, summed over assets and `rows`, under every strength; see [`crate::ewm_strength_errors`].
pub(crate) fn strength_errors(
    panel: &Panel,
    moving: &Moving,
    strengths: &[f64],
    rows: Range<usize>,
    control: &Control,
) -> Result<Vec<f64>, LinearError> {
    check(panel, strengths, &rows)?;
    let prior = cross_section(panel, moving, rows.clone(), control)?;
    let believed: Vec<Vec<Option<Belief>>> = strengths
        .iter()
        .map(|&strength| beliefs(panel, moving, &prior.sharpened(strength), 0.0))
        .collect();
    let groups = panel.groups(0..panel.assets, ASSETS_PER_TASK);
    let sums = Mutex::new(vec![Vec::new(); groups.len()]);
    let comparison = Comparison {
        panel,
        moving,
        market: &prior.market,
        beliefs: &believed,
        rows,
    };
    for_each(
        groups.into_iter().enumerate().collect(),
        control,
        |_| (),
        |(at, group)| {
            let own = comparison.errors(group);
            sums.lock().unwrap_or_else(PoisonError::into_inner)[at] = own;
        },
    )?;
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((0..strengths.len())
        .map(|at| sums.iter().map(|own| own[at]).sum())
        .collect())
}

fn check(panel: &Panel, strengths: &[f64], rows: &Range<usize>) -> Result<(), LinearError> {
    if rows.end >= panel.rows || rows.start > rows.end {
        return Err(LinearError::BadOption {
            name: "rows",
            value: rows.end as f64,
            remedy: "the row after each of them must lie in the panel",
        });
    }
    match strengths
        .iter()
        .find(|&&strength| !(strength > 0.0 && strength.is_finite()))
    {
        Some(&value) => Err(LinearError::BadOption {
            name: "strength",
            value,
            remedy: "give positive, finite factors",
        }),
        None => Ok(()),
    }
}

/// What is the same for all assets.
struct Comparison<'a> {
    panel: &'a Panel<'a>,
    moving: &'a Moving<'a>,
    market: &'a [f64],
    /// `[strength][row]`.
    beliefs: &'a [Vec<Option<Belief>>],
    rows: Range<usize>,
}

impl Comparison<'_> {
    /// Of assets that miss the same rows, `[strength]`.
    fn errors(&self, group: Group) -> Vec<f64> {
        let Self {
            panel, moving, market, ..
        } = *self;
        let mut lanes: Vec<Lanes> = group
            .assets
            .chunks(LANES)
            .map(|assets| Lanes::new(panel, assets, moving.scheme, Some(market)))
            .collect();
        let mut window = Window::new(
            panel,
            group.observed,
            moving.scheme,
            moving.min_observations,
            Some(market),
        );
        let mut sums = vec![[0.0; LANES]; self.beliefs.len()];
        let isa = active_isa();
        for row in moving.scheme.first_row(self.rows.start)..self.rows.end {
            window.push(row);
            let shared = (row >= self.rows.start).then(|| window.evaluate()).flatten();
            isa.vectorise(Advance {
                lanes: &mut lanes,
                window: &window,
                row,
                shared: shared.as_ref(),
            });
            // A dropped column has no coefficient to explain the next row with.
            if let Some(shared) = shared.filter(|shared| shared.solver.rank() == panel.columns) {
                for (beliefs, sums) in self.beliefs.iter().zip(&mut sums) {
                    self.add_row(prepared(beliefs)(row, &shared).as_ref(), &shared, &lanes, sums);
                }
            }
        }
        sums.iter().map(|lanes| lanes.iter().sum()).collect()
    }

    /// Adds the squared errors of the row after the one that the window stands at, lane by lane.
    fn add_row(&self, prepared: Option<&Prepared>, shared: &WindowRow, lanes: &[Lanes], sums: &mut [f64; LANES]) {
        let x = self.panel.design_row(shared.row + 1);
        for lanes in lanes {
            let estimate = lanes.latest();
            let plain = estimate.coefficients.as_chunks::<LANES>().0;
            let posterior = prepared.map(|prepared| prepared.posterior(shared, estimate, false));
            let actual = lanes.row_values(shared.row + 1);
            for lane in 0..lanes.assets().len() {
                let shrunk = posterior.as_ref().filter(|posterior| posterior.is_noisy[lane]);
                let b = shrunk.map_or(plain, |posterior| &posterior.mean);
                let error = actual[lane] - x.iter().zip(b).map(|(x, b)| x * b[lane]).sum::<f64>();
                if error.is_finite() {
                    sums[lane] += error * error;
                }
            }
        }
    }
}
