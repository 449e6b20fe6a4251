//! Plain Rust kernels: the definition of what every other instruction set returns.

use super::{Isa, Kernels, ORIGIN, PLANE_ALIGN, widen};

/// Lanes of the canonical float order.
pub const LANES: usize = 32;

/// The kernels of this module.
pub static KERNELS: Kernels = Kernels {
    isa: Isa::Scalar,
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

unsafe fn f32_dot(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `dot`.
    unsafe { dot(query, rows, len, out, |x| x) }
}

unsafe fn f32_l2(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `l2`.
    unsafe { l2(query, rows, len, out, |x| x) }
}

unsafe fn f16_dot(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `dot`.
    unsafe { dot(query, rows, len, out, widen) }
}

unsafe fn f16_l2(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `l2`.
    unsafe { l2(query, rows, len, out, widen) }
}

unsafe fn steps_dot(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `dot`.
    unsafe { dot(query, rows, len, out, steps) }
}

unsafe fn steps_l2(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `l2`.
    unsafe { l2(query, rows, len, out, steps) }
}

/// What a code stands for.
#[inline(always)]
fn steps(code: u8) -> f32 {
    f32::from(i16::from(code) - i16::from(ORIGIN))
}

/// Σ qᵢ·xᵢ, where `widen` makes a float of a component.
///
/// # Safety
/// As of a [`super::FloatKernel`].
#[inline(always)]
unsafe fn dot<T: Copy>(
    query: *const f32,
    rows: &[*const T],
    len: usize,
    out: &mut [f32],
    widen: impl Fn(T) -> f32,
) {
    for (row, out) in rows.iter().zip(out) {
        // SAFETY: the caller promises `len` readable components behind both pointers.
        *out = unsafe { reduce(query, *row, len, |q, x| q * widen(x)) };
    }
}

/// Σ (qᵢ − xᵢ)², where `widen` makes a float of a component.
///
/// # Safety
/// As of a [`super::FloatKernel`].
#[inline(always)]
unsafe fn l2<T: Copy>(
    query: *const f32,
    rows: &[*const T],
    len: usize,
    out: &mut [f32],
    widen: impl Fn(T) -> f32,
) {
    let term = |q: f32, x: T| {
        let difference = q - widen(x);
        difference * difference
    };
    for (row, out) in rows.iter().zip(out) {
        // SAFETY: the caller promises `len` readable components behind both pointers.
        *out = unsafe { reduce(query, *row, len, term) };
    }
}

/// The canonical order: lane `i` sums components `i`, `i + 32`, …; then the lanes fold in halves.
/// Past the end a lane keeps its sum, as it would by adding the term of two zeros: sums start at
/// `+0.0` and cannot become `-0.0`.
///
/// # Safety
/// `query` and `row` point to `len` readable components.
#[inline(always)]
unsafe fn reduce<T: Copy>(
    query: *const f32,
    row: *const T,
    len: usize,
    term: impl Fn(f32, T) -> f32,
) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut add = |start: usize, count: usize| {
        for (i, sum) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: `start + count ≤ len`, and the caller promises as many readable components.
            let (q, x) = unsafe {
                (query.add(start + i).read_unaligned(), row.add(start + i).read_unaligned())
            };
            *sum += term(q, x);
        }
    };
    let whole = len - len % LANES;
    for start in (0..whole).step_by(LANES) {
        add(start, LANES);
    }
    add(whole, len - whole);
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    for (row, out) in rows.iter().zip(out) {
        // SAFETY: the caller promises `len` readable bytes behind both pointers.
        *out = unsafe { (0..len).map(|i| i32::from(*query.add(i)) * i32::from(*row.add(i))).sum() };
    }
}

unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    for (row, out) in rows.iter().zip(out) {
        // SAFETY: the caller promises `len` readable bytes behind both pointers.
        *out = unsafe {
            (0..len)
                .map(|i| {
                    let difference = i32::from(*query.add(i)) - i32::from(*row.add(i));
                    difference * difference
                })
                .sum()
        };
    }
}

unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `sum_halves`.
    let score = |row: *const u8| unsafe {
        sum_halves(len, |i, byte, shift| {
            i32::from(*query.add(i)) * i32::from(*row.add(byte) >> shift & 15)
        })
    };
    out.iter_mut().zip(rows).for_each(|(out, row)| *out = score(*row));
}

unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `sum_halves`.
    let score = |row: *const u8| unsafe {
        sum_halves(len, |i, byte, shift| {
            let middle = (*row.add(byte) >> shift & 15) << 3 | 4;
            (i32::from(*query.add(i)) - i32::from(middle)).pow(2)
        })
    };
    out.iter_mut().zip(rows).for_each(|(out, row)| *out = score(*row));
}

unsafe fn split_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `sum_halves`, with two planes a row and in the query.
    let score = |row: *const u8| unsafe {
        sum_halves(len, |_, byte, shift| {
            let half = |plane: *const u8| *plane.add(byte) >> shift & 15;
            let code = |row: *const u8| i32::from(half(row) << 3 | half(row.add(len)));
            (code(query) - code(row)).pow(2)
        })
    };
    out.iter_mut().zip(rows).for_each(|(out, row)| *out = score(*row));
}

/// Sums `term(component, byte, shift)` over the components of a plane of `len` bytes.
fn sum_halves(len: usize, term: impl Fn(usize, usize, u32) -> i32) -> i32 {
    let run = 2 * PLANE_ALIGN;
    (0..2 * len)
        .map(|i| {
            let (byte, high) = (i / run * PLANE_ALIGN + i % PLANE_ALIGN, i % run >= PLANE_ALIGN);
            term(i, byte, if high { 4 } else { 0 })
        })
        .sum()
}
