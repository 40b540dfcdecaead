//! Entries of vector autoregressions and principal components.

use macrograd_linear::{AssetEquations, ComponentCount, Impulse, PcaOptions, ResponseOptions, Responses, Var};
use napi::bindgen_prelude::{AsyncTask, Float64Array};
use napi_derive::napi;

use crate::task::{CancelToken, Failure, ProgressListener, Work, control, guarded};

/// Complete series, `[row][series]`.
#[napi(object)]
pub struct LinearSeries {
    pub values: Float64Array,
    pub rows: u32,
    pub series: u32,
}

impl LinearSeries {
    /// Their autoregression.
    pub(crate) fn fit(&self, order: u32) -> Result<Var, Failure> {
        let (rows, k) = (self.rows as usize, self.series as usize);
        Ok(macrograd_linear::var(&self.values, rows, k, order as usize)?)
    }
}

/// Criteria by order, from 0.
#[napi(object)]
pub struct LinearVarOrder {
    pub aic: Float64Array,
    pub bic: Float64Array,
    pub hq: Float64Array,
    pub observations: u32,
}

/// A fitted vector autoregression.
#[napi(object)]
pub struct LinearVar {
    pub series: u32,
    pub order: u32,
    pub observations: u32,
    /// `[equation]`.
    pub intercept: Float64Array,
    /// `[lag][equation][series]`.
    pub coefficients: Float64Array,
    /// `[series][series]`.
    pub residual_covariance: Float64Array,
    /// `[regressor][regressor]`.
    pub regressor_inverse: Float64Array,
    /// `[regressor][regressor]`, its upper triangular factor.
    pub regressor_factor: Float64Array,
    /// `[row][series]`.
    pub residuals: Float64Array,
    pub roots: Float64Array,
    pub condition: f64,
}

impl From<Var> for LinearVar {
    fn from(fit: Var) -> Self {
        Self {
            series: fit.series as u32,
            order: fit.order as u32,
            observations: fit.observations as u32,
            intercept: fit.intercept.into(),
            coefficients: fit.coefficients.into(),
            residual_covariance: fit.residual_covariance.into(),
            regressor_inverse: fit.regressor_inverse.into(),
            regressor_factor: fit.regressor_factor.into(),
            residuals: fit.residuals.into(),
            roots: fit.roots.into(),
            condition: fit.condition,
        }
    }
}

impl LinearVar {
    pub(crate) fn fit(&self) -> Result<Var, Failure> {
        let (k, p, n) = (self.series as usize, self.order as usize, self.observations as usize);
        let width = 1 + k * p;
        let shapes = [
            ("coefficients", self.coefficients.len(), p * k * k),
            ("residualCovariance", self.residual_covariance.len(), k * k),
            ("regressorInverse", self.regressor_inverse.len(), width * width),
            ("regressorFactor", self.regressor_factor.len(), width * width),
        ];
        for (name, actual, expected) in shapes {
            if actual != expected {
                let message = format!("{name} has {actual} values, expected {expected}");
                return Err(Failure::new("shape_mismatch", message));
            }
        }
        Ok(Var {
            series: k,
            order: p,
            observations: n,
            intercept: self.intercept.to_vec(),
            coefficients: self.coefficients.to_vec(),
            residual_covariance: self.residual_covariance.to_vec(),
            regressor_inverse: self.regressor_inverse.to_vec(),
            regressor_factor: self.regressor_factor.to_vec(),
            residuals: Vec::new(),
            roots: self.roots.to_vec(),
            condition: self.condition,
        })
    }
}

/// Kind and reach of responses.
#[napi(object)]
pub struct LinearResponseOptions {
    pub horizon: u32,
    /// `unit`, `orthogonal` or `generalised`.
    pub impulse: String,
    pub cumulative: bool,
}

impl LinearResponseOptions {
    pub(crate) fn view(&self) -> Result<ResponseOptions, Failure> {
        let impulse = match self.impulse.as_str() {
            "unit" => Impulse::Unit,
            "orthogonal" => Impulse::Orthogonal,
            "generalised" => Impulse::Generalised,
            other => return Err(Failure::new("bad_argument", format!("there is no impulse \"{other}\""))),
        };
        Ok(ResponseOptions {
            horizon: self.horizon as usize,
            impulse,
            cumulative: self.cumulative,
        })
    }
}

/// Responses with their asymptotic variances.
#[napi(object)]
pub struct LinearResponses {
    /// `[responding][horizon][shock]`.
    pub values: Float64Array,
    pub variances: Float64Array,
}

impl From<Responses> for LinearResponses {
    fn from(responses: Responses) -> Self {
        Self {
            values: responses.values.into(),
            variances: responses.variances.into(),
        }
    }
}

/// Equations of assets on current and lagged factors.
#[napi(object)]
pub struct LinearAssetEquations {
    /// `[asset][lag][series]`.
    pub coefficients: Float64Array,
    /// `[asset][lag x series][lag x series]`.
    pub covariance: Float64Array,
    pub assets: u32,
    pub lags: u32,
}

/// Test that lags of some series do not enter the equations of others.
#[napi(object)]
pub struct LinearGranger {
    pub f: f64,
    pub restrictions: u32,
    pub df: u32,
    pub p_value: f64,
}

/// Information criteria of the orders 0 to `max_order` on one fixed sample.
#[napi]
pub fn linear_var_order(series: LinearSeries, max_order: u32) -> napi::Result<LinearVarOrder> {
    let found = guarded(|| {
        let (rows, k) = (series.rows as usize, series.series as usize);
        Ok(macrograd_linear::var_order(
            &series.values,
            rows,
            k,
            max_order as usize,
        )?)
    })?;
    Ok(LinearVarOrder {
        aic: found.aic.into(),
        bic: found.bic.into(),
        hq: found.hq.into(),
        observations: found.observations as u32,
    })
}

/// Least squares of a vector autoregression.
#[napi]
pub fn linear_var(series: LinearSeries, order: u32) -> napi::Result<LinearVar> {
    Ok(guarded(|| series.fit(order))?.into())
}

/// Responses of the series themselves.
#[napi]
pub fn linear_var_responses(fit: LinearVar, options: LinearResponseOptions) -> napi::Result<LinearResponses> {
    let responses = guarded(|| Ok(macrograd_linear::var_responses(&fit.fit()?, &options.view()?)?))?;
    Ok(responses.into())
}

/// Responses of assets to shocks of the factors.
#[napi(ts_return_type = "Promise<LinearResponses>")]
pub fn linear_asset_responses(
    fit: LinearVar,
    equations: LinearAssetEquations,
    options: LinearResponseOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearResponses>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let view = AssetEquations {
            coefficients: &equations.coefficients,
            covariance: &equations.covariance,
            assets: equations.assets as usize,
            lags: equations.lags as usize,
        };
        Ok(macrograd_linear::asset_responses(&fit.fit()?, &view, &options.view()?, control)?.into())
    })
}

/// Granger causality.
#[napi]
pub fn linear_granger(fit: LinearVar, causing: Vec<u32>, caused: Vec<u32>) -> napi::Result<LinearGranger> {
    let indexes = |series: &[u32]| series.iter().map(|&at| at as usize).collect::<Vec<_>>();
    let test = guarded(|| {
        Ok(macrograd_linear::granger(
            &fit.fit()?,
            &indexes(&causing),
            &indexes(&caused),
        )?)
    })?;
    Ok(LinearGranger {
        f: test.f,
        restrictions: test.restrictions as u32,
        df: test.df as u32,
        p_value: test.p_value,
    })
}

/// How many components are kept, and how long missing values are filled.
#[napi(object)]
pub struct LinearPcaOptions {
    /// Components; 0 = by the criterion.
    pub components: u32,
    /// Criterion of Bai and Ng: 1, 2 or 3.
    pub criterion: u32,
    pub max_components: u32,
    pub tolerance: f64,
    pub max_iterations: u32,
}

/// Principal components.
#[napi(object)]
pub struct LinearPca {
    pub components: u32,
    /// `[row][component]`.
    pub factors: Float64Array,
    /// `[series][component]`.
    pub loadings: Float64Array,
    pub eigenvalues: Float64Array,
    /// `[criterion][components]`.
    pub criteria: Float64Array,
    pub mean: Float64Array,
    pub sd: Float64Array,
    pub iterations: u32,
    pub converged: bool,
}

/// Principal components of standardised series; NaN = missing.
#[napi(ts_return_type = "Promise<LinearPca>")]
pub fn linear_pca(
    series: LinearSeries,
    options: LinearPcaOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearPca>> {
    Work::spawn(control(threads, token, on_progress), move |_| {
        let count = match options.components {
            0 => ComponentCount::BaiNg(options.criterion.clamp(1, 3) as usize - 1),
            count => ComponentCount::Fixed(count as usize),
        };
        let options = PcaOptions {
            count,
            max_components: options.max_components as usize,
            tolerance: options.tolerance,
            max_iterations: options.max_iterations as usize,
        };
        let (rows, k) = (series.rows as usize, series.series as usize);
        let found = macrograd_linear::pca(&series.values, rows, k, &options)?;
        Ok(LinearPca {
            components: found.components as u32,
            factors: found.factors.into(),
            loadings: found.loadings.into(),
            eigenvalues: found.eigenvalues.into(),
            criteria: found.criteria.into(),
            mean: found.mean.into(),
            sd: found.sd.into(),
            iterations: found.iterations as u32,
            converged: found.converged,
        })
    })
}
