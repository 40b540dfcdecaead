use std::ops::Range;

use macrograd_simd::{Control, Vectorise};

use crate::aggregate::Scheme;
use crate::lanes::{Estimate, LANES, Lanes};
use crate::moving_hac::{MovingErrors, MovingHac};
use crate::panel::Group;
use crate::parallel::{active_isa, for_each};
use crate::posterior::Posterior;
use crate::stream::{Window, WindowRow};
use crate::{LinearError, Panel, windows};

/// Fewest assets of a task, where there are as many: they pay for the factorisations that they share.
pub(crate) const ASSETS_PER_TASK: usize = 64;

/// Most assets of a task: it ends soon after a call is cancelled.
const MOST_PER_TASK: usize = 512;

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

    /// Coefficients in it.
    pub(crate) fn size(&self, panel: &Panel) -> usize {
        self.assets.len() * self.rows.len() * panel.columns
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
    /// What is known of every asset's last row.
    pub last: PathEnd,
}

/// Facts of every asset at the last row of the range.
#[derive(Debug, Clone, Default)]
pub struct PathEnd {
    /// `[asset]`, observations in use.
    pub observations: Vec<u32>,
    /// `[asset]`, independent columns; 0 = not estimated.
    pub rank: Vec<u32>,
    /// `[asset]`, condition number of the scaled design; NaN = not estimated.
    pub condition: Vec<f64>,
    /// `[asset]`, degrees of freedom of the noise variance; NaN = not estimated.
    pub degrees_of_freedom: Vec<f64>,
}

/// Where a path goes: the caller's memory, whose pages may be known already. All of it is written.
#[derive(Debug)]
pub struct PathBuffers<'a> {
    /// As [`Path::coefficients`].
    pub coefficients: &'a mut [f64],
    /// As [`Path::variances`].
    pub variances: &'a mut [f64],
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
pub(crate) struct Slot<'a> {
    pub coefficients: &'a mut [f64],
    pub variances: &'a mut [f64],
    pub last: Last,
    asset: usize,
}

impl Slot<'_> {
    /// Coefficients and variances of a place, these empty where they are not wanted.
    #[inline(always)]
    fn at(&mut self, place: Range<usize>) -> (&mut [f64], &mut [f64]) {
        let variances = self.variances.get_mut(place.clone()).unwrap_or_default();
        (&mut self.coefficients[place], variances)
    }

    fn void_dropped(&mut self, place: Range<usize>, kept: &[bool]) {
        let (coefficients, variances) = self.at(place);
        for (j, _) in kept.iter().enumerate().filter(|(_, kept)| !**kept) {
            coefficients[j] = f64::NAN;
            if let Some(variance) = variances.get_mut(j) {
                *variance = f64::NAN;
            }
        }
    }

    /// Nothing is known at a place.
    fn void(&mut self, place: Range<usize>) {
        self.coefficients[place.clone()].fill(f64::NAN);
        self.variances.get_mut(place).unwrap_or_default().fill(f64::NAN);
    }
}

/// Facts of one asset at the last row.
pub(crate) struct Last {
    observations: u32,
    rank: u32,
    condition: f64,
    degrees_of_freedom: f64,
}

/// Estimates of a block of lanes on their way out: the shared part, the lanes, and where each of them goes.
pub(crate) struct Output<'o, 's> {
    pub window: &'o WindowRow,
    pub estimate: &'o Estimate,
    /// `[column][lane]`: homoscedastic or robust.
    plain_variances: &'o [[f64; LANES]],
    slots: &'o mut [Slot<'s>],
    /// Of the row in each slot.
    place: Range<usize>,
}

impl Output<'_, '_> {
    /// The estimates as they are, with their sampling variances.
    #[inline(always)]
    pub(crate) fn write_plain(&mut self) {
        let k = self.place.len();
        let is_full = self.window.solver.rank() == k;
        let plain = &self.estimate.coefficients.as_chunks::<LANES>().0[..k];
        let plain_variances = &self.plain_variances[..k];
        for (lane, slot) in self.slots.iter_mut().take(LANES).enumerate() {
            let (coefficients, variances) = slot.at(self.place.clone());
            if variances.is_empty() {
                for (own, lanes) in coefficients.iter_mut().zip(plain) {
                    *own = lanes[lane];
                }
            } else {
                // One loop over both: it is as short as K.
                let (coefficients, variances) = (&mut coefficients[..k], &mut variances[..k]);
                for j in 0..k {
                    coefficients[j] = plain[j][lane];
                    variances[j] = plain_variances[j][lane];
                }
            }
            if !is_full {
                slot.void_dropped(self.place.clone(), &self.window.solver.kept);
            }
        }
    }

    /// Posterior means under the estimated prior; variances under a wider one, plus the squared distance between the two
    /// means: a prior variance estimated as zero would otherwise pass for knowledge. Estimates without noise as they are.
    #[inline(always)]
    pub(crate) fn write_posterior(&mut self, expected: &Posterior, wide: Option<&Posterior>) {
        let plain = self.estimate.coefficients.as_chunks::<LANES>().0;
        for (lane, slot) in self.slots.iter_mut().take(LANES).enumerate() {
            let (coefficients, variances) = slot.at(self.place.clone());
            for (j, out) in coefficients.iter_mut().enumerate() {
                let own = plain[j][lane];
                *out = if expected.is_noisy[lane] {
                    expected.mean[j][lane]
                } else {
                    own
                };
                if let (Some(wide), Some(variance)) = (wide, variances.get_mut(j)) {
                    let (other, spread) = if wide.is_noisy[lane] {
                        (wide.mean[j][lane], wide.variance[j][lane].max(0.0))
                    } else {
                        (own, self.plain_variances[j][lane])
                    };
                    *variance = spread + (*out - other).powi(2);
                }
            }
            slot.void_dropped(self.place.clone(), &self.window.solver.kept);
        }
    }
}

/// Runs moving regressions over a range and hands the estimates of every block of lanes to `emit`.
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
    in_own_memory(panel, setup, range, |buffers| {
        run_groups(panel, setup, range, buffers, control, |group, slots| {
            run_group(panel, setup, range, group, slots, &prepare, &emit);
        })
    })
}

/// [`run_plain_into`] with memory of its own.
pub(crate) fn run_plain(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    control: &Control,
) -> Result<Path, LinearError> {
    in_own_memory(panel, setup, range, |buffers| {
        run_plain_into(panel, setup, range, buffers, control, false)
    })
}

fn in_own_memory(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    run: impl FnOnce(PathBuffers) -> Result<PathEnd, LinearError>,
) -> Result<Path, LinearError> {
    range.check(panel)?;
    let size = range.size(panel);
    // Zeros come from fresh pages, which are then touched once.
    let mut coefficients = vec![0.0; size];
    let mut variances = vec![0.0; if setup.variances { size } else { 0 }];
    let buffers = PathBuffers {
        coefficients: &mut coefficients,
        variances: &mut variances,
    };
    let last = run(buffers)?;
    Ok(Path {
        coefficients,
        variances,
        last,
    })
}

/// Runs moving regressions over a range, as they are; `kept`: the buffers' pages are known.
pub(crate) fn run_plain_into(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    buffers: PathBuffers,
    control: &Control,
    kept: bool,
) -> Result<PathEnd, LinearError> {
    run_groups(panel, setup, range, buffers, control, |group, slots| {
        if windows::suit(panel, setup) {
            windows::run(panel, setup, range, group, slots, kept);
        } else {
            run_group(
                panel,
                setup,
                range,
                group,
                slots,
                &|_, _| (),
                &|(), mut output: Output| {
                    output.write_plain();
                },
            );
        }
    })
}

/// Runs assets that miss the same rows, as many at a time as a task takes, each time with the places that their results go to.
fn run_groups(
    panel: &Panel,
    setup: &PathSetup,
    range: &PathRange,
    buffers: PathBuffers,
    control: &Control,
    run: impl Fn(Group, &mut [Slot]) + Sync,
) -> Result<PathEnd, LinearError> {
    range.check(panel)?;
    let PathBuffers {
        coefficients,
        variances,
    } = buffers;
    let size = range.size(panel);
    check_length("coefficients", coefficients, size)?;
    check_length("variances", variances, if setup.variances { size } else { 0 })?;
    let assets = range.assets.len();
    let stride = (range.rows.len() * panel.columns).max(1);
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
    // Assets do not meet, so that no bit depends on where they are cut.
    let limit = assets
        .div_ceil(control.threads().max(1))
        .clamp(ASSETS_PER_TASK, MOST_PER_TASK);
    let tasks: Vec<(Group, Vec<Slot>)> = panel
        .groups(range.assets.clone(), limit)
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
            run(group, &mut own);
            let mut facts = facts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            facts.extend(own.into_iter().map(|slot| (slot.asset, slot.last)));
        },
    )?;
    let facts = facts.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
    facts.sort_by_key(|(asset, _)| *asset);
    Ok(PathEnd {
        observations: facts.iter().map(|(_, last)| last.observations).collect(),
        rank: facts.iter().map(|(_, last)| last.rank).collect(),
        condition: facts.iter().map(|(_, last)| last.condition).collect(),
        degrees_of_freedom: facts.iter().map(|(_, last)| last.degrees_of_freedom).collect(),
    })
}

fn check_length(name: &'static str, values: &[f64], expected: usize) -> Result<(), LinearError> {
    let actual = values.len();
    if actual == expected {
        return Ok(());
    }
    Err(LinearError::ShapeMismatch { name, expected, actual })
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
                let hac = MovingHac::of(panel, setup, &window, &found);
                Some(Shared {
                    window: found,
                    prepared,
                    hac,
                })
            })
            .collect();
        for (lanes, slots) in lanes.iter_mut().zip(slots.chunks_mut(LANES)) {
            isa.vectorise(Stretch {
                panel,
                range,
                window: &window,
                rows: rows.clone(),
                shared: &shared,
                lanes,
                slots,
                emit,
            });
        }
        if let (true, Some(Some(Shared { window: shared, .. }))) = (rows.end == range.rows.end, shared.last()) {
            note_last(slots, shared);
        }
    }
}

/// Notes the facts of the last row.
pub(crate) fn note_last(slots: &mut [Slot], window: &WindowRow) {
    for slot in slots {
        slot.last = Last {
            observations: window.observations as u32,
            rank: window.solver.rank() as u32,
            condition: window.solver.condition,
            degrees_of_freedom: window.degrees_of_freedom,
        };
    }
}

/// Takes one block of lanes through some rows.
struct Stretch<'s, 'p, 'o, P, E> {
    panel: &'s Panel<'s>,
    range: &'s PathRange,
    window: &'s Window<'s>,
    rows: Range<usize>,
    shared: &'s [Option<Shared<P>>],
    lanes: &'s mut Lanes<'p>,
    slots: &'s mut [Slot<'o>],
    emit: &'s E,
}

impl<P, E: Fn(&P, Output)> Vectorise for Stretch<'_, '_, '_, P, E> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let k = self.panel.columns;
        for (row, shared) in self.rows.clone().zip(self.shared) {
            self.lanes.push(row, self.window);
            // Rows before the range only fill the window.
            let Some(local) = row.checked_sub(self.range.rows.start) else {
                continue;
            };
            let place = local * k..(local + 1) * k;
            let Some(shared) = shared else {
                self.slots.iter_mut().for_each(|slot| slot.void(place.clone()));
                continue;
            };
            self.lanes.estimate(self.window, &shared.window);
            let (assets, estimate) = (self.lanes.assets(), self.lanes.latest());
            let robust = shared
                .hac
                .as_ref()
                .map(|hac| hac.variances(self.panel, assets, estimate.coefficients.as_chunks::<LANES>().0));
            let output = Output {
                window: &shared.window,
                estimate,
                plain_variances: robust.as_deref().unwrap_or(&estimate.variances),
                slots: &mut *self.slots,
                place,
            };
            (self.emit)(&shared.prepared, output);
        }
    }
}

/// What all lanes of a group share at one row.
struct Shared<P> {
    window: WindowRow,
    prepared: P,
    hac: Option<MovingHac>,
}
