//! Markov-switching regressions against statsmodels (`golden/markov.txt`), published examples
//! (`golden/markov_published.txt`) and simulated worlds.

mod support;

use macrograd_linear::{MarkovModel, MarkovOptions, Panel, markov_path, markov_switching};
use macrograd_simd::Control;
use support::Lcg;

/// Likelihoods of some hundreds, summed in another order.
const LIKELIHOOD: f64 = 1e-9;

/// Probabilities, after as many products as there are rows.
const PROBABILITY: f64 = 1e-8;

/// statsmodels stops where its own gradient, by differences, is 1e-5 of the mean log-likelihood: its likelihood is then
/// about this short of the maximum, and estimates this share of a standard error away.
const OPTIMISER: f64 = 1e-4;
const OF_AN_ERROR: f64 = 0.02;

/// Standard errors there come from second differences of the likelihood.
const ERRORS: f64 = 0.01;

/// The manual prints seven digits of a likelihood, and Stata stops by a tolerance of its own.
const PRINTED_LIKELIHOOD: f64 = 2e-5;

/// Share of a standard error that a published estimate may be away, for the same two reasons.
const PRINTED: f64 = 5e-3;

struct Case {
    sizes: Vec<usize>,
    lines: Vec<(String, Vec<f64>)>,
}

impl Case {
    fn get(&self, label: &str) -> &[f64] {
        let found = self.lines.iter().find(|(own, _)| own == label);
        &found.expect("a line of that label").1
    }
}

fn case(name: &str) -> Case {
    read(include_str!("golden/markov.txt"), name, 11)
}

fn published(name: &str) -> Case {
    read(include_str!("golden/markov_published.txt"), name, 7)
}

fn read(text: &str, name: &str, count: usize) -> Case {
    let mut lines = text
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let label = words.next().unwrap_or_default().to_owned();
            (label, words.filter_map(|word| word.parse().ok()).collect::<Vec<f64>>())
        })
        .skip_while(|(label, _)| label != name);
    let (_, sizes) = lines.next().expect("the case");
    Case {
        sizes: sizes.iter().map(|&size| size as usize).collect(),
        lines: lines.take(count).collect(),
    }
}

fn options(regimes: usize, switching_noise: bool) -> MarkovOptions {
    MarkovOptions {
        regimes,
        switching_noise,
        starts: 8,
        seed: 1,
        least_share: 0.05,
        min_observations: 40,
    }
}

#[test]
fn likelihood_and_probabilities_at_given_parameters_equal_statsmodels() {
    for name in ["two", "one", "three"] {
        let case = case(name);
        let model = MarkovModel {
            coefficients: case.get("coefficients").to_vec(),
            noise: case.get("noise").to_vec(),
            transition: case.get("transition").to_vec(),
        };
        let panel = Panel::new(case.get("design"), case.get("returns"), case.sizes[0], 3, 1).expect("valid");
        let path = markov_path(&panel, &[model]).expect("fits");
        let expected = case.get("likelihood")[0];
        assert!((path.log_likelihood[0] / expected - 1.0).abs() < LIKELIHOOD, "{name}");
        let r = case.sizes[2];
        for (label, own) in [("filtered", &path.filtered), ("smoothed", &path.smoothed)] {
            let rows = own.chunks_exact(r).step_by(8).flatten();
            for (own, expected) in rows.zip(case.get(label)) {
                assert!((own - expected).abs() < PROBABILITY, "{name} {label}: {own} {expected}");
            }
        }
    }
}

#[test]
fn the_maximum_from_own_starts_is_that_of_statsmodels_from_the_truth_or_higher() {
    for name in ["two", "one", "three"] {
        let case = case(name);
        let panel = Panel::new(case.get("design"), case.get("returns"), case.sizes[0], 3, 1).expect("valid");
        let settings = options(case.sizes[2], case.sizes[3] == 1);
        let fit = markov_switching(&panel, &settings, &Control::with_threads(1)).expect("fits");
        assert!(fit.converged[0], "{name}");
        let gain = fit.path.log_likelihood[0] - case.get("best")[0];
        assert!(gain > -OPTIMISER, "{name}: {gain} below statsmodels");
        assert!(gain < 0.01, "{name}: another maximum, {gain} above");
        // Regimes may be numbered otherwise: each of statsmodels' must be one of ours.
        for (b, errors) in case
            .get("estimates")
            .chunks_exact(3)
            .zip(case.get("errors").chunks_exact(3))
        {
            let same = fit
                .coefficients
                .chunks_exact(3)
                .zip(fit.variances.chunks_exact(3))
                .any(|(own, variances)| {
                    let near = own
                        .iter()
                        .zip(b)
                        .zip(errors)
                        .all(|((own, b), se)| (own - b).abs() < OF_AN_ERROR * se);
                    near && variances
                        .iter()
                        .zip(errors)
                        .all(|(v, se)| (v.sqrt() / se - 1.0).abs() < ERRORS)
                });
            assert!(
                same,
                "{name}: {b:?} {errors:?} {:?} {:?}",
                fit.coefficients, fit.variances
            );
        }
    }
}

#[test]
fn published_examples_are_met_from_own_starts_or_a_higher_maximum_is_found() {
    for name in ["constant", "lag", "taylor", "taylor3", "absolute_returns"] {
        let case = published(name);
        let (rows, columns) = (case.sizes[0], case.sizes[1]);
        let panel = Panel::new(case.get("design"), case.get("returns"), rows, columns, 1).expect("valid");
        let settings = options(case.sizes[2], case.sizes[3] == 1);
        let fit = markov_switching(&panel, &settings, &Control::with_threads(1)).expect("fits");
        assert!(fit.converged[0], "{name}");
        let likelihood = fit.path.log_likelihood[0];
        println!(
            "{name}: {likelihood} published {} statsmodels {}",
            case.get("published")[0],
            case.get("best")[0]
        );
        assert!(
            likelihood > case.get("published")[0] - PRINTED_LIKELIHOOD,
            "{name}: {likelihood}"
        );
        // Three regimes have a higher maximum than the published one, which statsmodels finds too.
        if case.get("best")[0] > case.get("published")[0] + PRINTED_LIKELIHOOD {
            continue;
        }
        let errors = case.get("errors").chunks_exact(columns);
        for (b, errors) in case.get("coefficients").chunks_exact(columns).zip(errors) {
            let same = fit
                .coefficients
                .chunks_exact(columns)
                .zip(fit.variances.chunks_exact(columns))
                .any(|(own, variances)| {
                    own.iter()
                        .zip(variances)
                        .zip(b.iter().zip(errors))
                        .all(|((own, v), (b, se))| {
                            (own - b).abs() < PRINTED * se && (v.sqrt() / se - 1.0).abs() < PRINTED
                        })
                });
            assert!(
                same,
                "{name}: {b:?} {errors:?} {:?} {:?}",
                fit.coefficients, fit.variances
            );
        }
    }
}

/// Two assets on one design; the first switches slopes of +1 and -1 with noise .5 and 1, the second never does.
fn world(rows: usize) -> (Vec<f64>, Vec<f64>, Vec<usize>) {
    let mut random = Lcg(9);
    let (mut design, mut returns, mut regimes) = (Vec::new(), Vec::new(), Vec::new());
    let mut regime = 0;
    for _ in 0..rows {
        let x = random.normal();
        if random.next() > 0.94 {
            regime = 1 - regime;
        }
        let (slope, sd) = [(1.0, 0.5), (-1.0, 1.0)][regime];
        design.extend([1.0, x]);
        returns.extend([0.2 + slope * x + sd * random.normal(), 0.5 * x + random.normal()]);
        regimes.push(regime);
    }
    (design, returns, regimes)
}

#[test]
fn planted_regimes_are_found_with_a_fifth_of_the_returns_missing() {
    let (design, mut returns, regimes) = world(500);
    for row in (0..500).filter(|row| row % 5 == 2) {
        returns[row * 2] = f64::NAN;
    }
    let panel = Panel::new(&design, &returns, 500, 2, 2).expect("valid");
    let fit = markov_switching(&panel, &options(2, true), &Control::with_threads(2)).expect("fits");
    assert!(fit.converged[0]);
    for (regime, slope) in [1.0, -1.0].into_iter().enumerate() {
        let at = regime * 2 + 1;
        let error = (fit.coefficients[at] - slope).abs();
        assert!(
            error < 4.0 * fit.variances[at].sqrt() && error < 0.3,
            "regime {regime}: {error}"
        );
    }
    let right = |probabilities: &[f64]| {
        let rows = probabilities.chunks_exact(2).zip(&regimes);
        rows.filter(|(p, regime)| p[**regime] > 0.5).count() as f64 / 500.0
    };
    let (filtered, smoothed) = (right(&fit.path.filtered[..1000]), right(&fit.path.smoothed[..1000]));
    assert!(filtered > 0.8 && smoothed > filtered, "{filtered} {smoothed}");
}

#[test]
fn threads_change_no_bit_and_a_short_history_is_no_estimate() {
    let (design, mut returns, _) = world(200);
    (30..200).for_each(|row| returns[row * 2] = f64::NAN);
    let panel = Panel::new(&design, &returns, 200, 2, 2).expect("valid");
    let settings = options(2, true);
    let [one, two] =
        [1, 2].map(|threads| markov_switching(&panel, &settings, &Control::with_threads(threads)).expect("fits"));
    assert!(one.coefficients[..4].iter().all(|b| b.is_nan()) && !one.converged[0]);
    assert_eq!(one.coefficients[4..], two.coefficients[4..]);
    assert_eq!(one.observations, [30, 200]);
}
