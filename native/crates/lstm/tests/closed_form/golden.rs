//! The closed-form heads against PyTorch, which builds the covariance of all returns from the model's definition.

use faer::Mat;
use macrograd_lstm::closed_form::{Gradient, GroupReturns, Heads, Likelihood, Noise, Prior, Returns, group_by_pattern};
use serde_json::Value;

/// Two float64 routes (a 94 x 94 Cholesky there, Woodbury here) over numbers of order 1.
const TOLERANCE: f64 = 1e-10;

struct Golden(Value);

impl Golden {
    fn read() -> Self {
        let text = include_str!("../golden/closed_form.json");
        Self(serde_json::from_str(text).expect("golden file is JSON"))
    }

    fn at(&self, path: &str) -> &Value {
        self.0.pointer(path).expect("golden file has the entry")
    }

    fn vector(&self, path: &str) -> Vec<f64> {
        let mut out = Vec::new();
        flatten(self.at(path), &mut out);
        out
    }

    fn matrix(&self, path: &str) -> Mat<f64> {
        let rows = self.at(path).as_array().expect("a matrix").len();
        let flat = self.vector(path);
        let columns = flat.len() / rows;
        Mat::from_fn(rows, columns, |i, j| flat[i * columns + j])
    }

    fn prior(&self) -> Prior {
        Prior {
            log_direct: self.vector("/prior/log_direct"),
            loadings: self.matrix("/prior/loadings"),
            log_common: self.vector("/prior/log_common"),
            log_noise: self.vector("/prior/log_noise")[0],
            log_shared_noise: self.vector("/prior/log_shared_noise")[0],
        }
    }

    /// [row][asset], NaN where a pattern has no return.
    fn returns(&self) -> (Vec<f64>, usize, usize) {
        let rows = self.at("/rows").as_u64().expect("a count") as usize;
        let series = self.at("/returns").as_array().expect("series");
        let mut out = vec![f64::NAN; rows * series.len()];
        let mut asset = 0;
        for pattern in self.at("/patterns").as_array().expect("patterns") {
            for _ in 0..pattern["assets"].as_u64().expect("a count") {
                let mut values = Vec::new();
                flatten(&series[asset], &mut values);
                for (row, value) in pattern["rows"].as_array().expect("rows").iter().zip(values) {
                    out[row.as_u64().expect("a row") as usize * series.len() + asset] = value;
                }
                asset += 1;
            }
        }
        (out, rows, asset)
    }
}

fn flatten(value: &Value, out: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|v| flatten(v, out)),
        other => out.push(other.as_f64().expect("a number")),
    }
}

fn assert_close(what: &str, got: impl IntoIterator<Item = f64>, want: &[f64]) {
    let got: Vec<f64> = got.into_iter().collect();
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3_f64, |m, x| m.max(x.abs()));
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() < TOLERANCE * scale, "{what}[{i}]: {g} against {w}");
    }
}

fn row_major(a: &Mat<f64>) -> Vec<f64> {
    (0..a.nrows() * a.ncols())
        .map(|i| a[(i / a.ncols(), i % a.ncols())])
        .collect()
}

#[test]
fn loss_gradient_and_heads_are_those_of_the_full_covariance_with_two_patterns_of_missing_returns() {
    let golden = Golden::read();
    let (values, rows, assets) = golden.returns();
    let returns = Returns {
        values: &values,
        assets,
    };
    let patterns = group_by_pattern(returns, rows, 8);
    assert_eq!(patterns.len(), 2);
    let groups: Vec<GroupReturns> = patterns.iter().map(|p| GroupReturns::new(returns, p)).collect();
    let prior = golden.prior();
    let features = golden.matrix("/features");
    let all: Vec<usize> = (0..rows).collect();
    let mut likelihood = Likelihood::new(&groups, &all, &prior).expect("observed returns");
    let loss = likelihood.condition(features.as_ref(), &prior).expect("finite").loss;
    assert_close("loss", [loss], &golden.vector("/loss"));

    let mut gradient = Gradient::zeros(rows, &prior);
    likelihood.gradient(&prior, &mut gradient);
    assert_close(
        "features",
        row_major(&gradient.features),
        &golden.vector("/gradient/features"),
    );
    assert_close("a", gradient.log_direct.clone(), &golden.vector("/gradient/log_direct"));
    assert_close("A", row_major(&gradient.loadings), &golden.vector("/gradient/loadings"));
    assert_close(
        "lam",
        gradient.log_common.clone(),
        &golden.vector("/gradient/log_common"),
    );
    assert_close("log s2", [gradient.log_noise], &golden.vector("/gradient/log_noise"));
    assert_close(
        "log c",
        [gradient.log_shared_noise],
        &golden.vector("/gradient/log_shared_noise"),
    );

    let heads = likelihood
        .heads(returns, &all, &patterns, Noise::Pooled)
        .expect("finite");
    assert_close("heads", heads.values.clone(), &golden.vector("/heads"));
    let block = prior.features() * prior.features();
    let covariances = golden.vector("/head_covariances");
    for (group, pattern) in patterns.iter().enumerate() {
        for &asset in &pattern.assets {
            assert_close(
                "head covariance",
                covariance(&heads, prior.features(), group, asset),
                &covariances[asset * block..(asset + 1) * block],
            );
        }
    }
}

/// `v_0 C + sum over p of v_p u_p u_p'` of one asset, row-major.
fn covariance(heads: &Heads, size: usize, group: usize, asset: usize) -> Vec<f64> {
    let directions = heads.bases.len() / (heads.covariances.len() / size);
    let own = &heads.variances[asset * (1 + directions)..][..1 + directions];
    let basis = &heads.bases[group * directions * size..][..directions * size];
    (0..size * size)
        .map(|i| {
            let along: f64 = basis
                .chunks(size)
                .zip(&own[1..])
                .map(|(u, v)| v * u[i / size] * u[i % size])
                .sum();
            own[0] * heads.covariances[group * size * size + i] + along
        })
        .collect()
}
