//! Entries of products with the Jacobian and of second derivatives.

use macrograd_lstm::{
    InputPlace, JacobianPenalty, LstmWeights, cross_partials, hessian, jacobian_jvp, jacobian_penalty, jvp,
    pull_back_jacobian, vjp,
};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float64Array, Uint32Array};
use napi_derive::napi;

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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (weights, head) = model.parameters()?;
                // SAFETY: the facade lends both arrays for this call alone, and nobody else touches them until it ends.
                let (outputs, d_outputs) = unsafe { (outputs.as_mut(), d_outputs.as_mut()) };
                let windows = model.sequences();
                Ok(jvp(
                    (&weights, &head),
                    &windows,
                    &tangent,
                    outputs,
                    d_outputs,
                    control,
                )?)
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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (weights, head) = model.parameters()?;
                // SAFETY: the facade lends the array for this call alone, and nobody else touches it until it ends.
                let out = unsafe { out.as_mut() };
                Ok(vjp(
                    (&weights, &head),
                    &model.sequences(),
                    &cotangent,
                    out,
                    control,
                )?)
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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (weights, head) = model.parameters()?;
                // SAFETY: the facade lends the array for this call alone, and nobody else touches it until it ends.
                let out = unsafe { out.as_mut() };
                Ok(jacobian_jvp(
                    (&weights, &head),
                    &model.sequences(),
                    &tangent,
                    out,
                    control,
                )?)
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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (weights, head) = model.parameters()?;
                // SAFETY: the facade lends the array for this call alone, and nobody else touches it until it ends.
                let out = unsafe { out.as_mut() };
                Ok(cross_partials(
                    (&weights, &head),
                    &model.sequences(),
                    &places(&pairs)?,
                    out,
                    control,
                )?)
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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (weights, head) = model.parameters()?;
                // SAFETY: the facade lends the array for this call alone, and nobody else touches it until it ends.
                let out = unsafe { out.as_mut() };
                Ok(hessian((&weights, &head), &model.sequences(), out, control)?)
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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let (weights, head) = model.parameters()?;
                let (mut d_weights, mut d_head) = (LstmWeights::zeros(weights.shape())?, head.clone());
                pull_back_jacobian(
                    (&weights, &head),
                    &model.sequences(),
                    &d_jacobian,
                    &mut d_weights,
                    &mut d_head,
                    control,
                )?;
                // SAFETY: the facade lends these arrays for this call alone, and nobody else touches them until it ends.
                let out = unsafe {
                    (
                        gradients.weights.as_mut(),
                        gradients.head_weight.as_mut(),
                        gradients.head_bias.as_mut(),
                    )
                };
                Ok(write_parameters(&d_weights, &d_head, out)?)
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
            Work::spawn(control(threads, token, on_progress), move |control| {
                let penalty = penalty(&kind)?;
                let (weights, head) = model.parameters()?;
                let (mut d_weights, mut d_head) = (LstmWeights::zeros(weights.shape())?, head.clone());
                let value = jacobian_penalty(
                    (&weights, &head),
                    &model.sequences(),
                    penalty,
                    (&mut d_weights, &mut d_head),
                    control,
                )?;
                // SAFETY: the facade lends these arrays for this call alone, and nobody else touches them until it ends.
                let out = unsafe {
                    (
                        gradients.weights.as_mut(),
                        gradients.head_weight.as_mut(),
                        gradients.head_bias.as_mut(),
                    )
                };
                write_parameters(&d_weights, &d_head, out)?;
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
