//! Entries of products with the Jacobian and of second derivatives.

use macrograd_lstm::{
    InputPlace, JacobianPenalty, LstmWeights, cross_partials, hessian, jacobian_jvp, jacobian_penalty, jvp,
    pull_back_jacobian, vjp,
};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float64Array, Uint32Array};
use napi_derive::napi;

use crate::lent::Lent;
use crate::lstm::{LstmModelF32, LstmModelF64, write_parameters};
use crate::task::{CancelToken, Failure, ProgressListener, Work, control};

/// Pairs of inputs out of `[pair][step, input, step, input]`.
fn places(flat: &[u32]) -> Result<Vec<(InputPlace, InputPlace)>, Failure> {
    let place = |numbers: &[u32]| InputPlace {
        step: numbers[0] as usize,
        input: numbers[1] as usize,
    };
    let (pairs, rest) = flat.as_chunks::<4>();
    if !rest.is_empty() {
        let problem = format!("pairs has {} numbers; wanted four a pair", flat.len());
        return Err(Failure::new("shape_mismatch", problem));
    }
    Ok(pairs
        .iter()
        .map(|pair| (place(&pair[..2]), place(&pair[2..])))
        .collect())
}

/// The entries of one precision.
macro_rules! entries {
    ($array:ident, $model:ident, $gradients:ident,
     $jvp:ident, $vjp:ident, $change:ident, $pairs:ident, $hessian:ident, $pull:ident, $penalty:ident) => {
        /// Where the gradient of parameters goes; shapes as of the model.
        #[napi(object)]
        pub struct $gradients {
            pub weights: $array,
            pub head_weight: $array,
            pub head_bias: $array,
        }

        /// Writes the outputs and their change along `tangent` `[batch][step][input]`, both `[batch][output]`.
        #[napi]
        #[allow(
            clippy::too_many_arguments,
            reason = "one argument for each of the caller's arrays"
        )]
        pub fn $jvp(
            model: $model,
            tangent: $array,
            mut outputs: $array,
            mut d_outputs: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                let (outputs, d_outputs) = (outputs.lent(), d_outputs.lent());
                Ok(jvp(network, windows, &tangent, outputs, d_outputs, control)?)
            })
        }

        /// Writes what cotangents of the outputs `[batch][output]` ask of the inputs to `out` `[batch][step][input]`.
        #[napi]
        pub fn $vjp(
            model: $model,
            cotangent: $array,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                Ok(vjp(network, windows, &cotangent, out.lent(), control)?)
            })
        }

        /// Writes the Jacobian's change along `tangent` `[batch][step][input]` to `out` `[batch][output][step][input]`.
        #[napi]
        pub fn $change(
            model: $model,
            tangent: $array,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                Ok(jacobian_jvp(network, windows, &tangent, out.lent(), control)?)
            })
        }

        /// Writes second derivatives for `pairs` `[pair][step, input, step, input]` to `out` `[batch][output][pair]`.
        #[napi]
        pub fn $pairs(
            model: $model,
            pairs: Uint32Array,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                let pairs = places(&pairs)?;
                Ok(cross_partials(network, windows, &pairs, out.lent(), control)?)
            })
        }

        /// Writes all second derivatives to `out` `[batch][output][step][input][step][input]`.
        #[napi]
        pub fn $hessian(
            model: $model,
            mut out: $array,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                Ok(hessian(network, windows, out.lent(), control)?)
            })
        }

        /// Pulls a cotangent of the Jacobian `[batch][output][step][input]` back to the parameters.
        #[napi]
        pub fn $pull(
            model: $model,
            d_jacobian: $array,
            mut gradients: $gradients,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<()>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                let (mut d_weights, mut d_head) = (LstmWeights::zeros(network.0.shape())?, network.1.clone());
                pull_back_jacobian(
                    network,
                    windows,
                    &d_jacobian,
                    &mut d_weights,
                    &mut d_head,
                    control,
                )?;
                let head = (&mut gradients.head_weight, &mut gradients.head_bias);
                write_parameters((&d_weights, &d_head), &mut gradients.weights, head)
            })
        }

        /// The penalty `size` or `variation` of the Jacobian, and its gradient with respect to the parameters.
        #[napi(ts_return_type = "Promise<number>")]
        pub fn $penalty(
            model: $model,
            kind: String,
            mut gradients: $gradients,
            threads: u32,
            token: Option<&CancelToken>,
            on_progress: Option<ProgressListener>,
        ) -> AsyncTask<Work<f64>> {
            let control = control(threads, token, on_progress);
            model.spawn(control, move |network, windows, control| {
                let penalty = penalty(&kind)?;
                let (mut d_weights, mut d_head) = (LstmWeights::zeros(network.0.shape())?, network.1.clone());
                let gradient = (&mut d_weights, &mut d_head);
                let value = jacobian_penalty(network, windows, penalty, gradient, control)?;
                let head = (&mut gradients.head_weight, &mut gradients.head_bias);
                write_parameters((&d_weights, &d_head), &mut gradients.weights, head)?;
                Ok(value)
            })
        }
    };
}

/// The penalty of that name.
pub(crate) fn penalty(kind: &str) -> Result<JacobianPenalty, Failure> {
    match kind {
        "size" => Ok(JacobianPenalty::Size),
        "variation" => Ok(JacobianPenalty::Variation),
        _ => {
            let problem = format!("a penalty on the Jacobian's {kind}; wanted size or variation");
            Err(Failure::new("bad_argument", problem))
        }
    }
}

entries!(
    Float32Array,
    LstmModelF32,
    LstmParameterGradientsF32,
    lstm_jvp_f32,
    lstm_vjp_f32,
    lstm_jacobian_jvp_f32,
    lstm_cross_partials_f32,
    lstm_hessian_f32,
    lstm_pull_back_jacobian_f32,
    lstm_jacobian_penalty_f32
);
entries!(
    Float64Array,
    LstmModelF64,
    LstmParameterGradientsF64,
    lstm_jvp_f64,
    lstm_vjp_f64,
    lstm_jacobian_jvp_f64,
    lstm_cross_partials_f64,
    lstm_hessian_f64,
    lstm_pull_back_jacobian_f64,
    lstm_jacobian_penalty_f64
);
