//! AVX-512 with VNNI: 32 floats in two registers, 64 codes in one.

use std::arch::x86_64::{
    __m128i, __m512, __m512i, _mm_add_ps, _mm_loadu_si128, _mm_mask_loadu_epi8, _mm_set1_epi8,
    _mm256_add_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_loadu_si256,
    _mm256_maskz_loadu_epi16, _mm512_abs_epi8, _mm512_add_ps, _mm512_and_si512,
    _mm512_castps512_ps256, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtph_ps,
    _mm512_dpbusd_epi32, _mm512_extractf32x8_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_ps, _mm512_mul_ps, _mm512_or_si512,
    _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srli_epi32, _mm512_sub_epi8, _mm512_sub_epi32,
    _mm512_sub_ps,
};

use super::fold_four;
use crate::arch::rows::{As, Block, Both, Dot, Halves, L2, Rows, Upper, Whole, score};
use crate::arch::{Isa, Kernels, ORIGIN};

/// Rows scored together.
const ROWS: usize = 4;

pub(super) static KERNELS: Kernels = Kernels {
    isa: Isa::Avx512,
    f32_dot,
    f32_l2,
    f16_dot,
    f16_l2,
    steps_dot,
    steps_l2,
    u7_dot,
    u7_l2,
    half_dot,
    half_l2,
    split_l2,
};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn f32_dot(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, Dot, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn f32_l2(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, L2, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn f16_dot(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, Dot, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn f16_l2(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, L2, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn steps_dot(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, Dot, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn steps_l2(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, L2, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, Dot, ROWS>(query.cast(), rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, L2, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, Dot, ROWS>(query.cast(), rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, L2, ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn split_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Both, L2, ROWS>(query, rows, len, out) }
}

/// The 32 lanes of the canonical order.
#[derive(Clone, Copy)]
struct Floats(__m512, __m512);

impl Block for Floats {
    type Element = f32;
    type Sum = Self;
    type Total = f32;
    const LEN: usize = 32;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn zero() -> Self {
        Self(_mm512_setzero_ps(), _mm512_setzero_ps())
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 32 readable floats.
        unsafe { Self(_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(16))) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_tail(from: *const f32, len: usize) -> Self {
        let mask = (1u32 << len) - 1;
        // SAFETY: a masked load touches no lane whose bit is off, and bits `len..` are.
        unsafe {
            Self(
                _mm512_maskz_loadu_ps(mask as u16, from),
                _mm512_maskz_loadu_ps((mask >> 16) as u16, from.wrapping_add(16)),
            )
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn dot(sum: Self, query: Self, row: Self) -> Self {
        Self(
            _mm512_add_ps(sum.0, _mm512_mul_ps(query.0, row.0)),
            _mm512_add_ps(sum.1, _mm512_mul_ps(query.1, row.1)),
        )
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn l2(sum: Self, query: Self, row: Self) -> Self {
        let difference = Self(_mm512_sub_ps(query.0, row.0), _mm512_sub_ps(query.1, row.1));
        // SAFETY: the instruction set is the one of this function.
        unsafe { Self::dot(sum, difference, difference) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    unsafe fn fold(sum: Self) -> f32 {
        let sixteen = _mm512_add_ps(sum.0, sum.1);
        let eight =
            _mm256_add_ps(_mm512_castps512_ps256(sixteen), _mm512_extractf32x8_ps::<1>(sixteen));
        fold_four(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)))
    }
}

/// Rows of 16-bit floats.
struct F16;

impl Rows<Floats> for F16 {
    type Element = u16;

    #[inline(always)]
    fn padding() -> u16 {
        0
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const u16) -> Floats {
        // SAFETY: the caller promises 32 readable components.
        unsafe {
            Floats(
                _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())),
                _mm512_cvtph_ps(_mm256_loadu_si256(from.add(16).cast())),
            )
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_tail(from: *const u16, len: usize) -> Floats {
        let mask = (1u32 << len) - 1;
        // SAFETY: a masked load touches no lane whose bit is off, and bits `len..` are.
        let (low, high) = unsafe {
            (
                _mm256_maskz_loadu_epi16(mask as u16, from.cast()),
                _mm256_maskz_loadu_epi16((mask >> 16) as u16, from.wrapping_add(16).cast()),
            )
        };
        Floats(_mm512_cvtph_ps(low), _mm512_cvtph_ps(high))
    }
}

/// Rows of codes that stand for their steps from the origin.
struct Steps;

impl Steps {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn widened(codes: __m128i) -> __m512 {
        let origin = _mm512_set1_epi32(i32::from(ORIGIN));
        _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_cvtepu8_epi32(codes), origin))
    }
}

impl Rows<Floats> for Steps {
    type Element = u8;

    #[inline(always)]
    fn padding() -> u8 {
        ORIGIN
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const u8) -> Floats {
        // SAFETY: the caller promises 32 readable components.
        let (low, high) =
            unsafe { (_mm_loadu_si128(from.cast()), _mm_loadu_si128(from.add(16).cast())) };
        Floats(Self::widened(low), Self::widened(high))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_tail(from: *const u8, len: usize) -> Floats {
        let (mask, origin) = ((1u32 << len) - 1, _mm_set1_epi8(ORIGIN as i8));
        // SAFETY: a masked load touches no lane whose bit is off, and bits `len..` are.
        let (low, high) = unsafe {
            (
                _mm_mask_loadu_epi8(origin, mask as u16, from.cast()),
                _mm_mask_loadu_epi8(origin, (mask >> 16) as u16, from.wrapping_add(16).cast()),
            )
        };
        Floats(Self::widened(low), Self::widened(high))
    }
}

/// 64 codes; each 32-bit lane sums groups of four.
#[derive(Clone, Copy)]
struct Codes(__m512i);

impl Block for Codes {
    type Element = u8;
    type Sum = __m512i;
    type Total = i32;
    const LEN: usize = 64;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn zero() -> __m512i {
        _mm512_setzero_si512()
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises 64 readable bytes.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn load_tail(from: *const u8, len: usize) -> Self {
        let mask = (1u64 << len) - 1;
        // SAFETY: a masked load touches no lane whose bit is off, and bits `len..` are.
        Self(unsafe { _mm512_maskz_loadu_epi8(mask, from.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn dot(sum: __m512i, query: Self, row: Self) -> __m512i {
        _mm512_dpbusd_epi32(sum, row.0, query.0)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn l2(sum: __m512i, query: Self, row: Self) -> __m512i {
        let distance = _mm512_abs_epi8(_mm512_sub_epi8(query.0, row.0));
        _mm512_dpbusd_epi32(sum, distance, distance)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn fold(sum: __m512i) -> i32 {
        _mm512_reduce_add_epi32(sum)
    }
}

impl Halves for Codes {
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_halves(from: *const u8) -> [Self; 2] {
        let half = _mm512_set1_epi8(15);
        // SAFETY: the caller promises 64 readable bytes.
        let bytes = unsafe { _mm512_loadu_si512(from.cast()) };
        [
            Self(_mm512_and_si512(bytes, half)),
            Self(_mm512_and_si512(_mm512_srli_epi32::<4>(bytes), half)),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_upper(from: *const u8) -> [Self; 2] {
        let upper = _mm512_set1_epi8(0x78);
        // SAFETY: the caller promises 64 readable bytes.
        let bytes = unsafe { _mm512_loadu_si512(from.cast()) };
        [
            Self(_mm512_and_si512(_mm512_slli_epi32::<3>(bytes), upper)),
            Self(_mm512_and_si512(_mm512_srli_epi32::<1>(bytes), upper)),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn or(self, other: Self) -> Self {
        Self(_mm512_or_si512(self.0, other.0))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn less(self, by: u8) -> Self {
        Self(_mm512_sub_epi8(self.0, _mm512_set1_epi8(by as i8)))
    }
}
