//! Which instruction set runs: found on the processor, or forced through `MACROGRAD_ISA`.

use std::fmt;
use std::sync::OnceLock;

use crate::Real;

/// Whether this is a WebAssembly module with SIMD128, which then holds nothing else.
const SIMD128: bool = cfg!(all(target_arch = "wasm32", target_feature = "simd128"));

/// Names of the instruction sets that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IsaName {
    /// Nothing beyond the processor's baseline.
    Scalar,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F and DQ.
    Avx512,
    /// aarch64's vectors.
    Neon,
    /// WebAssembly's 128-bit vectors.
    Simd128,
    /// The blocking of AVX-512 (16 lanes, 32 registers) in portable code: for tests on processors without it.
    Portable16,
}

impl IsaName {
    /// Every name, widest last.
    pub const ALL: [Self; 6] = [
        Self::Scalar,
        Self::Portable16,
        Self::Simd128,
        Self::Neon,
        Self::Avx2,
        Self::Avx512,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::Simd128 => "simd128",
            Self::Portable16 => "portable16",
        }
    }

    fn on_this_processor(self) -> bool {
        match self {
            Self::Scalar | Self::Portable16 => !SIMD128,
            Self::Simd128 => SIMD128,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[allow(unreachable_patterns, reason = "which names are left depends on the target")]
            _ => false,
        }
    }
}

impl fmt::Display for IsaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An instruction set was asked for that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IsaError {
    /// The name is none that we know.
    Unknown(String),
    /// This processor lacks it.
    Missing(IsaName),
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(
                    f,
                    "MACROGRAD_ISA is \"{name}\"; use scalar, avx2, avx512 or neon, or leave it unset"
                )
            }
            Self::Missing(name) => {
                write!(
                    f,
                    "this processor has no {name}; unset MACROGRAD_ISA to use the best that it has"
                )
            }
        }
    }
}

impl std::error::Error for IsaError {}

/// An instruction set that this processor has: the value is the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(IsaName);

/// Portable code for [`Isa::vectorise`].
///
/// A trait and no closure: `run`, and all that it calls, must be marked `#[inline(always)]`, as what is not inlined keeps the
/// baseline's vectors, and a long closure is not.
pub trait Vectorise {
    /// What comes out.
    type Output;

    /// Does the work.
    fn run(self) -> Self::Output;
}

impl Isa {
    /// The instruction set of that name, if this processor has it.
    ///
    /// # Errors
    /// [`IsaError::Missing`].
    pub fn new(name: IsaName) -> Result<Self, IsaError> {
        if name.on_this_processor() {
            Ok(Self(name))
        } else {
            Err(IsaError::Missing(name))
        }
    }

    /// What kernels use: the one named in the environment variable `MACROGRAD_ISA` when the process first asks,
    /// else the widest that the processor has.
    ///
    /// # Errors
    /// [`IsaError`] when the variable names an instruction set that is unknown or missing.
    pub fn active() -> Result<Self, IsaError> {
        static ACTIVE: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
        ACTIVE
            .get_or_init(|| Self::from_request(std::env::var("MACROGRAD_ISA").ok().as_deref()))
            .clone()
    }

    /// The instruction set of that name in text; the widest for none or an empty one.
    ///
    /// # Errors
    /// [`IsaError`].
    pub fn from_request(request: Option<&str>) -> Result<Self, IsaError> {
        match request {
            None | Some("") => Ok(Self::widest()),
            Some(text) => {
                let named = IsaName::ALL.into_iter().find(|name| name.as_str() == text);
                Self::new(named.ok_or_else(|| IsaError::Unknown(text.to_owned()))?)
            }
        }
    }

    /// What every processor of the target has.
    #[must_use]
    pub fn baseline() -> Self {
        Self(if SIMD128 { IsaName::Simd128 } else { IsaName::Scalar })
    }

    fn widest() -> Self {
        let found = IsaName::ALL.into_iter().rev().find(|name| name.on_this_processor());
        // Portable code runs everywhere, but 16 lanes of it only serve tests.
        found
            .filter(|&name| name != IsaName::Portable16)
            .map_or_else(Self::baseline, Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> IsaName {
        self.0
    }

    /// Runs portable code with this instruction set's vectors. No products are fused, so that bits are the same on every
    /// processor.
    #[inline]
    pub fn vectorise<W: Vectorise>(self, work: W) -> W::Output {
        #[cfg(target_arch = "x86_64")]
        if matches!(self.0, IsaName::Avx2 | IsaName::Avx512) {
            #[target_feature(enable = "avx2")]
            fn wide<W: Vectorise>(work: W) -> W::Output {
                work.run()
            }
            // SAFETY: an `Isa` of these names exists only on processors that have AVX2.
            return unsafe { wide(work) };
        }
        work.run()
    }

    /// Numbers of type `T` in one of its vectors.
    #[must_use]
    pub fn lanes<T: Real>(self) -> usize {
        let bytes = match self.0 {
            IsaName::Scalar | IsaName::Neon | IsaName::Simd128 => 16,
            IsaName::Avx2 => 32,
            IsaName::Avx512 | IsaName::Portable16 => 64,
        };
        bytes * T::PARTS / size_of::<T>()
    }

    /// Whether it has 32 vector registers rather than 16; see [`crate::Simd::WIDE`].
    #[must_use]
    pub fn is_wide(self) -> bool {
        !matches!(self.0, IsaName::Scalar | IsaName::Simd128 | IsaName::Avx2)
    }
}
