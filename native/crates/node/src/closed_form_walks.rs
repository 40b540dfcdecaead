//! Heads that walk: their variances as plain data, and exposures along their path.

use macrograd_lstm::closed_form::{
    AssetScale, Returns, WalkGroups, WalkMember, WalkModel, WalkRequest, Walks, walk_exposures,
};
use napi::bindgen_prelude::{AsyncTask, Float64Array, Int32Array, Uint8Array};
use napi_derive::napi;

use crate::closed_form::ClosedFormExposures;
use crate::task::{CancelToken, Failure, ProgressListener, Work, control};

/// How one member's heads walk.
#[napi(object)]
pub struct ClosedFormWalks {
    /// `[feature][feature]`, covariance of the mean head before the first row.
    pub common_start: Float64Array,
    /// `[factor]`, variance of its steps.
    pub common_step: Float64Array,
    /// `[feature][feature]`, of an asset's deviation.
    pub own_start: Float64Array,
    /// `[factor]`.
    pub own_step: Float64Array,
    pub noise_variance: f64,
    pub shared_variance: f64,
    /// `[asset]`, standardised return at the mean features.
    pub levels: Float64Array,
    /// `[asset]`, share in the common residual.
    pub shares: Float64Array,
}

impl From<Walks> for ClosedFormWalks {
    fn from(walks: Walks) -> Self {
        Self {
            common_start: walks.common.flat_start().into(),
            own_start: walks.own.flat_start().into(),
            common_step: walks.common.step.into(),
            own_step: walks.own.step.into(),
            noise_variance: walks.noise_variance,
            shared_variance: walks.shared_variance,
            levels: walks.levels.into(),
            shares: walks.shares.into(),
        }
    }
}

impl ClosedFormWalks {
    fn to_walks(&self, size: usize) -> Result<Walks, Failure> {
        Ok(Walks {
            common: WalkModel::from_flat(size, &self.common_start, &self.common_step)?,
            own: WalkModel::from_flat(size, &self.own_start, &self.own_step)?,
            noise_variance: self.noise_variance,
            shared_variance: self.shared_variance,
            levels: self.levels.to_vec(),
            shares: self.shares.to_vec(),
        })
    }
}

/// Assets that share a covariance recursion.
#[napi(object)]
pub struct ClosedFormWalkGroups {
    /// `[asset]`, -1 for none.
    pub asset_group: Int32Array,
    /// `[group][row]`, 1 where its assets are observed.
    pub observed: Uint8Array,
    /// `[group]`, noise variance over the prior's.
    pub noise_ratio: Float64Array,
}

impl From<WalkGroups> for ClosedFormWalkGroups {
    fn from(groups: WalkGroups) -> Self {
        Self {
            asset_group: groups.asset_group.into(),
            observed: groups.observed.into(),
            noise_ratio: groups.noise_ratio.into(),
        }
    }
}

/// What exposures along a path are read from; arrays over all rows and assets of the fit unless said otherwise.
#[napi(object)]
pub struct ClosedFormWalkReadout {
    /// One a member.
    pub walks: Vec<ClosedFormWalks>,
    /// Each `[row][feature]`.
    pub features: Vec<Float64Array>,
    /// Each `[wanted row][cell][feature]`, a cell being a lag and a factor.
    pub sensitivities: Vec<Float64Array>,
    pub feature_count: u32,
    pub groups: ClosedFormWalkGroups,
    /// `[row][asset]`, standardised.
    pub returns: Float64Array,
    /// `[asset]`.
    pub sd: Float64Array,
    pub row_start: u32,
    pub row_end: u32,
    pub asset_start: u32,
    pub asset_end: u32,
}

impl ClosedFormWalkReadout {
    fn check(&self) -> Result<(), Failure> {
        let (size, assets) = (self.feature_count as usize, self.sd.len());
        let rows = self.returns.len() / assets.max(1);
        let wanted = (self.row_end.saturating_sub(self.row_start)) as usize;
        let groups = self.groups.noise_ratio.len();
        let members = self.walks.len();
        let fits = size > 0
            && wanted > 0
            && self.row_end as usize <= rows
            && self.asset_start <= self.asset_end
            && self.asset_end as usize <= assets
            && self.returns.len() == rows * assets
            && self.groups.asset_group.len() == assets
            && self.groups.observed.len() == groups * rows
            && self.groups.asset_group.iter().all(|&group| group < groups as i32)
            && self
                .walks
                .iter()
                .all(|walks| walks.levels.len() == assets && walks.shares.len() == assets)
            && (self.features.len(), self.sensitivities.len()) == (members, members)
            && self.features.iter().all(|features| features.len() == rows * size)
            && self
                .sensitivities
                .iter()
                .all(|cells| cells.len() == self.sensitivities[0].len() && cells.len().is_multiple_of(wanted * size));
        if fits {
            return Ok(());
        }
        Err(Failure::new(
            "shape_mismatch",
            "arrays of the walks, rows and assets do not fit each other",
        ))
    }
}

/// Exposures `[asset][wanted row * cell]` with the heads as the returns up to each row tell them.
#[napi(ts_return_type = "Promise<ClosedFormExposures>")]
pub fn closed_form_walk_exposures(
    readout: ClosedFormWalkReadout,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<ClosedFormExposures>> {
    Work::spawn(control(threads, token, on_progress), move |_| {
        readout.check()?;
        let size = readout.feature_count as usize;
        let walks: Vec<Walks> = readout
            .walks
            .iter()
            .map(|w| w.to_walks(size))
            .collect::<Result<_, _>>()?;
        let members: Vec<WalkMember<'_>> = walks
            .iter()
            .zip(&readout.features)
            .zip(&readout.sensitivities)
            .map(|((walks, features), sensitivities)| WalkMember {
                walks,
                features,
                sensitivities,
            })
            .collect();
        let groups = WalkGroups {
            asset_group: readout.groups.asset_group.to_vec(),
            observed: readout.groups.observed.to_vec(),
            noise_ratio: readout.groups.noise_ratio.to_vec(),
        };
        let request = WalkRequest {
            returns: Returns {
                values: &readout.returns,
                assets: readout.sd.len(),
            },
            groups: &groups,
            scale: AssetScale {
                mean: &[],
                sd: &readout.sd,
                group: &[],
            },
            rows: readout.row_start as usize..readout.row_end as usize,
            assets: readout.asset_start as usize..readout.asset_end as usize,
        };
        let (values, variance) = walk_exposures(&members, &request);
        Ok(ClosedFormExposures {
            values: values.into(),
            variance: variance.into(),
        })
    })
}
