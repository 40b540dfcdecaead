//! W5: the pooled LSTM with closed-form heads, three members: 200 assets with lookback 1, without and with the exposures
//! of all dates; many assets; lookback 36.

use macrograd_lstm::closed_form::{
    AssetScale, Cell, Fit, HeadCovariance, Inputs, JacobianForm, JacobianRequest, MemberHeads, Options, Returns,
    exposures, fit,
};
use macrograd_simd::Control;

use crate::workloads::Make;
use crate::{Outcome, Workload, filled};

const FACTORS: usize = 6;
const MEMBERS: usize = 3;
/// Share of a return that is noise, so that about a third of its variance is explained.
const NOISE: f64 = 1.5;

#[derive(Clone, Copy)]
struct Form {
    name: &'static str,
    rows: usize,
    assets: usize,
    lookback: usize,
    with_exposures: bool,
}

/// The four rows of W5.
pub fn forms(threads: usize, quick: bool) -> Vec<Make> {
    let (rows, many) = if quick { (240, 400) } else { (600, 5000) };
    let plain = Form {
        name: "W5 closed-form heads",
        rows,
        assets: 200,
        lookback: 1,
        with_exposures: false,
    };
    let forms = [
        plain,
        Form {
            name: "W5 closed-form heads, exposures",
            with_exposures: true,
            ..plain
        },
        Form { assets: many, ..plain },
        Form { lookback: 36, ..plain },
    ];
    forms
        .into_iter()
        .map(|form| Box::new(move || workload(form, threads, quick)) as Make)
        .collect()
}

fn workload(form: Form, threads: usize, quick: bool) -> Workload {
    let Form {
        rows, assets, lookback, ..
    } = form;
    let steps = if quick { (20, 20) } else { (900, 300) };
    let options = Options {
        lookbacks: vec![lookback],
        members: MEMBERS,
        cells: vec![Cell::Lstm],
        steps: steps.0,
        long_steps: steps.1,
        ..Options::default()
    };
    let (factors, returns) = world(form);
    let run = move || {
        let control = Control::with_threads(threads);
        let inputs = Inputs {
            rows,
            window: &factors,
            window_size: FACTORS,
            factors: &factors,
            factor_count: FACTORS,
        };
        let returns = Returns {
            values: &returns,
            assets,
        };
        let fitted = fit(inputs, FACTORS, returns, &options, &control).expect("valid");
        if form.with_exposures {
            read_out(&fitted, &inputs, assets, &control);
        }
        Outcome {
            probe: Vec::new(),
            steps: fitted.members.iter().map(|member| member.steps).max(),
        }
    };
    Workload {
        name: form.name,
        shape: format!("T{rows} F{FACTORS} M{MEMBERS} N{assets} L{lookback}"),
        flops: None,
        calls: 1,
        repeats: 3,
        run: Box::new(run),
    }
}

/// Standardised factors `[row][factor]`, and returns `[row][asset]` with a kink in the first factor.
fn world(form: Form) -> (Vec<f64>, Vec<f64>) {
    // Sums of three uniform numbers on [-1, 1) have variance 1.
    let normal = |length: usize, seed: u32| -> Vec<f64> {
        let draws = filled(3 * length, 1.0, seed);
        draws.chunks(3).map(|x| x.iter().map(|&x| f64::from(x)).sum()).collect()
    };
    let factors = normal(form.rows * FACTORS, 5);
    let (slopes, noise) = (normal(form.assets * FACTORS, 6), normal(form.rows * form.assets, 7));
    let scale = 1.0 / (FACTORS as f64 + NOISE * NOISE).sqrt();
    let mut returns = Vec::with_capacity(noise.len());
    for (row, noise) in factors.chunks(FACTORS).zip(noise.chunks(form.assets)) {
        for (slopes, noise) in slopes.chunks(FACTORS).zip(noise) {
            let linear: f64 = row.iter().zip(slopes).map(|(x, b)| x * b).sum();
            returns.push(scale * (linear + slopes[0] * row[0].max(0.0) + NOISE * noise));
        }
    }
    (factors, returns)
}

/// All exposures at every lag, with their variance.
fn read_out(fitted: &Fit, inputs: &Inputs<'_>, assets: usize, control: &Control) {
    let targets: Vec<usize> = (0..FACTORS).collect();
    let request = JacobianRequest {
        form: JacobianForm::Lags,
        targets: &targets,
        average: None,
    };
    let count = fitted.members[0].map.features(FACTORS);
    let jacobians: Vec<_> = fitted
        .members
        .iter()
        .map(|member| {
            member
                .map
                .jacobian(inputs, 0..inputs.rows, request, control)
                .expect("valid")
        })
        .collect();
    let members: Vec<_> = fitted
        .members
        .iter()
        .zip(&jacobians)
        .map(|(member, features)| {
            let covariance = HeadCovariance {
                group: &member.heads.covariances,
                basis: &member.heads.bases,
                asset: &member.heads.variances,
            };
            MemberHeads::new(features, &member.heads.values, covariance, count, assets).expect("sizes fit")
        })
        .collect();
    let scale = AssetScale {
        mean: &vec![0.0; assets],
        sd: &vec![0.05; assets],
        group: &fitted.asset_group,
    };
    std::hint::black_box(exposures(&members, count, scale, control).expect("valid"));
}
