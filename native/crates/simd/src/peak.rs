//! The processor's arithmetic limit, measured: what benchmarks compare kernels with.

use std::hint::black_box;

use crate::{Control, Isa, IsaError, Kernel, Real, Simd, parallel_for_each};

/// Independent chains of fused products: enough to fill two units of five cycles' latency.
const CHAINS: usize = 12;
/// Fused products of each chain in one timing, about 2 ms.
const LENGTH: usize = 1_000_000;
/// Timings; the fastest counts, since whatever else runs can only slow one down.
const REPEATS: usize = 40;

/// Fused products of registers alone.
struct Chains;

impl Kernel<f32> for Chains {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, s: S) -> f32 {
        // Hidden from the compiler, which would else work the result out beforehand.
        let (a, b) = (s.splat(black_box(0.999_999)), s.splat(black_box(1e-6)));
        let mut chains = [s.splat(1.0); CHAINS];
        for chain in &mut chains {
            *chain = s.splat(black_box(1.0));
        }
        for _ in 0..black_box(LENGTH) {
            for chain in &mut chains {
                *chain = s.mul_add(*chain, a, b);
            }
        }
        chains.into_iter().fold(0.0, |sum, chain| sum + s.sum(chain))
    }
}

/// Float32 operations a second, in units of 10^9, that `threads` threads reach together with fused products alone
/// (one counts as two operations). `seconds` reads a clock, which the standard library lacks in WebAssembly.
///
/// # Errors
/// What [`Isa::active`] refuses.
pub fn measure_peak(threads: usize, seconds: impl Fn() -> f64) -> Result<f64, IsaError> {
    let isa = Isa::active()?;
    let operations = (2 * CHAINS * LENGTH * isa.lanes::<f32>() * threads) as f64;
    let mut scratch = vec![0.0; threads];
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = seconds();
        let control = Control::with_threads(threads);
        let work = |sink: &mut f32, _| *sink += f32::dispatch(isa, Chains);
        // Nobody holds a token that could stop it.
        let _ = parallel_for_each(&control, 0..threads, &mut scratch, work);
        best = best.min(seconds() - start);
    }
    black_box(scratch);
    Ok(operations / best * 1e-9)
}
