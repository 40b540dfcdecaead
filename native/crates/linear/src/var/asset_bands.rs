//! Bands of assets' responses: equations that the factors do not depend on, estimated again on simulated samples.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use macrograd_simd::Control;

use super::bootstrap::{Bands, quantile};
use crate::panel::Group;
use crate::parallel::for_each;
use crate::qr::PivotedQr;
use crate::{LinearError, Panel};

/// Assets of a task, whose draws lie in memory together.
const ASSETS_PER_TASK: usize = 8;

/// Fewest draws that a band is read off; with fewer there is none.
const LEAST_DRAWS: usize = 10;

/// Returns of the assets on the rows of the series, NaN = missing, and how far back their equations reach.
#[derive(Debug, Clone, Copy)]
pub struct AssetSample<'a> {
    /// `[row][asset]`.
    pub returns: &'a [f64],
    /// Number of assets.
    pub assets: usize,
    /// Rows of factors in an equation: the return's own and the ones before it.
    pub lags: usize,
}

/// A sample of the factors, as far as the assets need it.
pub(super) struct FactorSample {
    /// Regressors, `[row][column]`, of the rows that equations are estimated on.
    pub(super) design: Vec<f64>,
    /// `[row]`: row of the data whose residuals were drawn for it, and their sign; None where the assets have none.
    pub(super) drawn: Vec<Option<(usize, f64)>>,
    /// Responses as combinations of an equation's coefficients, `[column][output]`.
    pub(super) weights: Vec<f64>,
}

/// Responses of every asset, `[asset][output]`, with percentiles over samples that all assets share: an asset's residuals
/// are drawn with the factors' of the same row, so that nothing is lost of how they move together. b* = b + (X'X)^-1 X'e*
/// on a sample's own X; the response is b* times the sample's weights. A residual that is missing leaves its row out.
///
/// `base` is the data: the residual of every row is its own.
pub(super) fn asset_bands(
    base: &FactorSample,
    samples: &[FactorSample],
    returns: &[f64],
    assets: usize,
    level: f64,
    control: &Control,
) -> Result<Bands, LinearError> {
    let rows = base.drawn.len();
    let columns = base.design.len() / rows.max(1);
    let panel = Panel::new(&base.design, returns, rows, columns, assets)?;
    let outputs = base.weights.len() / columns.max(1);
    let empty = || vec![f64::NAN; assets * outputs];
    let mut bands = Bands {
        values: empty(),
        lo: empty(),
        hi: empty(),
    };
    let groups = panel.groups(0..assets, usize::MAX);
    for (done, group) in groups.iter().enumerate() {
        control.report(done as f64 / groups.len() as f64);
        let engine = Engine::new(&panel, group, base, samples, control)?;
        let Some(engine) = engine else { continue };
        let mut chunks: Vec<(&[usize], Vec<[f64; 3]>)> = group
            .assets
            .chunks(ASSETS_PER_TASK)
            .map(|own| (own, Vec::new()))
            .collect();
        for_each(
            chunks.iter_mut().collect(),
            control,
            |_| (),
            |(own, out)| *out = engine.bands(own, level),
        )?;
        for (own, found) in chunks {
            for (&asset, found) in own.iter().zip(found.chunks_exact(outputs.max(1))) {
                for (at, [value, lo, hi]) in found.iter().enumerate() {
                    bands.values[asset * outputs + at] = *value;
                    bands.lo[asset * outputs + at] = *lo;
                    bands.hi[asset * outputs + at] = *hi;
                }
            }
        }
    }
    Ok(bands)
}

/// What all assets that miss the same rows share.
struct Engine<'a> {
    panel: &'a Panel<'a>,
    /// Rows observed.
    used: Vec<usize>,
    qr: PivotedQr,
    base: &'a FactorSample,
    /// By sample: what residuals add to the coefficients, `[column][used row]`, and the sample's weights.
    draws: Vec<(Vec<f64>, &'a [f64])>,
}

impl<'a> Engine<'a> {
    /// None where there are too few rows.
    fn new(
        panel: &'a Panel<'a>,
        group: &Group,
        base: &'a FactorSample,
        samples: &'a [FactorSample],
        control: &Control,
    ) -> Result<Option<Self>, LinearError> {
        let used: Vec<usize> = (0..panel.rows).filter(|&row| group.observed[row]).collect();
        let columns = panel.columns;
        if used.len() <= columns {
            return Ok(None);
        }
        let qr = PivotedQr::new(by_column(&base.design, &used, columns), used.len(), columns);
        if qr.rank() < columns {
            return Ok(None);
        }
        let mut place = vec![None; panel.rows];
        used.iter().enumerate().for_each(|(at, &row)| place[row] = Some(at));
        let mut draws: Vec<Option<(Vec<f64>, &[f64])>> = vec![None; samples.len()];
        for_each(
            draws.iter_mut().zip(samples).collect(),
            control,
            |_| (),
            |(out, sample)| {
                *out = influence(sample, &place, used.len(), columns).map(|own| (own, sample.weights.as_slice()));
            },
        )?;
        let draws = draws.into_iter().flatten().collect();
        Ok(Some(Self {
            panel,
            used,
            qr,
            base,
            draws,
        }))
    }

    /// Value, lower and upper end, `[asset][output]`.
    fn bands(&self, assets: &[usize], level: f64) -> Vec<[f64; 3]> {
        let (n, columns, count) = (self.used.len(), self.panel.columns, assets.len());
        let outputs = self.base.weights.len() / columns;
        let scale = (n as f64 / (n - columns) as f64).sqrt();
        // `[used row][asset]` and `[column][asset]`.
        let mut residuals = vec![0.0; n * count];
        let mut coefficients = vec![0.0; columns * count];
        for (local, &asset) in assets.iter().enumerate() {
            let y: Vec<f64> = self.used.iter().map(|&row| self.panel.value(row, asset)).collect();
            for (at, e) in self.qr.residuals(&y).into_iter().enumerate() {
                residuals[at * count + local] = scale * e;
            }
            for (j, b) in self.qr.solve(&y).into_iter().enumerate() {
                coefficients[j * count + local] = b;
            }
        }
        let values = responses(&coefficients, &self.base.weights, count, outputs);
        // `[asset][output][draw]`.
        let drawn = self.draws.len();
        let mut all = vec![0.0; count * outputs * drawn];
        for (draw, (influence, weights)) in self.draws.iter().enumerate() {
            let mut own = coefficients.clone();
            multiply(&mut own, influence, &residuals, [columns, n, count], Accum::Add);
            for (at, value) in responses(&own, weights, count, outputs).into_iter().enumerate() {
                all[at * drawn + draw] = value;
            }
        }
        let tail = (1.0 - level) / 2.0;
        values
            .into_iter()
            .enumerate()
            .map(|(at, value)| {
                if drawn < LEAST_DRAWS {
                    return [value, f64::NAN, f64::NAN];
                }
                let own = &mut all[at * drawn..(at + 1) * drawn];
                own.sort_unstable_by(f64::total_cmp);
                [value, quantile(own, tail), quantile(own, 1.0 - tail)]
            })
            .collect()
    }
}

/// (X'X)^-1 X' of a sample, gathered by the row that each residual came from, `[column][used row]`; None where the
/// sample's regressors depend on each other.
fn influence(sample: &FactorSample, place: &[Option<usize>], n: usize, columns: usize) -> Option<Vec<f64>> {
    // Rows of the sample whose residual the assets have, where it lies among the used ones, and its sign.
    let (rows, sources): (Vec<usize>, Vec<(usize, f64)>) = sample
        .drawn
        .iter()
        .enumerate()
        .filter_map(|(row, drawn)| {
            let (source, sign) = (*drawn)?;
            Some((row, (place[source]?, sign)))
        })
        .unzip();
    if rows.len() <= columns {
        return None;
    }
    let qr = PivotedQr::new(by_column(&sample.design, &rows, columns), rows.len(), columns);
    if qr.rank() < columns {
        return None;
    }
    // R^-1 Q', `[column][row]`: q is `[column][row]`, r_inverse `[column][column]`.
    let mut projection = vec![0.0; columns * rows.len()];
    multiply(
        &mut projection,
        &qr.r_inverse,
        &qr.q,
        [columns, columns, rows.len()],
        Accum::Replace,
    );
    let mut out = vec![0.0; columns * n];
    for (out, own) in out.chunks_exact_mut(n).zip(projection.chunks_exact(rows.len())) {
        for (value, (source, sign)) in own.iter().zip(&sources) {
            out[*source] += sign * value;
        }
    }
    Some(out)
}

/// `[asset][output]` out of coefficients `[column][asset]` and weights `[column][output]`.
fn responses(coefficients: &[f64], weights: &[f64], assets: usize, outputs: usize) -> Vec<f64> {
    let columns = coefficients.len() / assets.max(1);
    let mut out = vec![0.0; assets * outputs];
    matmul(
        MatMut::from_row_major_slice_mut(&mut out, assets, outputs),
        Accum::Replace,
        MatRef::from_row_major_slice(coefficients, columns, assets).transpose(),
        MatRef::from_row_major_slice(weights, columns, outputs),
        1.0,
        Par::Seq,
    );
    out
}

/// `[m][n]` (+)= `[m][k]` `[k][n]`, sizes m, k, n.
fn multiply(out: &mut [f64], a: &[f64], b: &[f64], [m, k, n]: [usize; 3], accumulate: Accum) {
    matmul(
        MatMut::from_row_major_slice_mut(out, m, n),
        accumulate,
        MatRef::from_row_major_slice(a, m, k),
        MatRef::from_row_major_slice(b, k, n),
        1.0,
        Par::Seq,
    );
}

/// Some rows of `[row][column]` as `[column][row]`.
fn by_column(design: &[f64], rows: &[usize], columns: usize) -> Vec<f64> {
    (0..columns)
        .flat_map(|j| rows.iter().map(move |&row| design[row * columns + j]))
        .collect()
}

/// `[row][1, series at the row, series one row before, ...]` for the rows from `first` on.
pub(super) fn lagged_rows(series: &[f64], k: usize, lags: usize, first: usize) -> Vec<f64> {
    let rows = series.len() / k;
    let mut out = Vec::with_capacity((rows - first) * (1 + lags * k));
    for t in first..rows {
        out.push(1.0);
        (0..lags).for_each(|lag| out.extend_from_slice(&series[(t - lag) * k..(t - lag + 1) * k]));
    }
    out
}

/// Checks the sizes of the assets' returns.
pub(super) fn check_assets(sample: &AssetSample, rows: usize) -> Result<(), LinearError> {
    let expected = rows * sample.assets;
    if sample.returns.len() != expected {
        return Err(LinearError::ShapeMismatch {
            name: "returns",
            expected,
            actual: sample.returns.len(),
        });
    }
    if sample.lags == 0 || sample.lags > rows / 2 {
        return Err(LinearError::BadOption {
            name: "lags",
            value: sample.lags as f64,
            remedy: "give at least the return's own row, and at most half of the rows",
        });
    }
    Ok(())
}
