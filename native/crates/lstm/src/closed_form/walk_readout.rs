//! Exposures along the path of heads that walk: at every row with the heads of that row.

use std::ops::Range;

use super::dense::dot;
use super::head_readout::{AssetScale, SPREAD_WEIGHT};
use super::patterns::Returns;
use super::walk::{WalkState, quadratic};
use super::walk_fit::{WalkData, WalkGroups, Walks};

/// One member for [`walk_exposures`].
#[derive(Debug, Clone, Copy)]
pub struct WalkMember<'a> {
    /// How its heads walk.
    pub walks: &'a Walks,
    /// Features of all rows of the returns, `[row][feature]`.
    pub features: &'a [f64],
    /// Derivatives of the features at the wanted rows, `[row][cell][feature]`; a cell is a lag and a factor.
    pub sensitivities: &'a [f64],
}

/// What [`walk_exposures`] reads.
#[derive(Debug, Clone)]
pub struct WalkRequest<'a> {
    /// Standardised returns, `[row][asset]`.
    pub returns: Returns<'a>,
    /// Groups of all assets.
    pub groups: &'a WalkGroups,
    /// Of all assets; `scale.group` is not read.
    pub scale: AssetScale<'a>,
    /// Wanted rows.
    pub rows: Range<usize>,
    /// Wanted assets.
    pub assets: Range<usize>,
}

/// Exposures averaged over members and their variance, both `[asset][row][cell]`, in decimals, with the heads as the
/// returns up to the row tell them. Variance as in [`super::exposures`]; NaN for an asset in no group.
#[must_use]
pub fn walk_exposures(members: &[WalkMember<'_>], request: &WalkRequest<'_>) -> (Vec<f64>, Vec<f64>) {
    let size = members.first().map_or(1, |member| member.walks.common.start.nrows());
    let cells = members
        .first()
        .map_or(0, |m| m.sensitivities.len() / size / request.rows.len().max(1));
    let length = request.assets.len() * request.rows.len() * cells;
    let mut sums = Sums {
        value: vec![0.0; length],
        square: vec![0.0; length],
        posterior: vec![f64::NAN; length],
    };
    for member in members {
        add_member(member, request, cells, &mut sums);
    }
    let count = members.len() as f64;
    let per_asset = request.rows.len() * cells;
    for (i, asset) in request.assets.clone().enumerate() {
        let sd = request.scale.sd[asset];
        for at in i * per_asset..(i + 1) * per_asset {
            let mean = sums.value[at] / count;
            let spread = (sums.square[at] - count * mean * mean).max(0.0) / (count - 1.0).max(1.0);
            sums.posterior[at] = sd * sd * (sums.posterior[at] / count + SPREAD_WEIGHT * spread);
            sums.value[at] = if sums.posterior[at].is_nan() {
                f64::NAN
            } else {
                sd * mean
            };
        }
    }
    (sums.value, sums.posterior)
}

struct Sums {
    value: Vec<f64>,
    square: Vec<f64>,
    posterior: Vec<f64>,
}

fn add_member(member: &WalkMember<'_>, request: &WalkRequest<'_>, cells: usize, sums: &mut Sums) {
    let (walks, size) = (member.walks, member.walks.common.start.nrows());
    let data = WalkData::new(member.features, request.returns, request.groups, &walks.levels);
    let per_row = cells * size;
    let row_cells = |row: usize| {
        let place = row - request.rows.start;
        member.sensitivities[place * per_row..(place + 1) * per_row].chunks(size)
    };
    // Of each wanted row and cell: what the mean head adds, and the variance of it.
    let (mut base, mut spread) = (Vec::new(), Vec::new());
    let (path, _) = data.common(walks, &walks.common, |row, state| {
        if request.rows.contains(&row) {
            base.extend(row_cells(row).map(|x| dot(x, &state.heads)));
            spread.extend(row_cells(row).map(|x| quadratic(state.covariance.as_ref(), x)));
        }
    });
    for group in 0..request.groups.count() {
        let mut assets = request.groups.members(group);
        assets.retain(|asset| request.assets.contains(asset));
        if assets.is_empty() {
            continue;
        }
        let mut here = vec![0.0; assets.len()];
        data.own(walks, &walks.own, &path, (group, &assets), |row, state: &WalkState| {
            if !request.rows.contains(&row) {
                return;
            }
            for (cell, x) in row_cells(row).enumerate() {
                let place = (row - request.rows.start) * cells + cell;
                here.fill(base[place]);
                for (heads, factor) in state.heads.chunks(assets.len()).zip(x) {
                    here.iter_mut()
                        .zip(heads)
                        .for_each(|(value, head)| *value += factor * head);
                }
                let variance = spread[place] + quadratic(state.covariance.as_ref(), x);
                for (value, asset) in here.iter().zip(&assets) {
                    let at = (asset - request.assets.start) * request.rows.len() * cells + place;
                    sums.value[at] += value;
                    sums.square[at] += value * value;
                    sums.posterior[at] = if sums.posterior[at].is_nan() {
                        0.0
                    } else {
                        sums.posterior[at]
                    } + variance;
                }
            }
        });
    }
}
