use std::ops::Range;

use macrograd_simd::Control;

use crate::aggregate::Scheme;
use crate::lanes::{Estimate, LANES, Lanes};
use crate::moving_hac::{MovingErrors, MovingHac};
use crate::panel::Group;
use crate::parallel::{active_isa, for_each};
use crate::stream::{Window, WindowRow};
use crate::{LinearError, Panel};

/// Assets of a task: enough to pay for the shared factorisations, few enough to stay in cache.
pub(crate) const ASSETS_PER_TASK: usize = 64;

/// Rows that one block of lanes works through before the next block has its turn: its sums stay in cache, and so few
/// assets are written to at a time that their pages stay known.
const ROWS_PER_BLOCK: usize = 64;

/// Which part of a moving regression is wanted. Earlier rows are used, later ones are not even read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRange {
    /// Rows to estimate at.
    pub rows: Range<usize>,
    /// Assets to estimate.
    pub assets: Range<usize>,
}

impl PathRange {
    /// Every row and every asset.
    pub fn all(panel: &Panel) -> Self {
        Self {
            rows: 0..panel.rows,
            assets: 0..panel.assets,
        }
    }

    pub(crate) fn check(&self, panel: &Panel) -> Result<(), LinearError> {
        let remedy = "the range must lie in the panel";
        if self.rows.end > panel.rows || self.rows.start > self.rows.end {
            return Err(LinearError::BadOption {
                name: "rows",
                value: self.rows.end as f64,
                remedy,
            });
        }
        if self.assets.end > panel.assets || self.assets.start > self.assets.end {
            return Err(LinearError::BadOption {
                name: "assets",
                value: self.assets.end as f64,
                remedy,
            });
        }
        Ok(())
    }
}

/// Coefficients of every asset at every row. A assets and R rows of the range, K columns.
#[derive(Debug, Clone)]
pub struct Path {
    /// `[asset][row][column]`; NaN with too few observations, and for a column that depends on columns before it.
    pub coefficients: Vec<f64>,
    /// Variances of `coefficients`, same shape; empty when they were not asked for.
    pub variances: Vec<f64>,
    /// `[asset]`, observations in use at the last row.
    pub observations: Vec<u32>,
    /// `[asset]`, independent columns at the last row; 0 = not estimated.
    pub rank: Vec<u32>,
    /// `[asset]`, condition number of the scaled design at the last row; NaN = not estimated.
    pub condition: Vec<f64>,
    /// `[asset]`, degrees of freedom of the noise variance at the last row; NaN = not estimated.
    pub degrees_of_freedom: Vec<f64>,
}

/// What a path is made of, apart from how each asset's estimate is turned into output.
pub(crate) struct PathSetup<'a> {
    pub scheme: Scheme,
    pub min_observations: usize,
    pub market: Option<&'a [f64]>,
    pub variances: bool,
    /// Of plain estimates; a posterior has its own.
    pub errors: MovingErrors,
}

/// Where one asset's path goes.
struct Slot<'a> {
    coefficients: &'a mut [f64],
    variances: &'a mut [f64],
    last: Last,
    asset: usize,
}

/// Facts of one asset at the last row.
struct Last {
    observations: u32,
    rank: u32,
    condition: f64,
    degrees_of_freedom: f64,
}

/// One estimate on its way out: shared part, lanes, lane; and where it goes.
pub(crate) struct Output<'o> {
    pub window: &'o WindowRow,
    pub estimate: &'o Estimate,
    pub lane: usize,
    /// `[column][lane]`, in place of the homoscedastic variances.
    pub robust: Option<&'o [[f64; LANES]]>,
    pub coefficients: &'o mut [f64],
    /// Empty when variances are not wanted.
    pub variances: &'o mut [f64],
}

impl Output<'_> {
    /// The estimate as it is, with its sampling variance.
    pub(crate) fn write_plain(&mut self) {
        let k = self.coefficients.len();
        for (j, out) in self.coefficients.iter_mut().enumerate() {
            *out = if self.window.solver.kept[j] {
                self.estimate.coefficients[j * LANES + self.lane]
            } else {
                f64::NAN
            };
        }
        for (j, out) in self.variances.iter_mut().enumerate() {
            *out = match self.robust {
                _ if !self.window.solver.kept[j] => f64::NAN,
                Some(robust) => robust[j][self.lane],
                None => self.estimate.variance[self.lane] * self.window.sandwich[j * k + j],
            };
        }
    }
}

/// Runs moving regressions over a range and hands every estimate to `emit`.
///
/// `prepare` makes what `emit` needs once a row for all assets that miss the same rows.
pub(crate) fn run_path<P>(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    control: &Control,
    prepare: impl Fn(usize, &WindowRow) -> P + Sync,
    emit: impl Fn(&P, Output) + Sync,
) -> Result<Path, LinearError> {
    range.check(panel)?;
    let (rows, assets, k) = (range.rows.len(), range.assets.len(), panel.columns);
    let size = assets * rows * k;
    let mut coefficients = vec![f64::NAN; size];
    let mut variances = vec![f64::NAN; if setup.variances { size } else { 0 }];
    let stride = (rows * k).max(1);
    let mut variance_slots = variances.chunks_mut(stride);
    let mut slots: Vec<Option<Slot>> = coefficients
        .chunks_mut(stride)
        .enumerate()
        .map(|(asset, coefficients)| {
            let variances = variance_slots.next().unwrap_or_default();
            let last = Last {
                observations: 0,
                rank: 0,
                condition: f64::NAN,
                degrees_of_freedom: f64::NAN,
            };
            Some(Slot {
                coefficients,
                variances,
                last,
                asset,
            })
        })
        .collect();
    let mut facts = std::sync::Mutex::new(Vec::with_capacity(assets));
    let tasks: Vec<(Group, Vec<Slot>)> = panel
        .groups(range.assets.clone(), ASSETS_PER_TASK)
        .into_iter()
        .map(|group| {
            let own = group
                .assets
                .iter()
                .filter_map(|&asset| slots.get_mut(asset - range.assets.start)?.take());
            let own = own.collect();
            (group, own)
        })
        .collect();
    for_each(
        tasks,
        control,
        |done| control.report(done),
        |(group, mut own)| {
            run_group(panel, setup, range, group, &mut own, &prepare, &emit);
            let mut facts = facts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            facts.extend(own.into_iter().map(|slot| (slot.asset, slot.last)));
        },
    )?;
    let facts = facts.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
    facts.sort_by_key(|(asset, _)| *asset);
    Ok(Path {
        observations: facts.iter().map(|(_, last)| last.observations).collect(),
        rank: facts.iter().map(|(_, last)| last.rank).collect(),
        condition: facts.iter().map(|(_, last)| last.condition).collect(),
        degrees_of_freedom: facts.iter().map(|(_, last)| last.degrees_of_freedom).collect(),
        coefficients,
        variances,
    })
}

fn run_group<P>(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    group: Group,
    slots: &mut [Slot],
    prepare: &impl Fn(usize, &WindowRow) -> P,
    emit: &impl Fn(&P, Output),
) {
    let k = panel.columns;
    let mut lanes: Vec<Lanes> = group
        .assets
        .chunks(LANES)
        .map(|assets| Lanes::new(panel, assets, setup.scheme, setup.market))
        .collect();
    let isa = active_isa();
    let mut window = Window::new(
        panel,
        group.observed,
        setup.scheme,
        setup.min_observations,
        setup.market,
    );
    let mut start = setup.scheme.first_row(range.rows.start);
    while start < range.rows.end {
        let rows = start..(start + ROWS_PER_BLOCK).min(range.rows.end);
        start = rows.end;
        let shared: Vec<Option<Shared<P>>> = rows
            .clone()
            .map(|row| {
                window.push(row);
                let found = (row >= range.rows.start).then(|| window.evaluate()).flatten()?;
                let prepared = prepare(row, &found);
                let hac = match setup.errors {
                    MovingErrors::Hac { lags } if setup.variances => {
                        Some(MovingHac::new(panel, &window.weighted_rows(row), &found, lags))
                    }
                    _ => None,
                };
                Some(Shared {
                    window: found,
                    prepared,
                    hac,
                })
            })
            .collect();
        for (lanes, slots) in lanes.iter_mut().zip(slots.chunks_mut(LANES)) {
            let assets = lanes.assets().to_vec();
            isa.vectorise(|| {
                for (row, shared) in rows.clone().zip(&shared) {
                    lanes.push(row, &window);
                    let Some(shared) = shared else { continue };
                    let estimate = lanes.estimate(&window, &shared.window);
                    let robust = shared.hac.as_ref().map(|hac| hac.variances(panel, &assets, estimate));
                    let at = (row - range.rows.start) * k;
                    emit_lanes(shared, estimate, robust.as_deref(), slots, at..at + k, emit);
                }
            });
        }
        if let (true, Some(Some(Shared { window: shared, .. }))) = (rows.end == range.rows.end, shared.last()) {
            for slot in slots.iter_mut() {
                slot.last = Last {
                    observations: shared.observations as u32,
                    rank: shared.solver.rank() as u32,
                    condition: shared.solver.condition,
                    degrees_of_freedom: shared.degrees_of_freedom,
                };
            }
        }
    }
}

/// What all lanes of a group share at one row.
struct Shared<P> {
    window: WindowRow,
    prepared: P,
    hac: Option<MovingHac>,
}

/// Hands the estimate of every lane to `emit`.
fn emit_lanes<P>(
    shared: &Shared<P>,
    estimate: &Estimate,
    robust: Option<&[[f64; LANES]]>,
    slots: &mut [Slot],
    place: Range<usize>,
    emit: &impl Fn(&P, Output),
) {
    for (lane, slot) in slots.iter_mut().enumerate() {
        let variances = if slot.variances.is_empty() { 0..0 } else { place.clone() };
        let output = Output {
            window: &shared.window,
            estimate,
            lane,
            robust,
            coefficients: &mut slot.coefficients[place.clone()],
            variances: slot.variances.get_mut(variances).unwrap_or_default(),
        };
        emit(&shared.prepared, output);
    }
}
