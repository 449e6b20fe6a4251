//! 128-bit vectors: 32 floats in eight registers, 16 codes in two halves widened to 16 bits.

use std::arch::wasm32::{
    f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat, f32x4_sub, i16x8_load_extend_i8x8,
    i16x8_shl, i16x8_splat, i16x8_sub, i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane,
    i32x4_shuffle, i32x4_splat, u8x16_shr, u8x16_splat, u16x8_extend_high_u8x16,
    u16x8_extend_low_u8x16, v128, v128_and, v128_load, v128_or,
};

use crate::arch::rows::{Block, Both, Dot, Halves, L2, Upper, Whole, score};
use crate::arch::{Isa, Kernels};

/// Float rows scored together: their sums overflow the registers, but rows of many cache lines come
/// faster several at a time (`benches/LEDGER.md`).
const F32_ROWS: usize = 4;
/// Code rows scored together.
const CODE_ROWS: usize = 4;

pub(super) static KERNELS: Kernels =
    Kernels { isa: Isa::Simd128, f32_dot, f32_l2, u7_dot, u7_l2, half_dot, half_l2, split_l2 };

unsafe fn f32_dot(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, Dot, F32_ROWS>(query, rows, len, out) }
}

unsafe fn f32_l2(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, L2, F32_ROWS>(query, rows, len, out) }
}

unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, L2, CODE_ROWS>(query, rows, len, out) }
}

unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, L2, CODE_ROWS>(query, rows, len, out) }
}

unsafe fn split_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Both, L2, CODE_ROWS>(query, rows, len, out) }
}

/// The 32 lanes of the canonical order.
#[derive(Clone, Copy)]
struct Floats([v128; 8]);

impl Block for Floats {
    type Element = f32;
    type Sum = Self;
    type Total = f32;
    const LEN: usize = 32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([f32x4_splat(0.0); 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 32 readable floats; a load takes any alignment.
        unsafe {
            Self([
                v128_load(from.cast()),
                v128_load(from.add(4).cast()),
                v128_load(from.add(8).cast()),
                v128_load(from.add(12).cast()),
                v128_load(from.add(16).cast()),
                v128_load(from.add(20).cast()),
                v128_load(from.add(24).cast()),
                v128_load(from.add(28).cast()),
            ])
        }
    }

    #[inline(always)]
    unsafe fn dot(Self(mut sum): Self, Self(query): Self, Self(row): Self) -> Self {
        for i in 0..8 {
            sum[i] = f32x4_add(sum[i], f32x4_mul(query[i], row[i]));
        }
        Self(sum)
    }

    #[inline(always)]
    unsafe fn l2(Self(mut sum): Self, Self(query): Self, Self(row): Self) -> Self {
        for i in 0..8 {
            let difference = f32x4_sub(query[i], row[i]);
            sum[i] = f32x4_add(sum[i], f32x4_mul(difference, difference));
        }
        Self(sum)
    }

    #[inline(always)]
    unsafe fn fold(Self([a, b, c, d, e, f, g, h]): Self) -> f32 {
        let (ae, bf, cg, dh) = (f32x4_add(a, e), f32x4_add(b, f), f32x4_add(c, g), f32x4_add(d, h));
        let four = f32x4_add(f32x4_add(ae, cg), f32x4_add(bf, dh));
        let two = f32x4_add(four, i32x4_shuffle::<2, 3, 2, 3>(four, four));
        f32x4_extract_lane::<0>(two) + f32x4_extract_lane::<1>(two)
    }
}

/// 16 codes, widened as they are loaded; each 32-bit lane sums pairs. (Widening multiplies of bytes
/// need fewer instructions on Arm and half as many again on x86-64, where this was measured.)
#[derive(Clone, Copy)]
struct Codes([v128; 2]);

impl Block for Codes {
    type Element = u8;
    type Sum = v128;
    type Total = i32;
    const LEN: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises 16 readable bytes; a load takes any alignment.
        unsafe {
            Self([i16x8_load_extend_i8x8(from.cast()), i16x8_load_extend_i8x8(from.add(8).cast())])
        }
    }

    #[inline(always)]
    unsafe fn dot(sum: v128, Self(query): Self, Self(row): Self) -> v128 {
        let low = i32x4_dot_i16x8(query[0], row[0]);
        let high = i32x4_dot_i16x8(query[1], row[1]);
        i32x4_add(sum, i32x4_add(low, high))
    }

    #[inline(always)]
    unsafe fn l2(sum: v128, Self(query): Self, Self(row): Self) -> v128 {
        let difference = Self([i16x8_sub(query[0], row[0]), i16x8_sub(query[1], row[1])]);
        // SAFETY: the instruction set is compiled in.
        unsafe { Self::dot(sum, difference, difference) }
    }

    #[inline(always)]
    unsafe fn fold(sum: v128) -> i32 {
        fold_codes(sum)
    }
}

impl Halves for Codes {
    #[inline(always)]
    unsafe fn load_halves(from: *const u8) -> [Self; 2] {
        // SAFETY: the caller promises 16 readable bytes; a load takes any alignment.
        let bytes = unsafe { v128_load(from.cast()) };
        let widened = |bytes| Self([u16x8_extend_low_u8x16(bytes), u16x8_extend_high_u8x16(bytes)]);
        [widened(v128_and(bytes, u8x16_splat(15))), widened(u8x16_shr(bytes, 4))]
    }

    #[inline(always)]
    unsafe fn join(Self(high): Self, Self(low): Self) -> Self {
        Self([0, 1].map(|i| v128_or(i16x8_shl(high[i], 3), low[i])))
    }

    #[inline(always)]
    unsafe fn splat(value: u8) -> Self {
        Self([i16x8_splat(i16::from(value)); 2])
    }
}

/// The sum of four lanes.
#[inline(always)]
pub(super) fn fold_codes(sum: v128) -> i32 {
    let two = i32x4_add(sum, i32x4_shuffle::<2, 3, 2, 3>(sum, sum));
    i32x4_extract_lane::<0>(two) + i32x4_extract_lane::<1>(two)
}
