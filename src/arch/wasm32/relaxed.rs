//! Relaxed dot products: 16 codes in one register. Floats are those of plain 128-bit vectors.
//!
//! "Relaxed" leaves open what happens when the second operand has its eighth bit set. A code never
//! has, so the result is exact on every engine.

use std::arch::wasm32::{
    i8x16_abs, i8x16_sub, i32x4_relaxed_dot_i8x16_i7x16_add, i32x4_splat, u8x16_shr, u8x16_splat,
    v128, v128_and, v128_load, v128_or,
};

use super::simd128::{self, fold_codes, load_upper};
use crate::arch::rows::{Block, Both, Dot, Halves, L2, Upper, Whole, score};
use crate::arch::{Isa, Kernels};

/// Rows scored together: a sum of its own for each hides how long one dot product takes.
const ROWS: usize = 8;

pub(super) static KERNELS: Kernels = Kernels {
    isa: Isa::RelaxedSimd,
    u7_dot,
    u7_l2,
    half_dot,
    half_l2,
    split_l2,
    ..simd128::KERNELS
};

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, Dot, ROWS>(query.cast(), rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, L2, ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, Dot, ROWS>(query.cast(), rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, L2, ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn split_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Both, L2, ROWS>(query, rows, len, out) }
}

/// 16 codes; each 32-bit lane sums groups of four.
#[derive(Clone, Copy)]
struct Codes(v128);

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
        Self(unsafe { v128_load(from.cast()) })
    }

    #[inline(always)]
    unsafe fn dot(sum: v128, query: Self, row: Self) -> v128 {
        i32x4_relaxed_dot_i8x16_i7x16_add(query.0, row.0, sum)
    }

    #[inline(always)]
    unsafe fn l2(sum: v128, query: Self, row: Self) -> v128 {
        let distance = i8x16_abs(i8x16_sub(query.0, row.0));
        i32x4_relaxed_dot_i8x16_i7x16_add(distance, distance, sum)
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
        [Self(v128_and(bytes, u8x16_splat(15))), Self(u8x16_shr(bytes, 4))]
    }

    #[inline(always)]
    unsafe fn load_upper(from: *const u8) -> [Self; 2] {
        // SAFETY: the caller promises 16 readable bytes.
        unsafe { load_upper(from).map(Self) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        Self(v128_or(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn less(self, by: u8) -> Self {
        Self(i8x16_sub(self.0, u8x16_splat(by)))
    }
}
