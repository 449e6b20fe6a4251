//! Instruction sets: the only place in the crate that names a target.
//!
//! ```text
//!   distance, quantize          safe callers: shapes are checked there
//!        │  &'static Kernels    (chosen once per index)
//!        ▼
//!   arch::kernels_for(isa) ──► scalar | x86_64::{avx2, avx512} | aarch64::neon
//!        │                     | wasm32::{simd128, relaxed}
//!        ▼
//!   rows                        the loop over rows and blocks that the vector kernels share
//! ```
//!
//! **One answer everywhere.** Each kernel returns the same bits on each instruction set: products
//! of 7-bit codes are summed in integers, which is exact, and floats are summed in the canonical
//! order of [`scalar`]: 32 lanes, a separate multiply and add (never fused), the tail padded with
//! zeros, then one fixed tree (lane `i` takes lane `i + 16`, then `+ 8`, `+ 4`, `+ 2`, `+ 1`).
//!
//! **Adding an instruction set** is one file, one arm of the gate below and one name in [`Isa`].
//!
//! Absent on purpose: metrics (`distance` gives kernels their meaning), checks of lengths (callers
//! own them), and any state but the detected instruction set.

use std::fmt;
use std::sync::OnceLock;

mod f16;
pub mod scalar;

pub(crate) use f16::{narrow, widen};

// WebAssembly has no instruction for checksums, and a binary no room for the crate's tables.
#[cfg(any(target_arch = "wasm32", test))]
pub(crate) mod checksum;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use ::crc32c;
#[cfg(target_arch = "wasm32")]
pub(crate) use checksum as crc32c;

// Thread sanitizer sees no access of more than 16 bytes, and models need none: there, plain Rust.
cfg_if::cfg_if! {
    if #[cfg(all(target_arch = "x86_64", not(miri), not(loom), not(ecphory_tsan)))] {
        mod rows;
        mod x86_64;
        use x86_64 as imp;
    } else if #[cfg(all(target_arch = "aarch64", not(miri), not(loom), not(ecphory_tsan)))] {
        mod rows;
        mod aarch64;
        use aarch64 as imp;
    } else if #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))] {
        mod rows;
        mod wasm32;
        use wasm32 as imp;
    } else {
        mod imp {
            pub(super) const ONLY: Option<&super::Kernels> = None;

            pub(super) fn kernels_for(_: super::Isa) -> Option<&'static super::Kernels> {
                None
            }

            #[inline(always)]
            pub(super) fn prefetch(_: *const u8) {}
        }
    }
}

/// An instruction set for which kernels exist, from slowest to fastest on its architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust, on every target.
    Scalar,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL and VNNI.
    Avx512,
    /// 64-bit Arm with NEON.
    Neon,
    /// WebAssembly with 128-bit vectors.
    Simd128,
    /// WebAssembly with 128-bit vectors and relaxed dot products.
    RelaxedSimd,
}

impl Isa {
    /// Every instruction set, whether this machine has it or not.
    pub const ALL: [Self; 6] =
        [Self::Scalar, Self::Avx2, Self::Avx512, Self::Neon, Self::Simd128, Self::RelaxedSimd];

    /// The name used on command lines and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::Simd128 => "simd128",
            Self::RelaxedSimd => "relaxed-simd",
        }
    }

    /// The instruction set with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Scores `rows` of `len` components against `query` in floats: `out[i]` belongs to `rows[i]`.
/// Narrower components widen exactly before anything is computed.
///
/// # Safety
/// `query` and each row point to `len` readable components (any alignment),
/// `rows.len() == out.len()`, and the processor has the instruction set of the [`Kernels`] this
/// came from.
pub type FloatKernel<T> =
    unsafe fn(query: *const f32, rows: &[*const T], len: usize, out: &mut [f32]);

/// Scores `rows` of `len` 7-bit codes against `query` (signed for the dot product, a 7-bit code
/// itself for the squared distance): `out[i]` belongs to `rows[i]`.
///
/// # Safety
/// `query` and each row point to `len` readable bytes (any alignment), row bytes are ≤ 127,
/// `len ≤ limits::DIM_MAX`, `rows.len() == out.len()`, and the processor has the instruction set
/// of the [`Kernels`] this came from.
pub type CodeKernel<Q> =
    unsafe fn(query: *const Q, rows: &[*const u8], len: usize, out: &mut [i32]);

/// The 7-bit code of nothing: others stand for their distance from it.
pub const ORIGIN: u8 = 64;

/// Bytes of one plane of a split row are a multiple of this. Components `j` and `j + 64` of a run
/// of 128 share byte `j`: the former in the low half, the latter in the high half.
pub const PLANE_ALIGN: usize = 64;

/// The kernels of one instruction set. Many rows per call: one indirect call serves a whole
/// expanded node. The caller asks for rows ahead of the call.
///
/// Whoever calls a kernel makes its promises. A copy may be given other functions, as the tests of
/// the differential suite do; an index has its kernels from [`kernels_for`] and [`detected`] only.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Kernels {
    /// The instruction set they need.
    pub isa: Isa,
    /// Σ qᵢ·xᵢ in the canonical order.
    pub f32_dot: FloatKernel<f32>,
    /// Σ (qᵢ − xᵢ)² in the canonical order.
    pub f32_l2: FloatKernel<f32>,
    /// As `f32_dot`, of rows of 16-bit floats (IEEE binary16, finite) given as bits.
    pub f16_dot: FloatKernel<u16>,
    /// As `f32_l2`, of the same.
    pub f16_l2: FloatKernel<u16>,
    /// As `f32_dot`, of rows of codes that stand for their steps from [`ORIGIN`]: Σ qᵢ·(cᵢ − 64).
    pub steps_dot: FloatKernel<u8>,
    /// As `f32_l2`, of the same: Σ (qᵢ − (cᵢ − 64))².
    pub steps_l2: FloatKernel<u8>,
    /// Σ qᵢ·cᵢ with q in −127..=127 and c in 0..=127; exact.
    pub u7_dot: CodeKernel<i8>,
    /// Σ (qᵢ − cᵢ)² with both in 0..=127; exact.
    pub u7_l2: CodeKernel<u8>,
    /// Σ qᵢ·hᵢ with q in −127..=127 and h, the upper four bits of codes, from one plane of a split
    /// row (`quantize::split`); exact. `len` is the bytes of the plane, a multiple of
    /// [`PLANE_ALIGN`]; the query has two components for each.
    pub half_dot: CodeKernel<i8>,
    /// Σ (qᵢ − (8 hᵢ + 4))² with q in 0..=127, otherwise as `half_dot`: the distance from the
    /// middle of what the upper bits leave open.
    pub half_l2: CodeKernel<u8>,
    /// Σ (aᵢ − bᵢ)² of codes of which both are in split rows, the query too; exact. `len` is the
    /// bytes of one plane, of which each row has two.
    pub split_l2: CodeKernel<u8>,
}

impl Kernels {
    /// Σ aᵢ·bᵢ of two slices of one length, in the canonical order.
    pub(crate) fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "a product takes two vectors of one length");
        let mut out = [0.0];
        // SAFETY: both slices hold `a.len()` floats, and only detection hands out kernels.
        unsafe { (self.f32_dot)(a.as_ptr(), &[b.as_ptr()], a.len(), &mut out) };
        out[0]
    }

    /// Σ (aᵢ − bᵢ)² of two codes of one length.
    pub(crate) fn code_distance(&self, a: &[u8], b: &[u8]) -> i32 {
        assert_eq!(a.len(), b.len(), "a distance takes two codes of one length");
        let mut out = [0];
        // SAFETY: both slices hold `a.len()` bytes, and only detection hands out kernels.
        unsafe { (self.u7_l2)(a.as_ptr(), &[b.as_ptr()], a.len(), &mut out) };
        out[0]
    }
}

impl fmt::Debug for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernels").field("isa", &self.isa).finish_non_exhaustive()
    }
}

/// The kernels of `isa`, or `None` where this machine cannot run them.
pub fn kernels_for(isa: Isa) -> Option<&'static Kernels> {
    if isa == Isa::Scalar { Some(&scalar::KERNELS) } else { imp::kernels_for(isa) }
}

/// The kernels of the best instruction set of this machine, detected once.
pub fn detected() -> &'static Kernels {
    static DETECTED: OnceLock<&'static Kernels> = OnceLock::new();
    imp::ONLY.unwrap_or_else(|| {
        DETECTED.get_or_init(|| {
            Isa::ALL.into_iter().rev().find_map(kernels_for).unwrap_or(&scalar::KERNELS)
        })
    })
}

/// Whether [`prefetch`] does anything: where not, looking up what to ask for is work for nothing.
pub(crate) const PREFETCHES: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Asks the processor for the cache line at `address` where the target has such an instruction.
#[inline(always)]
pub fn prefetch(address: *const u8) {
    imp::prefetch(address);
}
