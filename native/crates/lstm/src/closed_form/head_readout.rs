//! Predictions and exposures of many assets from features and heads.

use std::collections::HashMap;
use std::ops::Range;

use faer::{Accum, Mat, MatRef};
use macrograd_simd::{Control, parallel_for_each};

use super::dense::multiply;
use crate::error::{LstmError, check_length};

/// What the sample variance of the members' values counts in the variance of their mean: members leave one of G = 5
/// groups of row blocks out each, and a grouped jackknife gives (G - 1)^2 / G to that variance (docs/methods/lstm.md).
pub const SPREAD_WEIGHT: f64 = 3.2;

/// One member's heads, for [`predictions`] and [`exposures`].
#[derive(Debug, Clone, Copy)]
pub struct MemberHeads<'a> {
    /// Features or their derivatives, `[row][feature]`.
    pub features: &'a [f64],
    /// `[asset][feature]`.
    pub heads: &'a [f64],
    /// Covariances of the heads.
    pub covariance: HeadCovariance<'a>,
}

/// The covariance of every head in the form of [`super::Heads`]; all empty where no variance is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadCovariance<'a> {
    /// C, `[group][feature][feature]`.
    pub group: &'a [f64],
    /// u, `[group][direction][feature]`; empty where C is all.
    pub basis: &'a [f64],
    /// v, `[asset][1 + direction]`; empty for 1 and no direction.
    pub asset: &'a [f64],
}

impl<'a> MemberHeads<'a> {
    /// One member's arrays for `assets` assets and `feature_count` features.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`].
    pub fn new(
        features: &'a [f64],
        heads: &'a [f64],
        covariance: HeadCovariance<'a>,
        feature_count: usize,
        assets: usize,
    ) -> Result<Self, LstmError> {
        if feature_count == 0 {
            return Err(LstmError::ZeroSize { name: "feature_count" });
        }
        let whole = |length: usize, unit: usize| length / unit * unit;
        check_length("features", features.len(), whole(features.len(), feature_count))?;
        check_length("heads", heads.len(), assets * feature_count)?;
        let square = feature_count * feature_count;
        let groups = covariance.group.len() / square;
        check_length("head_covariance", covariance.group.len(), groups * square)?;
        let directions = covariance.basis.len() / (groups * feature_count).max(1);
        check_length(
            "head_basis",
            covariance.basis.len(),
            groups * feature_count * directions,
        )?;
        if directions > 0 || !covariance.asset.is_empty() {
            check_length("head_variances", covariance.asset.len(), assets * (1 + directions))?;
        }
        Ok(Self {
            features,
            heads,
            covariance,
        })
    }
}

/// How standardised returns become decimals, and which covariance belongs to which asset.
#[derive(Debug, Clone, Copy)]
pub struct AssetScale<'a> {
    /// Added to predictions, one an asset.
    pub mean: &'a [f64],
    /// Multiplies everything, one an asset.
    pub sd: &'a [f64],
    /// Group of each asset; negative for none.
    pub group: &'a [i32],
}

/// Predicted returns averaged over members, `[row][asset]`.
#[must_use]
pub fn predictions(members: &[MemberHeads<'_>], feature_count: usize, scale: AssetScale<'_>) -> Vec<f64> {
    let assets = scale.sd.len();
    let rows = members.first().map_or(0, |m| m.features.len() / feature_count);
    let mut total = Mat::zeros(assets, rows);
    for member in members {
        let heads = MatRef::from_row_major_slice(member.heads, assets, feature_count);
        let features = MatRef::from_row_major_slice(member.features, rows, feature_count);
        multiply(total.as_mut(), Accum::Add, heads, features.transpose(), 1.0);
    }
    let count = members.len() as f64;
    (0..rows)
        .flat_map(|row| (0..assets).map(move |asset| (row, asset)))
        .map(|(row, asset)| scale.mean[asset] + scale.sd[asset] * total[(asset, row)] / count)
        .collect()
}

/// Exposures averaged over members and their variance, both `[asset][row]`, in decimals.
///
/// Variance = mean over members of the heads' posterior variance + [`SPREAD_WEIGHT`] times the sample variance of the
/// members' values. NaN for an asset without a covariance of its heads. The same bits for any number of threads.
///
/// # Errors
/// [`LstmError::Cancelled`] when `control` says so.
pub fn exposures(
    members: &[MemberHeads<'_>],
    feature_count: usize,
    scale: AssetScale<'_>,
    control: &Control,
) -> Result<(Vec<f64>, Vec<f64>), LstmError> {
    let distinct = DistinctRows::new(members, feature_count);
    let Some(distinct) = distinct.filter(|distinct| 2 * distinct.rows.len() < distinct.place.len()) else {
        return exposures_of_rows(members, feature_count, scale, control);
    };
    let features: Vec<Vec<f64>> = members
        .iter()
        .map(|member| distinct.gather(member.features, feature_count))
        .collect();
    let few: Vec<MemberHeads<'_>> = members
        .iter()
        .zip(&features)
        .map(|(member, features)| MemberHeads { features, ..*member })
        .collect();
    let part = control.for_part(control.threads());
    let (mean, variance) = exposures_of_rows(&few, feature_count, scale, &part)?;
    distinct.spread(&mean, &variance, control)
}

/// Rows after which a search for rows that repeat is given up.
const PROBE_ROWS: usize = 4096;

/// Rows of features apart from those that are the same in all members: where a window ends before the lag filters do,
/// derivatives at the lags between do not depend on the date.
struct DistinctRows {
    /// Of the features, in order of their first appearance.
    rows: Vec<usize>,
    /// Of every row, where among `rows` the same numbers stand.
    place: Vec<u32>,
}

impl DistinctRows {
    /// `None` where there are no rows, or where most of the first ones differ.
    fn new(members: &[MemberHeads<'_>], size: usize) -> Option<Self> {
        let count = members.first()?.features.len() / size;
        let mut known: HashMap<u64, u32> = HashMap::with_capacity(count / 4);
        let mut out = Self {
            rows: Vec::new(),
            place: Vec::with_capacity(count),
        };
        for row in 0..count {
            if row == PROBE_ROWS && 2 * out.rows.len() > row {
                return None;
            }
            let numbers = |row: usize| members.iter().map(move |m| &m.features[row * size..(row + 1) * size]);
            let next = out.rows.len() as u32;
            let place = *known.entry(hash(numbers(row))).or_insert(next);
            let is_same = place < next
                && numbers(row)
                    .zip(numbers(out.rows[place as usize]))
                    .all(|(a, b)| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()));
            if !is_same {
                out.rows.push(row);
            }
            out.place.push(if is_same { place } else { next });
        }
        Some(out)
    }

    fn gather(&self, features: &[f64], size: usize) -> Vec<f64> {
        let rows = self.rows.iter().map(|&row| &features[row * size..(row + 1) * size]);
        rows.flatten().copied().collect()
    }

    /// Writes the numbers of the distinct rows, `[asset][distinct]`, to all rows.
    fn spread(&self, mean: &[f64], variance: &[f64], control: &Control) -> Result<(Vec<f64>, Vec<f64>), LstmError> {
        let (few, all) = (self.rows.len(), self.place.len());
        let assets = mean.len() / few;
        let mut out = (vec![0.0; assets * all], vec![0.0; assets * all]);
        let to = out.0.chunks_mut(all).zip(out.1.chunks_mut(all));
        let from = mean.chunks(few).zip(variance.chunks(few));
        let mut threads = vec![(); control.threads()];
        let items: Vec<_> = to.zip(from).collect();
        parallel_for_each(
            control,
            items.into_iter(),
            &mut threads,
            |(), ((to, to_variance), (mean, variance))| {
                for ((to, to_variance), &place) in to.iter_mut().zip(to_variance).zip(&self.place) {
                    *to = mean[place as usize];
                    *to_variance = variance[place as usize];
                }
            },
        )?;
        Ok(out)
    }
}

/// A number that rows with the same bits share; others may too.
fn hash<'a>(rows: impl Iterator<Item = &'a [f64]>) -> u64 {
    let mix = |sum: u64, x: &f64| (sum.rotate_left(5) ^ x.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    rows.flatten().fold(0, mix)
}

/// As [`exposures`], every row by itself.
fn exposures_of_rows(
    members: &[MemberHeads<'_>],
    feature_count: usize,
    scale: AssetScale<'_>,
    control: &Control,
) -> Result<(Vec<f64>, Vec<f64>), LstmError> {
    let assets = scale.sd.len();
    let rows = members.first().map_or(0, |m| m.features.len() / feature_count);
    let (mut mean, mut variance) = (vec![0.0; assets * rows], vec![0.0; assets * rows]);
    let tile = TILE_ASSETS * rows.max(1);
    let mut scratch: Vec<Tile> = (0..control.threads()).map(|_| Tile::new(feature_count)).collect();
    let blocks = mean.chunks_mut(tile).zip(variance.chunks_mut(tile)).enumerate();
    parallel_for_each(control, blocks, &mut scratch, |tile, (block, (mean, variance))| {
        let first = block * TILE_ASSETS;
        for start in (0..rows).step_by(TILE_ROWS) {
            tile.compute(
                members,
                scale.group,
                first..first + mean.len() / rows,
                start..rows.min(start + TILE_ROWS),
            );
            tile.write(members.len() as f64, &scale.sd[first..], start, rows, mean, variance);
        }
    })?;
    Ok((mean, variance))
}

/// Assets and rows of a tile: four tiles of numbers stay in the second-level cache, and what a row needs for all assets
/// of a group is computed once a tile.
const TILE_ASSETS: usize = 128;
const TILE_ROWS: usize = 64;

/// Sums over members of one tile, all `[row][asset]`.
struct Tile {
    sum: Mat<f64>,
    square: Mat<f64>,
    /// Of the heads; NaN where no member has a covariance.
    posterior: Mat<f64>,
    values: Mat<f64>,
    /// Features times a group's covariance, `[row][feature]`.
    product: Mat<f64>,
    rows: usize,
}

impl Tile {
    fn new(feature_count: usize) -> Self {
        let tile = || Mat::zeros(TILE_ROWS, TILE_ASSETS);
        Self {
            sum: tile(),
            square: tile(),
            posterior: tile(),
            values: tile(),
            product: Mat::zeros(TILE_ROWS, feature_count),
            rows: 0,
        }
    }

    fn compute(&mut self, members: &[MemberHeads<'_>], groups: &[i32], assets: Range<usize>, rows: Range<usize>) {
        self.rows = rows.len();
        self.sum.fill(0.0);
        self.square.fill(0.0);
        self.posterior.fill(f64::NAN);
        let size = self.product.ncols();
        for member in members {
            let heads = &member.heads[assets.start * size..assets.end * size];
            let heads = MatRef::from_row_major_slice(heads, assets.len(), size);
            let features = &member.features[rows.start * size..rows.end * size];
            let features = MatRef::from_row_major_slice(features, rows.len(), size);
            let values = self.values.submatrix_mut(0, 0, rows.len(), assets.len());
            multiply(values, Accum::Replace, features, heads.transpose(), 1.0);
            for asset in 0..assets.len() {
                let values = self.values.col(asset);
                let sums = self
                    .sum
                    .col_mut(asset)
                    .iter_mut()
                    .zip(self.square.col_mut(asset).iter_mut());
                for (value, (sum, square)) in values.iter().zip(sums) {
                    *sum += value;
                    *square += value * value;
                }
            }
            self.add_head_variances(&member.covariance, features, groups, assets.clone());
        }
    }

    /// Adds `x' Var(c_i) x` of every row x; NaN counts as 0 there.
    fn add_head_variances(
        &mut self,
        covariance: &HeadCovariance<'_>,
        features: MatRef<'_, f64>,
        groups: &[i32],
        assets: Range<usize>,
    ) {
        let (rows, size) = (features.nrows(), features.ncols());
        let HeadCovariance { group, basis, asset } = *covariance;
        let group_count = group.len() / (size * size);
        let directions = basis.len() / (group_count * size).max(1);
        // Column 0 is x'Cx, column 1 + p is (u_p'x)^2: what the asset's numbers multiply.
        let mut parts = Mat::zeros(rows, 1 + directions);
        for index in 0..group_count {
            let members: Vec<usize> = assets.clone().filter(|&i| groups[i] == index as i32).collect();
            if members.is_empty() {
                continue;
            }
            let covariance = MatRef::from_row_major_slice(&group[index * size * size..][..size * size], size, size);
            let mut product = self.product.subrows_mut(0, rows);
            multiply(product.as_mut(), Accum::Replace, features, covariance, 1.0);
            for row in 0..rows {
                parts[(row, 0)] = (0..size).map(|k| product[(row, k)] * features[(row, k)]).sum();
            }
            let along = &basis[index * directions * size..][..directions * size];
            let along = MatRef::from_row_major_slice(along, directions, size);
            let mut projected = parts.subcols_mut(1, directions);
            multiply(projected.as_mut(), Accum::Replace, features, along.transpose(), 1.0);
            for p in 0..directions {
                projected.as_mut().col_mut(p).iter_mut().for_each(|x| *x *= *x);
            }
            let factors = Mat::from_fn(1 + directions, members.len(), |p, i| {
                asset.get(members[i] * (1 + directions) + p).copied().unwrap_or(1.0)
            });
            let mut own = self.values.submatrix_mut(0, 0, rows, members.len());
            multiply(own.as_mut(), Accum::Replace, parts.as_ref(), factors.as_ref(), 1.0);
            for (&i, own) in members.iter().zip(own.as_ref().col_iter()) {
                for (sum, own) in self.posterior.col_mut(i - assets.start).iter_mut().zip(own.iter()) {
                    *sum = own + if sum.is_nan() { 0.0 } else { *sum };
                }
            }
        }
    }

    /// Writes mean and variance over members of the tile whose first row is `start` of `rows`.
    fn write(&self, count: f64, sd: &[f64], start: usize, rows: usize, mean: &mut [f64], variance: &mut [f64]) {
        let outputs = mean.chunks_mut(rows).zip(variance.chunks_mut(rows)).zip(sd);
        for (asset, ((mean, variance), sd)) in outputs.enumerate() {
            let (mean, variance) = (&mut mean[start..][..self.rows], &mut variance[start..][..self.rows]);
            let sums = self.sum.col(asset).iter().zip(self.square.col(asset).iter());
            let sums = sums.zip(self.posterior.col(asset).iter());
            for ((mean, variance), ((sum, square), posterior)) in mean.iter_mut().zip(variance).zip(sums) {
                let average = sum / count;
                let spread = (square - count * average * average).max(0.0) / (count - 1.0).max(1.0);
                *variance = sd * sd * (posterior / count + SPREAD_WEIGHT * spread);
                *mean = sd * average;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of the same numbers in other places of a tile may be rounded in another order.
    const ROUNDING: f64 = 1e-13;

    #[test]
    fn rows_that_repeat_are_read_as_if_they_did_not() {
        const SIZE: usize = 3;
        const ASSETS: usize = 5;
        // 60 rows of which every third is new; the last one equals the first in one member alone.
        let features = |member: usize| -> Vec<f64> {
            let value = |row: usize, k: usize| ((row * 7 + k * 3 + member) % 11) as f64 - 4.0;
            let row = |row: usize| if row.is_multiple_of(3) { row } else { row % 3 };
            (0..60)
                .flat_map(|r| (0..SIZE).map(move |k| value(if r == 59 { member } else { row(r) }, k)))
                .collect()
        };
        let heads: Vec<f64> = (0..ASSETS * SIZE).map(|i| (i % 4) as f64 - 1.2).collect();
        let covariance: Vec<f64> = (0..SIZE * SIZE)
            .map(|i| if i % (SIZE + 1) == 0 { 0.5 } else { 0.1 })
            .collect();
        let each = [features(0), features(1)];
        let members: Vec<MemberHeads<'_>> = each
            .iter()
            .map(|features| {
                let covariance = HeadCovariance {
                    group: &covariance,
                    ..HeadCovariance::default()
                };
                MemberHeads::new(features, &heads, covariance, SIZE, ASSETS).expect("sizes fit")
            })
            .collect();
        let scale = AssetScale {
            mean: &[0.0; ASSETS],
            sd: &[0.5; ASSETS],
            group: &[0, 0, -1, 0, 0],
        };
        let control = Control::with_threads(2);
        let distinct = DistinctRows::new(&members, SIZE).expect("rows");
        assert!(2 * distinct.rows.len() < 60);
        let short = exposures(&members, SIZE, scale, &control).expect("not stopped");
        let long = exposures_of_rows(&members, SIZE, scale, &control).expect("not stopped");
        let close = |a: &f64, b: &f64| (a - b).abs() < ROUNDING || (a.is_nan() && b.is_nan());
        assert!(short.0.iter().zip(&long.0).all(|(a, b)| close(a, b)));
        assert!(short.1.iter().zip(&long.1).all(|(a, b)| close(a, b)));
        assert!(short.1.iter().any(|v| v.is_nan()) && short.1.iter().any(|v| *v > 0.0));
    }
}
