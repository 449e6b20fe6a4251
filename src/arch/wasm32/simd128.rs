//! 128-bit vectors: 32 floats in eight registers, 16 codes in two halves widened to 16 bits.

use std::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_extract_lane, f32x4_mul, f32x4_splat, f32x4_sub,
    i16x8_load_extend_i8x8, i16x8_load_extend_u8x8, i16x8_shl, i16x8_splat, i16x8_sub, i32x4_add,
    i32x4_dot_i16x8, i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, i32x4_extract_lane,
    i32x4_load_extend_u16x4, i32x4_shl, i32x4_shuffle, i32x4_splat, u8x16_shr, u8x16_splat,
    u16x8_extend_high_u8x16, u16x8_extend_low_u8x16, u16x8_shr, v128, v128_and, v128_load, v128_or,
};

use crate::arch::rows::{As, Block, Both, Dot, Halves, L2, Rows, Upper, Whole, score};
use crate::arch::{Isa, Kernels, ORIGIN, f16};

/// Float rows scored together: their sums overflow the registers, but rows of many cache lines come
/// faster several at a time (`benches/LEDGER.md`).
const F32_ROWS: usize = 4;
/// Rows of halves, or of codes as floats: they are widened first, and scored by the dozen at the end
/// of a query, too few to be worth the code of four at a time.
const WIDENED_ROWS: usize = 1;
/// Code rows scored together.
const CODE_ROWS: usize = 4;

pub(super) static KERNELS: Kernels = Kernels {
    isa: Isa::Simd128,
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

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn f32_dot(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, Dot, F32_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn f32_l2(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, L2, F32_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn f16_dot(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, Dot, WIDENED_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn f16_l2(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, L2, WIDENED_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn steps_dot(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, Dot, WIDENED_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn steps_l2(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, L2, WIDENED_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, L2, CODE_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, L2, CODE_ROWS>(query, rows, len, out) }
}

#[cfg_attr(ecphory_compact, optimize(speed))]
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

/// Rows of 16-bit floats.
struct F16;

impl F16 {
    /// Four of them, widened as [`f16::widen`] widens finite ones.
    ///
    /// # Safety
    /// `from` points to four readable components.
    #[inline(always)]
    unsafe fn four(from: *const u16) -> v128 {
        // SAFETY: the caller's promise; a load takes any alignment.
        let halves = unsafe { i32x4_load_extend_u16x4(from.cast()) };
        let sign = i32x4_shl(v128_and(halves, i32x4_splat(0x8000)), 16);
        let magnitude = i32x4_shl(v128_and(halves, i32x4_splat(0x7fff)), 13);
        v128_or(f32x4_mul(magnitude, f32x4_splat(f16::SCALE)), sign)
    }
}

impl Rows<Floats> for F16 {
    type Element = u16;

    #[inline(always)]
    fn padding() -> u16 {
        0
    }

    #[inline(always)]
    unsafe fn load(from: *const u16) -> Floats {
        // SAFETY: the caller promises 32 readable components.
        unsafe {
            Floats([
                Self::four(from),
                Self::four(from.add(4)),
                Self::four(from.add(8)),
                Self::four(from.add(12)),
                Self::four(from.add(16)),
                Self::four(from.add(20)),
                Self::four(from.add(24)),
                Self::four(from.add(28)),
            ])
        }
    }
}

/// Rows of codes that stand for their steps from the origin.
struct Steps;

impl Steps {
    /// Eight of them.
    ///
    /// # Safety
    /// `from` points to eight readable bytes.
    #[inline(always)]
    unsafe fn eight(from: *const u8) -> [v128; 2] {
        // SAFETY: the caller's promise; a load takes any alignment.
        let codes = unsafe { i16x8_load_extend_u8x8(from) };
        let steps = i16x8_sub(codes, i16x8_splat(i16::from(ORIGIN)));
        [
            f32x4_convert_i32x4(i32x4_extend_low_i16x8(steps)),
            f32x4_convert_i32x4(i32x4_extend_high_i16x8(steps)),
        ]
    }
}

impl Rows<Floats> for Steps {
    type Element = u8;

    #[inline(always)]
    fn padding() -> u8 {
        ORIGIN
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Floats {
        // SAFETY: the caller promises 32 readable components.
        let [[a, b], [c, d], [e, f], [g, h]] = unsafe {
            [
                Self::eight(from),
                Self::eight(from.add(8)),
                Self::eight(from.add(16)),
                Self::eight(from.add(24)),
            ]
        };
        Floats([a, b, c, d, e, f, g, h])
    }
}

/// 16 codes, widened as they are loaded; each 32-bit lane sums pairs. (Widening multiplies of bytes
/// need fewer instructions on Arm and half as many again on x86-64, where this was measured.)
#[derive(Clone, Copy)]
struct Codes([v128; 2]);

impl Codes {
    #[inline(always)]
    fn widened(bytes: v128) -> Self {
        Self([u16x8_extend_low_u8x16(bytes), u16x8_extend_high_u8x16(bytes)])
    }
}

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
        [Self::widened(v128_and(bytes, u8x16_splat(15))), Self::widened(u8x16_shr(bytes, 4))]
    }

    #[inline(always)]
    unsafe fn load_upper(from: *const u8) -> [Self; 2] {
        // SAFETY: the caller promises 16 readable bytes.
        unsafe { load_upper(from).map(Self::widened) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        Self([0, 1].map(|i| v128_or(self.0[i], other.0[i])))
    }

    #[inline(always)]
    unsafe fn less(self, by: u8) -> Self {
        Self(self.0.map(|codes| i16x8_sub(codes, i16x8_splat(i16::from(by)))))
    }
}

/// The upper halves of 16 bytes of a plane, eight times: the low ones, and the high ones.
///
/// # Safety
/// `from` points to 16 readable bytes.
#[inline(always)]
pub(super) unsafe fn load_upper(from: *const u8) -> [v128; 2] {
    // SAFETY: the caller's promise; a load takes any alignment.
    let bytes = unsafe { v128_load(from.cast()) };
    let upper = u8x16_splat(0x78);
    // Words are shifted, as processors do: there are no shifts of bytes on x86-64.
    [v128_and(i16x8_shl(bytes, 3), upper), v128_and(u16x8_shr(bytes, 1), upper)]
}

/// The sum of four lanes.
#[inline(always)]
pub(super) fn fold_codes(sum: v128) -> i32 {
    let two = i32x4_add(sum, i32x4_shuffle::<2, 3, 2, 3>(sum, sum));
    i32x4_extract_lane::<0>(two) + i32x4_extract_lane::<1>(two)
}
