//! Entries of shrunk static regressions and of asset-pricing tests.

use macrograd_linear::{Panel, Shrinkage, ShrinkageOptions};
use napi::bindgen_prelude::{AsyncTask, Float64Array, Uint32Array};
use napi_derive::napi;

use crate::linear::LinearPanel;
use crate::task::{CancelToken, Failure, ProgressListener, Work, control, guarded};

/// What a path of shrunk regressions runs along.
#[napi(object)]
pub struct LinearShrinkageOptions {
    /// `elastic_net`, `directions` or `partial_least_squares`.
    pub kind: String,
    pub l1_ratio: f64,
    /// Falling penalties; empty = automatic.
    pub alphas: Float64Array,
    /// Penalties of an automatic path, or components.
    pub count: u32,
    pub ratio: f64,
    /// `[direction][shrunk column]`.
    pub directions: Float64Array,
    pub free_columns: Vec<u32>,
    pub folds: u32,
    pub min_observations: u32,
}

impl LinearShrinkageOptions {
    fn view(&self) -> Result<ShrinkageOptions<'_>, Failure> {
        let count = self.count as usize;
        let kind = match self.kind.as_str() {
            "elastic_net" => Shrinkage::ElasticNet {
                l1_ratio: self.l1_ratio,
                alphas: &self.alphas,
                count,
                ratio: self.ratio,
            },
            "directions" => Shrinkage::Directions {
                directions: &self.directions,
            },
            "partial_least_squares" => Shrinkage::PartialLeastSquares(count),
            other => return Err(Failure::new("bad_argument", format!("there is no path \"{other}\""))),
        };
        Ok(ShrinkageOptions {
            kind,
            free_columns: self.free_columns.iter().map(|&column| column as usize).collect(),
            folds: self.folds as usize,
            min_observations: self.min_observations as usize,
        })
    }
}

/// Paths of shrunk coefficients.
#[napi(object)]
pub struct LinearShrinkagePath {
    pub steps: u32,
    /// `[asset][step][column]`.
    pub coefficients: Float64Array,
    /// `[asset][step]`.
    pub parameters: Float64Array,
    /// `[asset][step]`, or empty.
    pub errors: Float64Array,
    /// `[asset]`.
    pub observations: Uint32Array,
}

/// Shrunk regressions of every asset along a path, with block cross-validation.
#[napi(ts_return_type = "Promise<LinearShrinkagePath>")]
pub fn linear_shrinkage_path(
    panel: LinearPanel,
    options: LinearShrinkageOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearShrinkagePath>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let view: Panel = panel.view()?;
        let path = macrograd_linear::shrinkage_path(&view, &options.view()?, control)?;
        Ok(LinearShrinkagePath {
            steps: path.steps as u32,
            coefficients: path.coefficients.into(),
            parameters: path.parameters.into(),
            errors: path.errors.into(),
            observations: path.observations.into(),
        })
    })
}

/// Returns and factors of an asset-pricing test, complete rows.
#[napi(object)]
pub struct LinearPricingPanel {
    /// `[row][asset]`.
    pub returns: Float64Array,
    /// `[row][factor]`.
    pub factors: Float64Array,
    pub rows: u32,
    pub assets: u32,
    pub factor_count: u32,
}

/// Prices of risk by two passes.
#[napi(object)]
pub struct LinearFamaMacBeth {
    /// `[asset][factor]`.
    pub betas: Float64Array,
    /// `[coefficient]`.
    pub premia: Float64Array,
    /// `[coefficient][coefficient]`.
    pub covariance: Float64Array,
    pub shanken: Float64Array,
    /// `[asset]`.
    pub pricing_errors: Float64Array,
    /// `[coefficient]`.
    pub p_values: Float64Array,
}

/// Fama and MacBeth's two passes with Shanken's correction.
#[napi]
pub fn linear_fama_macbeth(panel: LinearPricingPanel, intercept: bool) -> napi::Result<LinearFamaMacBeth> {
    let fit = guarded(|| {
        let (rows, assets, k) = (panel.rows as usize, panel.assets as usize, panel.factor_count as usize);
        let fit = macrograd_linear::fama_macbeth(&panel.returns, &panel.factors, rows, assets, k, intercept)?;
        Ok(fit)
    })?;
    Ok(LinearFamaMacBeth {
        betas: fit.betas.into(),
        premia: fit.premia.into(),
        covariance: fit.covariance.into(),
        shanken: fit.shanken.into(),
        pricing_errors: fit.pricing_errors.into(),
        p_values: fit.p_values.into(),
    })
}

/// Test that all intercepts are zero.
#[napi(object)]
pub struct LinearGrsTest {
    pub f: f64,
    pub p_value: f64,
    /// `[asset]`.
    pub alphas: Float64Array,
}

/// Gibbons, Ross and Shanken's test.
#[napi]
pub fn linear_grs_test(panel: LinearPricingPanel) -> napi::Result<LinearGrsTest> {
    let test = guarded(|| {
        let (rows, assets, k) = (panel.rows as usize, panel.assets as usize, panel.factor_count as usize);
        Ok(macrograd_linear::grs_test(
            &panel.returns,
            &panel.factors,
            rows,
            assets,
            k,
        )?)
    })?;
    Ok(LinearGrsTest {
        f: test.f,
        p_value: test.p_value,
        alphas: test.alphas.into(),
    })
}

/// P(F > f) of F statistics with their two degrees of freedom.
#[napi]
pub fn linear_f_p_values(
    statistics: Float64Array,
    above: Float64Array,
    below: Float64Array,
) -> napi::Result<Float64Array> {
    let values = guarded(|| {
        if statistics.len() != above.len() || statistics.len() != below.len() {
            return Err(Failure::new(
                "shape_mismatch",
                "give two degrees of freedom for every statistic",
            ));
        }
        let arguments = statistics.iter().zip(above.iter()).zip(below.iter());
        Ok(arguments
            .map(|((&f, &above), &below)| macrograd_linear::f_upper(f, above, below))
            .collect::<Vec<f64>>())
    })?;
    Ok(values.into())
}
