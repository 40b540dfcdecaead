use std::ops::Range;

use macrograd_simd::Control;

use crate::lanes::{Advance, Estimate, LANES, Lanes};
use crate::moving::Moving;
use crate::parallel::{active_isa, for_each};
use crate::path::ASSETS_PER_TASK;
use crate::shrink::{Belief, MarketEvidence, Spread, paule_mandel, precision};
use crate::stream::{Window, WindowRow};
use crate::{LinearError, Panel};

/// Fewest assets from which a cross-section is estimated; below, coefficients are shrunk to zero alone.
const MIN_ASSETS: usize = 4;

/// Prior variance of a column that is not shrunk to zero, in units of its squared estimate plus sampling variance:
/// flat for all purposes, and small enough that inverses keep 12 digits.
const FLAT: f64 = 1e4;

/// Rows between two reductions over assets: bounds the memory at rows x assets x columns x 32 bytes.
const ROWS_PER_CHUNK: usize = 16;

/// Cross-section of moving regressions at every row, each from data up to that row. T rows, K columns.
///
/// beta_i ~ N(m, diag tau2), m_j ~ N(0, gamma2) for columns that are shrunk to zero.
///
/// tau2 comes from each asset's *deviation* from the market (the mean of all assets): the residual that assets share
/// moves all their estimates together and says nothing about how far their true coefficients lie apart. Its sampling
/// variance is that of the regression of r_i - r_m. gamma2 pools the columns of the market's own regression. Both by
/// the estimating equation of Paule and Mandel (1982), at every row from data up to that row.
#[derive(Debug, Clone)]
pub struct CrossSection {
    /// `[row]`: mean return over the assets observed at the row; NaN where none is.
    pub market: Vec<f64>,
    /// `[row][column]`: variance of the true coefficients over assets; NaN before the first estimate.
    pub tau2: Vec<f64>,
    /// `[row]`: variance of the mean coefficients around zero.
    pub gamma2: Vec<f64>,
    /// `[row][column]`: standard errors of `tau2`.
    pub tau2_error: Vec<f64>,
    /// `[row]`: standard errors of `gamma2`.
    pub gamma2_error: Vec<f64>,
    /// `[row]`: assets with an estimate. Below 4 there is no cross-section: then beta_i ~ N(0, gamma2) and `tau2` is 0
    /// but for columns that are not shrunk.
    pub assets: Vec<u32>,
}

/// (u, v): deviation from the market's coefficient; (b, s): the coefficient itself; each with its sampling variance.
type Evidence = [(f64, f64); 2];

struct PriorTask<'a> {
    window: Window<'a>,
    lanes: Vec<Lanes<'a>>,
    /// `[row of the chunk]`: empty, or `[asset][column]`.
    evidence: Vec<Vec<Evidence>>,
}

/// What all assets say at one row.
#[derive(Debug, Clone)]
struct RowSpread {
    tau2: Vec<Spread>,
    gamma2: Spread,
    assets: usize,
}

impl CrossSection {
    /// Refuses one of another panel.
    pub(crate) fn check(&self, panel: &Panel) -> Result<(), LinearError> {
        let cells = panel.rows * panel.columns;
        let lengths = [
            ("prior.market", self.market.len(), panel.rows),
            ("prior.tau2", self.tau2.len(), cells),
            ("prior.gamma2", self.gamma2.len(), panel.rows),
            ("prior.tau2_error", self.tau2_error.len(), cells),
            ("prior.gamma2_error", self.gamma2_error.len(), panel.rows),
            ("prior.assets", self.assets.len(), panel.rows),
        ];
        match lengths.into_iter().find(|(_, actual, expected)| actual != expected) {
            Some((name, actual, expected)) => Err(LinearError::ShapeMismatch { name, expected, actual }),
            None => Ok(()),
        }
    }

    /// With its precision times `strength`, for posterior means: upper ends of the variances play no part in these.
    pub(crate) fn sharpened(&self, strength: f64) -> Self {
        let scaled = |values: &[f64]| values.iter().map(|value| value / strength).collect();
        Self {
            tau2: scaled(&self.tau2),
            gamma2: scaled(&self.gamma2),
            ..self.clone()
        }
    }

    fn store(&mut self, row: usize, spread: &RowSpread) {
        let k = spread.tau2.len();
        for (j, tau2) in spread.tau2.iter().enumerate() {
            self.tau2[row * k + j] = tau2.variance;
            self.tau2_error[row * k + j] = tau2.error;
        }
        self.gamma2[row] = spread.gamma2.variance;
        self.gamma2_error[row] = spread.gamma2.error;
        self.assets[row] = spread.assets as u32;
    }
}

/// Estimates the cross-section at each wanted row from all assets of the panel; nothing is known at other rows.
pub(crate) fn cross_section(
    panel: &Panel,
    moving: &Moving,
    wanted: Range<usize>,
    control: &Control,
) -> Result<CrossSection, LinearError> {
    let k = panel.columns;
    let market = market_returns(panel);
    let mut prior = CrossSection {
        tau2: vec![f64::NAN; panel.rows * k],
        gamma2: vec![f64::NAN; panel.rows],
        tau2_error: vec![f64::NAN; panel.rows * k],
        gamma2_error: vec![f64::NAN; panel.rows],
        assets: vec![0; panel.rows],
        market: Vec::new(),
    };
    let evidence = market_path(panel, moving, &market);
    let mut tasks = prior_tasks(panel, moving, &market);
    let first_needed = moving.scheme.first_row(wanted.start);
    for first in (first_needed..wanted.end).step_by(ROWS_PER_CHUNK) {
        let rows = first..wanted.end.min(first + ROWS_PER_CHUNK);
        let advance = |task: &mut PriorTask| advance(task, rows.clone(), wanted.start, k);
        for_each(tasks.iter_mut().collect(), control, |_| (), advance)?;
        let mut spreads: Vec<Option<RowSpread>> = vec![None; rows.len()];
        let outputs = spreads.iter_mut().enumerate().collect();
        let reduce = |(at, out): (usize, &mut Option<RowSpread>)| {
            let pairs: Vec<&[Evidence]> = tasks.iter().map(|task| &*task.evidence[at]).collect();
            *out = reduce(&pairs, evidence[first + at].as_ref(), moving, k);
        };
        for_each(outputs, control, |_| (), reduce)?;
        for (row, spread) in rows.clone().zip(&spreads) {
            if let Some(spread) = spread {
                prior.store(row, spread);
            }
        }
        control.report(rows.end as f64 / wanted.end as f64);
    }
    drop(tasks);
    prior.market = market;
    Ok(prior)
}

/// What to believe at each row before looking at an asset, with the variances `errors` standard errors above their
/// estimates; `None` before the first estimate.
pub(crate) fn beliefs(panel: &Panel, moving: &Moving, prior: &CrossSection, errors: f64) -> Vec<Option<Belief>> {
    let k = panel.columns;
    market_path(panel, moving, &prior.market)
        .iter()
        .enumerate()
        .map(|(row, market)| {
            let count = prior.assets[row] as usize;
            let tau2: Vec<f64> = (row * k..(row + 1) * k)
                .map(|at| prior.tau2[at] + errors * prior.tau2_error[at])
                .collect();
            let pooled = prior.gamma2[row] + errors * prior.gamma2_error[row];
            let penalised = |j: usize| if moving.is_free(j) { 0.0 } else { pooled };
            if count == 0 {
                return None;
            }
            if count < MIN_ASSETS {
                let total = (0..k).map(|j| tau2[j] + penalised(j)).collect();
                return Some(Belief {
                    total,
                    shared: vec![0.0; k],
                    market: None,
                });
            }
            let (window, coefficients, variance) = market.as_ref()?;
            let gamma2 = |j: usize| {
                let spread = coefficients[j].powi(2) + variance * window.sandwich[j * k + j];
                if moving.is_free(j) { FLAT * spread } else { penalised(j) }
            };
            let total = (0..k).map(|j| gamma2(j) + tau2[j]).collect();
            let shared: Vec<f64> = (0..k).map(|j| gamma2(j) + tau2[j] / count as f64).collect();
            let market = MarketEvidence {
                precision: precision(&shared, *variance, window)?,
                coefficients: coefficients.clone(),
                variance: *variance,
                inverse: window.solver.inverse.clone(),
            };
            Some(Belief {
                total,
                shared,
                market: Some(market),
            })
        })
        .collect()
}

fn market_returns(panel: &Panel) -> Vec<f64> {
    (0..panel.rows)
        .map(|row| {
            let values = &panel.returns[row * panel.assets..(row + 1) * panel.assets];
            let (sum, count) = values
                .iter()
                .filter(|value| !value.is_nan())
                .fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
            if count == 0 { f64::NAN } else { sum / count as f64 }
        })
        .collect()
}

type MarketRow = (WindowRow, Vec<f64>, f64);

/// The market's own moving regression: shared part, coefficients and noise variance at every row.
fn market_path(panel: &Panel, moving: &Moving, market: &[f64]) -> Vec<Option<MarketRow>> {
    let own = Panel {
        returns: market,
        assets: 1,
        ..*panel
    };
    let observed: Vec<bool> = own
        .complete_rows()
        .iter()
        .zip(market)
        .map(|(&row, m)| row && !m.is_nan())
        .collect();
    let mut window = Window::new(&own, observed, moving.scheme, moving.min_observations, None);
    let mut lanes = Lanes::new(&own, &[0], moving.scheme, None);
    (0..panel.rows)
        .map(|row| {
            window.push(row);
            lanes.push(row, &window);
            let shared = window.evaluate()?;
            lanes.estimate(&window, &shared);
            let estimate = lanes.latest();
            let coefficients = estimate.coefficients.iter().step_by(LANES).copied().collect();
            let variance = estimate.variance[0].max(0.0);
            Some((shared, coefficients, variance))
        })
        .collect()
}

fn prior_tasks<'a>(panel: &'a Panel<'a>, moving: &Moving, market: &'a [f64]) -> Vec<PriorTask<'a>> {
    let groups = panel.groups(0..panel.assets, ASSETS_PER_TASK);
    groups
        .into_iter()
        .map(|group| PriorTask {
            lanes: group
                .assets
                .chunks(LANES)
                .map(|assets| Lanes::new(panel, assets, moving.scheme, Some(market)))
                .collect(),
            window: Window::new(
                panel,
                group.observed,
                moving.scheme,
                moving.min_observations,
                Some(market),
            ),
            evidence: Vec::new(),
        })
        .collect()
}

/// Takes a task on by some rows; evidence is gathered from `wanted` on.
fn advance(task: &mut PriorTask, rows: Range<usize>, wanted: usize, k: usize) {
    task.evidence.clear();
    let isa = active_isa();
    for row in rows {
        task.window.push(row);
        let shared = (row >= wanted).then(|| task.window.evaluate()).flatten();
        isa.vectorise(Advance {
            lanes: &mut task.lanes,
            window: &task.window,
            row,
            shared: shared.as_ref(),
        });
        let mut out = Vec::new();
        if let Some(shared) = &shared {
            for lanes in &task.lanes {
                let estimate = lanes.latest();
                (0..lanes.assets().len()).for_each(|lane| collect(shared, estimate, lane, k, &mut out));
            }
        }
        task.evidence.push(out);
    }
}

fn collect(shared: &WindowRow, estimate: &Estimate, lane: usize, k: usize, out: &mut Vec<Evidence>) {
    let own = estimate.variance[lane].max(0.0);
    // Noise variance of r_i - r_m on the same rows.
    let apart = (own - 2.0 * estimate.market_covariance[lane] + shared.market_variance).max(0.0);
    for j in 0..k {
        if !shared.solver.kept[j] {
            out.push([(f64::NAN, f64::NAN); 2]);
            continue;
        }
        let (b, s) = (estimate.coefficients[j * LANES + lane], shared.sandwich[j * k + j]);
        out.push([(b - shared.market_coefficients[j], apart * s), (b, own * s)]);
    }
}

fn reduce(pairs: &[&[Evidence]], market: Option<&MarketRow>, moving: &Moving, k: usize) -> Option<RowSpread> {
    let assets = pairs.iter().map(|task| task.len()).sum::<usize>() / k.max(1);
    let column = |j: usize, which: usize| -> Vec<(f64, f64)> {
        let values = pairs.iter().flat_map(|task| task.iter().skip(j).step_by(k));
        values
            .map(|evidence| evidence[which])
            .filter(|(u, _)| !u.is_nan())
            .collect()
    };
    if assets == 0 {
        return None;
    }
    let penalised = |j: &usize| !moving.is_free(*j);
    if assets < MIN_ASSETS {
        let pooled: Vec<(f64, f64)> = (0..k).filter(penalised).flat_map(|j| column(j, 1)).collect();
        let gamma2 = paule_mandel(&pooled, pooled.len() as f64);
        let flat = |j: usize| FLAT * column(j, 1).iter().fold(0.0_f64, |m, (b, s)| m.max(b * b + s));
        let variance = |j: usize| if moving.is_free(j) { flat(j) } else { 0.0 };
        let tau2 = (0..k)
            .map(|j| Spread {
                variance: variance(j),
                error: 0.0,
            })
            .collect();
        return Some(RowSpread { tau2, gamma2, assets });
    }
    // One degree of freedom goes to the market, the mean that deviations are taken from.
    let between = |j: usize| -> Spread {
        let deviations = column(j, 0);
        paule_mandel(&deviations, deviations.len() as f64 - 1.0)
    };
    let tau2: Vec<Spread> = (0..k).map(between).collect();
    let pooled: Vec<(f64, f64)> = market.map_or_else(Vec::new, |(window, coefficients, variance)| {
        let sampling = |j: usize| variance * window.sandwich[j * k + j] + tau2[j].variance / assets as f64;
        let kept = (0..k).filter(penalised).filter(|&j| window.solver.kept[j]);
        kept.map(|j| (coefficients[j], sampling(j))).collect()
    });
    let gamma2 = paule_mandel(&pooled, pooled.len() as f64);
    Some(RowSpread { tau2, gamma2, assets })
}
