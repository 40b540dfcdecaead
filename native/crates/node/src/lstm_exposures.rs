//! Entries of the shared encoder: its hidden states' Jacobian, and the exposures of any number of heads.

use macrograd_lstm::{ExposureShape, exposures, hidden_columns, jacobian_columns};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float64Array};
use napi_derive::napi;

use crate::lent::Lent;
use crate::lstm::{LstmColumns, LstmModelF32, LstmModelF64};
use crate::task::{CancelToken, ProgressListener, Work, control};

/// Sizes of a call that multiplies heads with a hidden Jacobian.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct LstmExposureSizes {
    pub dates: u32,
    pub hidden_size: u32,
    pub columns: u32,
    pub assets: u32,
}

impl From<LstmExposureSizes> for ExposureShape {
    fn from(sizes: LstmExposureSizes) -> Self {
        Self {
            dates: sizes.dates as usize,
            hidden_size: sizes.hidden_size as usize,
            columns: sizes.columns as usize,
            assets: sizes.assets as usize,
        }
    }
}

/// The entries of one precision.
macro_rules! entries {
    ($t:ty, $array:ident, $model:ident, $columns:ident, $hidden:ident, $exposures:ident) => {
        /// Writes the wanted columns of d output / d input to `out` `[batch][output][column]`.
        #[napi]
        pub fn $columns(
            model: $model,
            columns: LstmColumns,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |(weights, head), windows, control| {
                let (columns, out) = (columns.view()?, out.lent());
                Ok(jacobian_columns(
                    weights, head, windows, columns, None, out, control,
                )?)
            })
        }

        /// Writes the wanted columns of d last hidden state / d input to `out` `[batch][hidden][column]`.
        #[napi]
        pub fn $hidden(
            model: $model,
            columns: LstmColumns,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |(weights, _), windows, control| {
                Ok(hidden_columns(
                    weights,
                    windows,
                    columns.view()?,
                    out.lent(),
                    control,
                )?)
            })
        }

        /// Writes `head_weight` `[asset][hidden]` times the hidden Jacobian `[date][hidden][column]` to `out`
        /// `[date][asset][column]`.
        #[napi]
        pub fn $exposures(
            sizes: LstmExposureSizes,
            hidden: $array,
            head_weight: $array,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            Work::spawn(control(threads, token, on_progress), move |control| {
                Ok(exposures::<$t>(
                    sizes.into(),
                    &hidden,
                    &head_weight,
                    out.lent(),
                    control,
                )?)
            })
        }
    };
}

entries!(
    f32,
    Float32Array,
    LstmModelF32,
    lstm_jacobian_columns_f32,
    lstm_hidden_columns_f32,
    lstm_exposures_f32
);
entries!(
    f64,
    Float64Array,
    LstmModelF64,
    lstm_jacobian_columns_f64,
    lstm_hidden_columns_f64,
    lstm_exposures_f64
);
