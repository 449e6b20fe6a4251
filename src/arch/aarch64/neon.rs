//! NEON: 32 floats in eight registers, 32 codes in two.
//!
//! Codes are multiplied by `sdot` where the processor has it (a 7-bit row is a signed byte), else
//! by widening multiplies. Both are exact, so they are one instruction set to everyone else.

use std::arch::aarch64::{
    float32x4_t, int8x16_t, int32x4_t, vabdq_s8, vadd_f32, vaddq_f32, vaddq_s32, vaddvq_s32,
    vandq_u8, vcvt_f32_f16, vcvtq_f32_s32, vdupq_n_f32, vdupq_n_s8, vdupq_n_s16, vdupq_n_s32,
    vdupq_n_u8, vget_high_f32, vget_low_f32, vget_low_s8, vget_low_s16, vld1_u8, vld1_u16,
    vld1q_f32, vld1q_s8, vld1q_u8, vmlal_high_s8, vmovl_high_s16, vmovl_s16, vmovl_u8, vmull_s8,
    vmulq_f32, vorrq_s8, vpadalq_s16, vpadds_f32, vreinterpret_f16_u16, vreinterpretq_s8_u8,
    vreinterpretq_s16_u16, vshlq_n_u8, vshrq_n_u8, vsubq_f32, vsubq_s8, vsubq_s16,
};
use std::arch::asm;

use crate::arch::rows::{As, Block, Both, Dot, Halves, L2, Rows, Upper, Whole, score};
use crate::arch::{Isa, Kernels, ORIGIN};

/// Float rows scored together: sixteen of the 32 registers are sums.
const F32_ROWS: usize = 2;
/// Code rows scored together.
const CODE_ROWS: usize = 4;

/// For any processor.
pub(super) static KERNELS: Kernels = Kernels {
    isa: Isa::Neon,
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

/// For processors with the byte dot product.
pub(super) static KERNELS_DOTPROD: Kernels = Kernels {
    u7_dot: u7_dot_dotprod,
    u7_l2: u7_l2_dotprod,
    half_dot: half_dot_dotprod,
    half_l2: half_l2_dotprod,
    split_l2: split_l2_dotprod,
    ..KERNELS
};

unsafe fn f32_dot(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, Dot, F32_ROWS>(query, rows, len, out) }
}

unsafe fn f32_l2(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, L2, F32_ROWS>(query, rows, len, out) }
}

unsafe fn f16_dot(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, Dot, F32_ROWS>(query, rows, len, out) }
}

unsafe fn f16_l2(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, L2, F32_ROWS>(query, rows, len, out) }
}

unsafe fn steps_dot(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, Dot, F32_ROWS>(query, rows, len, out) }
}

unsafe fn steps_l2(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, L2, F32_ROWS>(query, rows, len, out) }
}

unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<false>, Whole, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<false>, Whole, L2, CODE_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "dotprod")]
unsafe fn u7_dot_dotprod(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<true>, Whole, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

#[target_feature(enable = "dotprod")]
unsafe fn u7_l2_dotprod(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<true>, Whole, L2, CODE_ROWS>(query, rows, len, out) }
}

unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<false>, Upper, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<false>, Upper, L2, CODE_ROWS>(query, rows, len, out) }
}

unsafe fn split_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<false>, Both, L2, CODE_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "dotprod")]
unsafe fn half_dot_dotprod(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<true>, Upper, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

#[target_feature(enable = "dotprod")]
unsafe fn half_l2_dotprod(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<true>, Upper, L2, CODE_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "dotprod")]
unsafe fn split_l2_dotprod(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes<true>, Both, L2, CODE_ROWS>(query, rows, len, out) }
}

/// The 32 lanes of the canonical order.
#[derive(Clone, Copy)]
struct Floats([float32x4_t; 8]);

impl Block for Floats {
    type Element = f32;
    type Sum = Self;
    type Total = f32;
    const LEN: usize = 32;

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn zero() -> Self {
        Self([vdupq_n_f32(0.0); 8])
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 32 readable floats.
        unsafe {
            Self([
                vld1q_f32(from),
                vld1q_f32(from.add(4)),
                vld1q_f32(from.add(8)),
                vld1q_f32(from.add(12)),
                vld1q_f32(from.add(16)),
                vld1q_f32(from.add(20)),
                vld1q_f32(from.add(24)),
                vld1q_f32(from.add(28)),
            ])
        }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn dot(Self(mut sum): Self, Self(query): Self, Self(row): Self) -> Self {
        for i in 0..8 {
            sum[i] = vaddq_f32(sum[i], vmulq_f32(query[i], row[i]));
        }
        Self(sum)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn l2(Self(mut sum): Self, Self(query): Self, Self(row): Self) -> Self {
        for i in 0..8 {
            let difference = vsubq_f32(query[i], row[i]);
            sum[i] = vaddq_f32(sum[i], vmulq_f32(difference, difference));
        }
        Self(sum)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn fold(Self([a, b, c, d, e, f, g, h]): Self) -> f32 {
        let (ae, bf, cg, dh) = (vaddq_f32(a, e), vaddq_f32(b, f), vaddq_f32(c, g), vaddq_f32(d, h));
        let four = vaddq_f32(vaddq_f32(ae, cg), vaddq_f32(bf, dh));
        vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)))
    }
}

/// Rows of 16-bit floats.
struct F16;

impl F16 {
    /// Four of them.
    ///
    /// # Safety
    /// `from` points to four readable components.
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn four(from: *const u16) -> float32x4_t {
        // SAFETY: the caller's promise.
        let halves = unsafe { vld1_u16(from) };
        vcvt_f32_f16(vreinterpret_f16_u16(halves))
    }
}

impl Rows<Floats> for F16 {
    type Element = u16;

    #[inline(always)]
    fn padding() -> u16 {
        0
    }

    #[inline]
    #[target_feature(enable = "neon")]
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
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn eight(from: *const u8) -> [float32x4_t; 2] {
        // SAFETY: the caller's promise.
        let codes = vreinterpretq_s16_u16(vmovl_u8(unsafe { vld1_u8(from) }));
        let steps = vsubq_s16(codes, vdupq_n_s16(i16::from(ORIGIN)));
        [vcvtq_f32_s32(vmovl_s16(vget_low_s16(steps))), vcvtq_f32_s32(vmovl_high_s16(steps))]
    }
}

impl Rows<Floats> for Steps {
    type Element = u8;

    #[inline(always)]
    fn padding() -> u8 {
        ORIGIN
    }

    #[inline]
    #[target_feature(enable = "neon")]
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

/// 32 codes; each 32-bit lane sums groups of four. `DOTPROD`: by the byte dot product.
#[derive(Clone, Copy)]
struct Codes<const DOTPROD: bool>([int8x16_t; 2]);

/// Adds the products of groups of four bytes.
#[inline]
#[target_feature(enable = "dotprod")]
fn dotprod(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: registers only; the instruction belongs to the feature of this function.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// The same from widening multiplies: a pair is at most 2 · 127² = 32,258, which fits 16 bits.
#[inline]
#[target_feature(enable = "neon")]
fn widening(sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    let pairs = vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b);
    vpadalq_s16(sum, pairs)
}

impl<const DOTPROD: bool> Block for Codes<DOTPROD> {
    type Element = u8;
    type Sum = [int32x4_t; 2];
    type Total = i32;
    const LEN: usize = 32;

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn zero() -> [int32x4_t; 2] {
        [vdupq_n_s32(0); 2]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises 32 readable bytes.
        unsafe { Self([vld1q_s8(from.cast()), vld1q_s8(from.add(16).cast())]) }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn dot(mut sum: [int32x4_t; 2], Self(query): Self, Self(row): Self) -> [int32x4_t; 2] {
        for i in 0..2 {
            sum[i] = if DOTPROD {
                // SAFETY: the caller promises the instruction set.
                unsafe { dotprod(sum[i], query[i], row[i]) }
            } else {
                widening(sum[i], query[i], row[i])
            };
        }
        sum
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn l2(sum: [int32x4_t; 2], Self(query): Self, Self(row): Self) -> [int32x4_t; 2] {
        let distance = Self([vabdq_s8(query[0], row[0]), vabdq_s8(query[1], row[1])]);
        // SAFETY: the caller promises the instruction set.
        unsafe { Self::dot(sum, distance, distance) }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn fold([a, b]: [int32x4_t; 2]) -> i32 {
        vaddvq_s32(vaddq_s32(a, b))
    }
}

impl<const DOTPROD: bool> Halves for Codes<DOTPROD> {
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load_halves(from: *const u8) -> [Self; 2] {
        // SAFETY: the caller promises 32 readable bytes.
        let bytes = unsafe { [vld1q_u8(from), vld1q_u8(from.add(16))] };
        let low = |bytes| vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15)));
        let high = |bytes| vreinterpretq_s8_u8(vshrq_n_u8::<4>(bytes));
        [Self(bytes.map(low)), Self(bytes.map(high))]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load_upper(from: *const u8) -> [Self; 2] {
        // SAFETY: the caller promises 32 readable bytes.
        let bytes = unsafe { [vld1q_u8(from), vld1q_u8(from.add(16))] };
        let upper = |bits| vreinterpretq_s8_u8(vandq_u8(bits, vdupq_n_u8(0x78)));
        let low = |bytes| upper(vshlq_n_u8::<3>(bytes));
        let high = |bytes| upper(vshrq_n_u8::<1>(bytes));
        [Self(bytes.map(low)), Self(bytes.map(high))]
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn or(self, other: Self) -> Self {
        Self([0, 1].map(|i| vorrq_s8(self.0[i], other.0[i])))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn less(self, by: u8) -> Self {
        Self(self.0.map(|codes| vsubq_s8(codes, vdupq_n_s8(by as i8))))
    }
}
