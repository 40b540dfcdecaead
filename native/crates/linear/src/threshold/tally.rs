use super::interval::{Evidence, region};
use super::splits::{Grid, Lane, System};
use super::{ThresholdFit, ThresholdOptions};
use crate::Panel;
use crate::lanes::LANES;
use crate::panel::Group;

/// Wald statistics summed over assets: of the data and of every bootstrap sample.
pub(super) struct Tally {
    /// `[point]`.
    data: Vec<f64>,
    /// `[replication][point]`.
    samples: Vec<f64>,
    assets: usize,
}

/// What one group of assets brings.
pub(super) struct GroupResult {
    /// In the order of the group's assets.
    pub fits: Vec<ThresholdFit>,
    pub pooled: Tally,
}

impl Tally {
    pub(super) fn new(points: usize, replications: usize) -> Self {
        Self {
            data: vec![0.0; points],
            samples: vec![0.0; points * replications],
            assets: 0,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        let add = |own: &mut [f64], other: &[f64]| own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        add(&mut self.data, &other.data);
        add(&mut self.samples, &other.samples);
        self.assets += other.assets;
    }

    /// The point with the largest sum, its p-value, no interval yet.
    pub(super) fn best(&self, grid: &Grid) -> ThresholdFit {
        let points = self.data.len();
        if self.assets == 0 || points == 0 {
            return ThresholdFit::NONE;
        }
        let point = largest(&self.data);
        let suprema = self.samples.chunks_exact(points).map(|sample| sample[largest(sample)]);
        fit(grid, point, self.data[point], suprema)
    }
}

/// First place of the largest value.
fn largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = at;
        }
    }
    best
}

fn fit(grid: &Grid, point: usize, statistic: f64, suprema: impl ExactSizeIterator<Item = f64>) -> ThresholdFit {
    let (variable, place) = grid.at(point);
    let threshold = grid.values[variable][place];
    let count = suprema.len();
    let as_large = suprema.filter(|&sample| sample >= statistic).count();
    let p_value = if count == 0 {
        f64::NAN
    } else {
        (1 + as_large) as f64 / (1 + count) as f64
    };
    ThresholdFit {
        variable,
        threshold,
        statistic,
        p_value,
        ..ThresholdFit::NONE
    }
}

/// Thresholds of every asset of a group, and what it adds to the pooled statistics.
pub(super) fn tally_group(
    panel: &Panel,
    options: &ThresholdOptions,
    grid: &Grid,
    noise: &[f64],
    group: &Group,
) -> GroupResult {
    let points = grid.points();
    let mut pooled = Tally::new(points, options.replications);
    let observed = group.observed.iter().filter(|&&seen| seen).count();
    let nothing = || vec![ThresholdFit::NONE; group.assets.len()];
    if observed < options.min_observations || points == 0 {
        return GroupResult {
            fits: nothing(),
            pooled,
        };
    }
    let system = System::new(panel, options, grid, &group.observed);
    if system.rank == 0 || observed < 2 * system.rank + 2 {
        return GroupResult {
            fits: nothing(),
            pooled,
        };
    }
    let bench = Bench {
        options,
        grid,
        noise,
        system: &system,
        rows: panel.rows,
    };
    let fits = group
        .assets
        .iter()
        .map(|&asset| bench.fit_asset(&system.residuals(panel, asset), &mut pooled))
        .collect();
    GroupResult { fits, pooled }
}

/// What the assets of a group are tested with.
struct Bench<'a> {
    options: &'a ThresholdOptions<'a>,
    grid: &'a Grid,
    noise: &'a [f64],
    system: &'a System,
    /// Rows of the panel.
    rows: usize,
}

impl Bench<'_> {
    fn fit_asset(&self, residuals: &[f64], pooled: &mut Tally) -> ThresholdFit {
        let reductions = reductions_of(self.system, residuals, self.grid.points());
        let squares: f64 = residuals.iter().map(|e| e * e).sum();
        let own: Vec<f64> = reductions
            .iter()
            .map(|&reduction| self.wald(squares, reduction))
            .collect();
        let best = largest(&own);
        let (variable, place) = self.grid.at(best);
        let Some(apart) = self
            .system
            .apart(variable, place, residuals)
            .filter(|_| own[best] > 0.0)
        else {
            return ThresholdFit::NONE;
        };
        pooled.assets += 1;
        pooled.data.iter_mut().zip(&own).for_each(|(sum, own)| *sum += own);
        let suprema = self.bootstrap(&apart.residuals, pooled);
        let found = fit(self.grid, best, own[best], suprema.into_iter());
        let values = &self.grid.values[variable];
        let first = self.grid.first_point(variable);
        let mut evidence = Evidence::new(values.len(), self.rows);
        evidence.add(self.system, &apart, &reductions[first..first + values.len()], place);
        let variable = &self.options.variables[variable * self.rows..(variable + 1) * self.rows];
        let region = region(
            &evidence,
            variable,
            (values, self.grid.thinned[found.variable]),
            found.threshold,
            self.options,
        );
        ThresholdFit { region, ..found }
    }

    /// `[replication]`: largest statistic of samples in which nothing changes.
    fn bootstrap(&self, residuals: &[f64], pooled: &mut Tally) -> Vec<f64> {
        let points = self.grid.points();
        let mut suprema = vec![0.0_f64; self.options.replications];
        let mut series: Vec<Lane> = vec![[0.0; LANES]; residuals.len()];
        let mut reductions = vec![[0.0; LANES]; points];
        for (block, suprema) in suprema.chunks_mut(LANES).enumerate() {
            let first = block * LANES;
            for ((series, &row), e) in series.iter_mut().zip(&self.system.rows).zip(residuals) {
                for (lane, value) in series.iter_mut().take(suprema.len()).enumerate() {
                    *value = e * self.noise[(first + lane) * self.rows + row];
                }
            }
            let squares = self.system.project(&mut series);
            self.system.reductions(&series, &mut reductions);
            for (lane, supremum) in suprema.iter_mut().enumerate() {
                let sums = &mut pooled.samples[(first + lane) * points..(first + lane + 1) * points];
                for (sum, reduction) in sums.iter_mut().zip(&reductions) {
                    let value = self.wald(squares[lane], reduction[lane]);
                    *sum += value;
                    *supremum = supremum.max(value);
                }
            }
        }
        suprema
    }

    /// n - 2k times the share of the squares that a threshold explains over the share that it leaves.
    fn wald(&self, squares: f64, reduction: f64) -> f64 {
        let left = squares - reduction;
        let df = self.system.rows.len() as f64 - 2.0 * self.system.rank as f64;
        if left > 0.0 { df * reduction / left } else { 0.0 }
    }
}

/// `[point]`, of one series of residuals.
pub(super) fn reductions_of(system: &System, residuals: &[f64], points: usize) -> Vec<f64> {
    let series: Vec<Lane> = residuals.iter().map(|&e| [e; LANES]).collect();
    let mut out = vec![[0.0; LANES]; points];
    system.reductions(&series, &mut out);
    out.iter().map(|lane| lane[0]).collect()
}
