//! Entries of the pooled trainer whose heads are integrated out in closed form.

use crate::closed_form_walks::{ClosedFormWalkGroups, ClosedFormWalks};
use macrograd_lstm::closed_form::{
    AssetScale, Cell, FeatureForm, FeatureMap, Fit, HeadCovariance, Heads, Inputs, JacobianForm, JacobianRequest,
    Layout, Member, MemberHeads, Options, Returns, exposures, fit, predictions,
};
use macrograd_lstm::{LstmError, LstmWeights};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float64Array, Int32Array, Uint8Array};
use napi_derive::napi;

use crate::task::{CancelToken, Failure, ProgressListener, Work, control};

impl From<LstmError> for Failure {
    fn from(error: LstmError) -> Self {
        let code = match error {
            LstmError::ShapeMismatch { .. } => "shape_mismatch",
            LstmError::NotFinite { .. } => "not_finite",
            LstmError::NoObservations => "bad_input",
            LstmError::Cancelled => "cancelled",
            LstmError::Diverged => "native_failure",
            _ => "bad_argument",
        };
        Failure::new(code, error)
    }
}

/// Standardised inputs of consecutive dates, missing values 0. Not to be changed while a call runs.
#[napi(object)]
pub struct ClosedFormInputs {
    /// `[row][input]`: factors first, then states, then 0/1 flags.
    pub window: Float64Array,
    /// `[row][factor]`.
    pub factors: Float64Array,
    pub rows: u32,
    pub window_size: u32,
    pub factor_count: u32,
}

impl ClosedFormInputs {
    fn view(&self) -> Inputs<'_> {
        Inputs {
            rows: self.rows as usize,
            window: &self.window,
            window_size: self.window_size as usize,
            factors: &self.factors,
            factor_count: self.factor_count as usize,
        }
    }
}

/// Settings of a fit that a caller may change.
#[napi(object)]
pub struct ClosedFormOptions {
    pub hidden_size: u32,
    pub lookbacks: Vec<u32>,
    pub members: u32,
    /// `lstm` or `mixed`; absent = the better of the two.
    pub cell: Option<String>,
    pub steps: u32,
    pub long_steps: u32,
    /// Leading columns of the window that get input noise.
    pub noisy_columns: u32,
    pub max_patterns: u32,
    /// Leading rows that the encoder learns from; absent = all.
    pub train_rows: Option<u32>,
    /// Heads that walk.
    pub walk: bool,
    /// Features are products of the factors with the state of the row before.
    pub conditional: bool,
    /// What the SDs of the heads' prior start from, as a share of the usual.
    pub start_scale: f64,
    /// What each row is multiplied by, up to a common factor; absent = all alike.
    pub row_roots: Option<Float64Array>,
    pub seed: f64,
}

impl From<&ClosedFormOptions> for Options {
    fn from(options: &ClosedFormOptions) -> Self {
        Self {
            hidden_size: options.hidden_size as usize,
            lookbacks: options.lookbacks.iter().map(|&l| l as usize).collect(),
            members: options.members as usize,
            cells: cells(options.cell.as_deref()),
            steps: options.steps as usize,
            long_steps: options.long_steps as usize,
            max_patterns: options.max_patterns as usize,
            train_rows: options.train_rows.map(|rows| rows as usize),
            walk: options.walk,
            form: form_of(options.conditional),
            start_scale: options.start_scale,
            row_roots: options.row_roots.as_ref().map(|roots| roots.to_vec()),
            seed: options.seed as u64,
            ..Self::default()
        }
    }
}

/// Cells to try: one, or the better of two.
fn cells(name: Option<&str>) -> Vec<Cell> {
    match name {
        Some("lstm") => vec![Cell::Lstm],
        Some("mixed") => vec![Cell::Mixed],
        _ => Options::default().cells,
    }
}

fn form_of(conditional: bool) -> FeatureForm {
    if conditional {
        FeatureForm::Conditional
    } else {
        FeatureForm::Level
    }
}

/// One member's map from inputs to features less their mean.
#[napi(object)]
pub struct ClosedFormMap {
    pub lookback: u32,
    pub hidden_size: u32,
    /// `[4H][F]`, gates i, f, g, o.
    pub weight_ih: Float32Array,
    /// `[4H][H]`.
    pub weight_hh: Float32Array,
    /// `[4H]`.
    pub bias: Float32Array,
    /// `[lag][factor][filter]`.
    pub lag_filters: Float64Array,
    pub lag_count: u32,
    pub filter_count: u32,
    /// Whether features are products of the factors with the state of the row before; absent = no.
    pub conditional: Option<bool>,
    /// `[feature]`.
    pub feature_mean: Float64Array,
}

impl ClosedFormMap {
    fn to_map(&self, window_size: usize) -> Result<FeatureMap<f32>, Failure> {
        let layout = Layout {
            window_size,
            hidden_size: self.hidden_size as usize,
            factors: 0,
            filters: 0,
            rank: 0,
            cell: Cell::Lstm,
            form: FeatureForm::Level,
        };
        let no_bias = vec![0.0; self.bias.len()];
        let flat = [&self.weight_ih[..], &self.weight_hh, &self.bias, &no_bias].concat();
        Ok(FeatureMap {
            lookback: self.lookback as usize,
            weights: LstmWeights::from_flat(layout.encoder(), &flat)?,
            lag_filters: self.lag_filters.to_vec(),
            lag_count: self.lag_count as usize,
            filters: self.filter_count as usize,
            form: form_of(self.conditional.unwrap_or(false)),
            feature_mean: self.feature_mean.to_vec(),
        })
    }
}

impl From<FeatureMap<f32>> for ClosedFormMap {
    fn from(map: FeatureMap<f32>) -> Self {
        let shape = map.weights.shape();
        let [ih, hh, bias, _] = map.weights.layers[0].arrays().map(<[f32]>::to_vec);
        Self {
            lookback: map.lookback as u32,
            hidden_size: shape.hidden_size as u32,
            weight_ih: ih.into(),
            weight_hh: hh.into(),
            bias: bias.into(),
            lag_filters: map.lag_filters.into(),
            lag_count: map.lag_count as u32,
            filter_count: map.filters as u32,
            conditional: (map.form == FeatureForm::Conditional).then_some(true),
            feature_mean: map.feature_mean.into(),
        }
    }
}

/// Posterior of the heads of one member.
#[napi(object)]
pub struct ClosedFormHeads {
    /// `[asset][feature]`; NaN without returns.
    pub heads: Float64Array,
    /// `[group][feature][feature]`, C.
    pub head_covariance: Float64Array,
    /// `[group][direction][feature]`, u.
    pub head_basis: Float64Array,
    /// `[asset][1 + direction]`, v: the head of an asset has the covariance `v_0 C + sum of v_p u_p u_p'`.
    pub head_variances: Float64Array,
}

impl From<Heads> for ClosedFormHeads {
    fn from(heads: Heads) -> Self {
        Self {
            heads: heads.values.into(),
            head_covariance: heads.covariances.into(),
            head_basis: heads.bases.into(),
            head_variances: heads.variances.into(),
        }
    }
}

/// One fitted member.
#[napi(object)]
pub struct ClosedFormMember {
    pub map: ClosedFormMap,
    /// `[asset][feature]`; NaN without returns.
    pub heads: Float64Array,
    /// `[group][feature][feature]`, C.
    pub head_covariance: Float64Array,
    /// `[group][direction][feature]`, u.
    pub head_basis: Float64Array,
    /// `[asset][1 + direction]`, v: the head of an asset has the covariance `v_0 C + sum of v_p u_p u_p'`.
    pub head_variances: Float64Array,
    pub validation_error: f64,
    pub steps: u32,
    /// Where heads walk.
    pub walks: Option<ClosedFormWalks>,
    /// Where heads walk: those that stand still, on the training rows.
    pub standing: Option<ClosedFormHeads>,
}

impl From<Member> for ClosedFormMember {
    fn from(member: Member) -> Self {
        Self {
            map: member.map.into(),
            heads: member.heads.values.into(),
            head_covariance: member.heads.covariances.into(),
            head_basis: member.heads.bases.into(),
            head_variances: member.heads.variances.into(),
            validation_error: member.validation_error,
            steps: member.steps as u32,
            walks: member.walks.map(Into::into),
            standing: member.standing.map(Into::into),
        }
    }
}

/// A fitted ensemble.
#[napi(object)]
pub struct ClosedFormFit {
    pub lookback: u32,
    /// Whether every third unit is linear.
    pub mixed: bool,
    pub members: Vec<ClosedFormMember>,
    /// `[asset]`, standardised return at the mean features.
    pub offsets: Float64Array,
    /// `[asset]`, -1 without returns.
    pub asset_group: Int32Array,
    /// One a lookback that was tried.
    pub validation_errors: Vec<f64>,
    pub dropped_observations: u32,
    /// Where heads walk.
    pub walk_groups: Option<ClosedFormWalkGroups>,
    /// `[asset]`, group in the heads that stand still, where heads walk.
    pub standing_group: Option<Int32Array>,
}

impl From<Fit> for ClosedFormFit {
    fn from(fit: Fit) -> Self {
        Self {
            lookback: fit.lookback as u32,
            mixed: fit.cell == Cell::Mixed,
            members: fit.members.into_iter().map(Into::into).collect(),
            offsets: fit.offsets.into(),
            walk_groups: fit.walk_groups.map(Into::into),
            standing_group: fit.standing_group.map(Into::into),
            asset_group: fit.asset_group.into(),
            validation_errors: fit.validation_errors,
            dropped_observations: fit.dropped_observations as u32,
        }
    }
}

/// Fits an ensemble to standardised returns `[row][asset]`, NaN = missing.
#[napi(ts_return_type = "Promise<ClosedFormFit>")]
pub fn closed_form_fit(
    inputs: ClosedFormInputs,
    returns: Float64Array,
    assets: u32,
    options: ClosedFormOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<ClosedFormFit>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let returns = Returns {
            values: &returns,
            assets: assets as usize,
        };
        let noisy = options.noisy_columns as usize;
        Ok(fit(inputs.view(), noisy, returns, &(&options).into(), control)?.into())
    })
}

/// Centred features of the rows `row_start..row_end`, `[row][feature]`.
#[napi(ts_return_type = "Promise<Float64Array>")]
pub fn closed_form_features(
    inputs: ClosedFormInputs,
    map: ClosedFormMap,
    row_start: u32,
    row_end: u32,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<Float64Array>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let map = map.to_map(inputs.window_size as usize)?;
        let rows = row_start as usize..row_end as usize;
        Ok(map.compute(&inputs.view(), rows, control)?.into())
    })
}

/// Which derivatives of the features are wanted.
#[napi(object)]
pub struct ClosedFormJacobianRequest {
    pub row_start: u32,
    pub row_end: u32,
    /// `lags`, `contemporaneous` or `cumulative`.
    pub form: String,
    /// Factors to differentiate by.
    pub targets: Vec<u32>,
    /// `[row][target]`, 1 where observed; given, the mean over such rows is returned.
    pub average_over: Option<Uint8Array>,
}

/// Derivatives of the features, `[row][lag][target][feature]`; one row when averaged.
#[napi(ts_return_type = "Promise<Float64Array>")]
pub fn closed_form_jacobian(
    inputs: ClosedFormInputs,
    map: ClosedFormMap,
    request: ClosedFormJacobianRequest,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<Float64Array>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let map = map.to_map(inputs.window_size as usize)?;
        let targets: Vec<usize> = request.targets.iter().map(|&t| t as usize).collect();
        let wanted = JacobianRequest {
            form: parse_form(&request.form)?,
            targets: &targets,
            average: request.average_over.as_deref(),
        };
        let rows = request.row_start as usize..request.row_end as usize;
        Ok(map.jacobian(&inputs.view(), rows, wanted, control)?.into())
    })
}

fn parse_form(name: &str) -> Result<JacobianForm, Failure> {
    match name {
        "lags" => Ok(JacobianForm::Lags),
        "contemporaneous" => Ok(JacobianForm::Contemporaneous),
        "cumulative" => Ok(JacobianForm::Cumulative),
        other => Err(Failure::new(
            "bad_argument",
            format!("form is `{other}`; it must be lags, contemporaneous or cumulative"),
        )),
    }
}

/// Heads of a block of assets and what they are applied to, one entry a member.
#[napi(object)]
pub struct ClosedFormReadout {
    /// Each `[row][feature]`.
    pub features: Vec<Float64Array>,
    /// Each `[asset][feature]`.
    pub heads: Vec<Float64Array>,
    /// Each `[group][feature][feature]`; this and the next two may be empty for predictions.
    pub covariances: Vec<Float64Array>,
    /// Each `[group][direction][feature]`; empty without directions.
    pub bases: Vec<Float64Array>,
    /// Each `[asset][1 + direction]`.
    pub variances: Vec<Float64Array>,
    pub feature_count: u32,
    /// `[asset]`, added to predictions.
    pub mean: Float64Array,
    /// `[asset]`.
    pub sd: Float64Array,
    /// `[asset]`, negative for none.
    pub group: Int32Array,
}

impl ClosedFormReadout {
    fn members(&self) -> Result<Vec<MemberHeads<'_>>, LstmError> {
        let (count, assets) = (self.feature_count as usize, self.sd.len());
        let pairs = self.features.iter().zip(&self.heads).enumerate();
        pairs
            .map(|(index, (features, heads))| {
                let covariance = HeadCovariance {
                    group: entry(&self.covariances, index),
                    basis: entry(&self.bases, index),
                    asset: entry(&self.variances, index),
                };
                MemberHeads::new(features, heads, covariance, count, assets)
            })
            .collect()
    }

    fn scale(&self) -> AssetScale<'_> {
        AssetScale {
            mean: &self.mean,
            sd: &self.sd,
            group: &self.group,
        }
    }
}

fn entry(arrays: &[Float64Array], index: usize) -> &[f64] {
    arrays.get(index).map_or(&[], |array| &array[..])
}

/// Predicted returns, `[row][asset]`.
#[napi(ts_return_type = "Promise<Float64Array>")]
pub fn closed_form_predictions(
    readout: ClosedFormReadout,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<Float64Array>> {
    Work::spawn(control(threads, token, on_progress), move |_| {
        Ok(predictions(&readout.members()?, readout.feature_count as usize, readout.scale()).into())
    })
}

/// Exposures and their variances, `[asset][row]`.
#[napi(object)]
pub struct ClosedFormExposures {
    pub values: Float64Array,
    pub variance: Float64Array,
}

/// Exposures of a block of assets from derivatives of the features.
#[napi(ts_return_type = "Promise<ClosedFormExposures>")]
pub fn closed_form_exposures(
    readout: ClosedFormReadout,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<ClosedFormExposures>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let count = readout.feature_count as usize;
        let (values, variance) = exposures(&readout.members()?, count, readout.scale(), control)?;
        Ok(ClosedFormExposures {
            values: values.into(),
            variance: variance.into(),
        })
    })
}
