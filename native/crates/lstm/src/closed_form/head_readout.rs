//! Predictions and exposures of many assets from features and heads.

use faer::{Accum, Mat, MatRef};

use super::dense::multiply;
use crate::error::{LstmError, check_length};

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
/// Variance = mean over members of the heads' posterior variance + sample variance of the members' values. NaN for an
/// asset without a covariance of its heads.
#[must_use]
pub fn exposures(members: &[MemberHeads<'_>], feature_count: usize, scale: AssetScale<'_>) -> (Vec<f64>, Vec<f64>) {
    let assets = scale.sd.len();
    let rows = members.first().map_or(0, |m| m.features.len() / feature_count);
    let count = members.len() as f64;
    let mut sum = vec![0.0; assets * rows];
    let mut square = vec![0.0; assets * rows];
    let mut values = Mat::zeros(rows, assets);
    let mut posterior = vec![f64::NAN; assets * rows];
    for member in members {
        let heads = MatRef::from_row_major_slice(member.heads, assets, feature_count);
        let features = MatRef::from_row_major_slice(member.features, rows, feature_count);
        multiply(values.as_mut(), Accum::Replace, features, heads.transpose(), 1.0);
        for asset in 0..assets {
            for (row, value) in values.col(asset).iter().enumerate() {
                sum[asset * rows + row] += value;
                square[asset * rows + row] += value * value;
            }
        }
        add_head_variances(&mut posterior, member, features, scale.group);
    }
    let mut variance = posterior;
    for asset in 0..assets {
        let sd = scale.sd[asset];
        for i in asset * rows..(asset + 1) * rows {
            let mean = sum[i] / count;
            let spread = if members.len() > 1 {
                (square[i] - count * mean * mean).max(0.0) / (count - 1.0)
            } else {
                0.0
            };
            variance[i] = sd * sd * (variance[i] / count + spread);
            sum[i] = sd * mean;
        }
    }
    (sum, variance)
}

/// Adds `x' Var(c_i) x` of every row x to `[asset][row]`; NaN counts as 0 there.
fn add_head_variances(total: &mut [f64], member: &MemberHeads<'_>, features: MatRef<'_, f64>, groups: &[i32]) {
    let (rows, size) = (features.nrows(), features.ncols());
    let HeadCovariance { group, basis, asset } = member.covariance;
    let group_count = group.len() / (size * size);
    let directions = basis.len() / (group_count * size).max(1);
    let mut product = Mat::zeros(rows, size);
    // Column 0 is x'Cx, column 1 + p is (u_p'x)^2: what the asset's numbers multiply.
    let mut parts = Mat::zeros(rows, 1 + directions);
    for index in 0..group_count {
        let members: Vec<usize> = (0..groups.len()).filter(|&i| groups[i] == index as i32).collect();
        if members.is_empty() {
            continue;
        }
        let own = |all: &[f64], columns: usize| all[index * columns * size..(index + 1) * columns * size].to_vec();
        let (covariance, along) = (own(group, size), own(basis, directions));
        let covariance = MatRef::from_row_major_slice(&covariance, size, size);
        multiply(product.as_mut(), Accum::Replace, features, covariance, 1.0);
        for row in 0..rows {
            parts[(row, 0)] = (0..size).map(|k| product[(row, k)] * features[(row, k)]).sum();
        }
        let along = MatRef::from_row_major_slice(&along, directions, size);
        let mut projected = parts.subcols_mut(1, directions);
        multiply(projected.as_mut(), Accum::Replace, features, along.transpose(), 1.0);
        for p in 0..directions {
            projected.as_mut().col_mut(p).iter_mut().for_each(|x| *x *= *x);
        }
        for i in members {
            let out = &mut total[i * rows..(i + 1) * rows];
            out.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
            for p in 0..=directions {
                let factor = if asset.is_empty() {
                    1.0
                } else {
                    asset[i * (1 + directions) + p]
                };
                out.iter_mut()
                    .zip(parts.col(p).iter())
                    .for_each(|(sum, part)| *sum += factor * part);
            }
        }
    }
}
