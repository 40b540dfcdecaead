//! Both activations on slices, and the instruction sets to run them on.

use macrograd_simd::{Isa, IsaName, Kernel, MAX_LANES, Real, Simd};

/// tanh x and sigmoid(2 x) of every number.
pub struct Activations<T> {
    pub tanh: Vec<T>,
    pub sigmoid: Vec<T>,
}

/// Work: fills both results; the number of points is a multiple of [`MAX_LANES`].
struct Both<'a, T>(&'a [T], &'a mut Activations<T>);

impl<T: Real> Kernel<T> for Both<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self(x, out) = self;
        for at in (0..x.len()).step_by(S::LANES) {
            let v = s.load(&x[at..]);
            s.store(s.tanh(v), &mut out.tanh[at..]);
            s.store(s.sigmoid_of_half(v), &mut out.sigmoid[at..]);
        }
    }
}

impl<T: Real> Activations<T> {
    /// Of `points`, as the instruction set computes them.
    pub fn of(points: &[T], isa: Isa) -> Self {
        let mut padded = points.to_vec();
        padded.resize(points.len().next_multiple_of(MAX_LANES), T::ZERO);
        let zeros = || vec![T::ZERO; padded.len()];
        let mut all = Self {
            tanh: zeros(),
            sigmoid: zeros(),
        };
        T::dispatch(isa, Both(&padded, &mut all));
        all.tanh.truncate(points.len());
        all.sigmoid.truncate(points.len());
        all
    }
}

/// Instruction sets of this processor; says which ones go untested.
pub fn isas() -> Vec<Isa> {
    let found = |name: IsaName| Isa::new(name).inspect_err(|error| println!("skipped: {error}")).ok();
    IsaName::ALL.into_iter().filter_map(found).collect()
}

/// Whether its products are fused, so that its bits are those of [`crate::one_lane::OneLane`].
pub fn is_fused(isa: Isa) -> bool {
    matches!(isa.name(), IsaName::Avx2 | IsaName::Avx512 | IsaName::Neon)
}

/// Largest value seen, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Worst {
    pub value: f64,
    pub at: f64,
}

impl Worst {
    pub fn see(&mut self, value: f64, at: f64) {
        if value > self.value || value.is_nan() {
            *self = Self { value, at };
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.see(other.value, other.at);
    }
}
