//! Against the loops for any number of regressors.

use macrograd_simd::Control;

use super::*;
use crate::moving_hac::MovingErrors;
use crate::path::{Output, PathBuffers, run_path, run_plain, run_plain_into};

/// Both add the same products in another order; windows of condition 10^3 lose three digits.
const SAME: f64 = 1e-9;

fn wave(at: usize) -> f64 {
    ((at * 7919 % 1009) as f64 / 504.5 - 1.0) * ((at % 13) as f64 - 6.0)
}

fn setup(errors: MovingErrors) -> PathSetup<'static> {
    PathSetup {
        scheme: Scheme::Sliding { window: 40 },
        min_observations: 30,
        market: None,
        variances: true,
        errors,
    }
}

#[test]
fn every_width_gives_the_numbers_of_the_loops_for_any_width() {
    let (rows, assets) = (150, 19);
    for columns in 1..=16 {
        let mut design: Vec<f64> = (0..rows * columns).map(wave).collect();
        let mut returns: Vec<f64> = (0..rows * assets).map(|at| wave(at + 31)).collect();
        // The last column is 0 for a while and then nearly the first; a row is not seen at all.
        for row in 0..rows {
            let last = row * columns + columns - 1;
            match row {
                20..70 => design[last] = 0.0,
                80..130 => design[last] = design[row * columns] + 1e-5 * wave(row + 7),
                140 => design[last] = f64::NAN,
                _ => {}
            }
            // Nothing but 0, exactly explained, and holes of its own.
            returns[row * assets + 3] = 0.0;
            returns[row * assets + 4] = 2.0 * design[row * columns];
            if row % 9 == 2 {
                returns[row * assets + 5] = f64::NAN;
            }
        }
        let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
        let control = Control::with_threads(2);
        let (plain, robust) = (MovingErrors::Homoscedastic, MovingErrors::Hac { lags: Some(3) });
        for (range, errors) in [(0..rows, plain), (47..rows - 3, plain), (20..rows, robust)] {
            let setup = setup(errors);
            let range = PathRange {
                rows: range,
                assets: 0..assets,
            };
            let own = run_plain(&panel, &setup, &range, &control).expect("fits");
            let emit = |(): &(), mut output: Output| output.write_plain();
            let any = run_path(&panel, &setup, &range, &control, |_, _| (), emit).expect("fits");
            for (own, any) in [(&own.coefficients, &any.coefficients), (&own.variances, &any.variances)] {
                for (x, y) in own.iter().zip(any) {
                    assert_eq!(x.is_nan(), y.is_nan(), "{columns}");
                    assert!(
                        x.is_nan() || (x - y).abs() <= SAME * (1.0 + y.abs()),
                        "{columns}: {x} {y}"
                    );
                }
            }
            assert_eq!(
                (&own.last.rank, &own.last.observations),
                (&any.last.rank, &any.last.observations)
            );
        }
    }
}

#[test]
fn what_is_written_past_the_caches_has_the_bits_of_what_is_not() {
    let (rows, columns, assets) = (1000, 9, 240);
    let design: Vec<f64> = (0..rows * columns).map(wave).collect();
    let returns: Vec<f64> = (0..rows * assets).map(|at| wave(at + 31)).collect();
    let panel = Panel::new(&design, &returns, rows, columns, assets).expect("valid");
    let range = PathRange::all(&panel);
    assert!(range.size(&panel) >= MANY);
    let [first, second] = [true, false].map(|kept| {
        let mut values = vec![[0.0; 2]; range.size(&panel)];
        let (coefficients, variances) = values.as_flattened_mut().split_at_mut(range.size(&panel));
        let buffers = PathBuffers {
            coefficients,
            variances,
        };
        run_plain_into(
            &panel,
            &setup(MovingErrors::Homoscedastic),
            &range,
            buffers,
            &Control::with_threads(2),
            kept,
        )
        .expect("fits");
        values.as_flattened().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    });
    assert!(first == second);
}
