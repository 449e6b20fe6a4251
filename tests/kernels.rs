//! Differential suite of the kernels: every instruction set against plain Rust, bit for bit, and
//! plain Rust against exact arithmetic.
//!
//! `ECPHORY_REQUIRE_ISA=avx512,avx2` makes the absence of those instruction sets a failure;
//! without it an absent one is reported and passed over. `ECPHORY_SEED` replays a failure.

use std::fmt::Debug;

use ecphory::arch::{FloatKernel, Isa, Kernels, PLANE_ALIGN, detected, kernels_for, scalar};
use half::f16;

/// Every length around the widths of registers and blocks, then those of real rows.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=257).chain([384, 768, 1000, 1536])
}

/// Rows per call: none, and both sides of every batch.
const ROWS_MAX: usize = 9;

/// Bytes by which successive vectors are moved off a 64-byte boundary.
const MISALIGNMENTS: [usize; 5] = [0, 1, 4, 31, 33];

#[test]
fn every_instruction_set_gives_the_bits_of_plain_rust() {
    let seed = seed();
    let required = std::env::var("ECPHORY_REQUIRE_ISA").unwrap_or_default();
    let required = required.split(',').filter(|name| !name.is_empty()).map(|name| {
        Isa::from_name(name).unwrap_or_else(|| panic!("ECPHORY_REQUIRE_ISA: no `{name}`"))
    });
    for isa in required {
        assert!(kernels_for(isa).is_some(), "{isa} is required and this machine lacks it");
    }
    for isa in Isa::ALL {
        match kernels_for(isa) {
            Some(kernels) => {
                assert_eq!(kernels.isa, isa);
                differences(kernels, seed).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
                println!("{isa}: equal");
            }
            None => println!("{isa}: absent on this machine, not checked"),
        }
    }
}

#[test]
fn plain_rust_is_near_the_exact_value() {
    let seed = seed();
    exactness(seed).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
}

#[test]
fn the_suite_notices_a_fused_multiply_add() {
    unsafe fn fused(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
        for (row, out) in rows.iter().zip(out) {
            let mut lanes = [0.0f32; scalar::LANES];
            for i in 0..len {
                // SAFETY: the caller promises `len` readable floats.
                let (q, x) =
                    unsafe { (query.add(i).read_unaligned(), row.add(i).read_unaligned()) };
                lanes[i % scalar::LANES] = q.mul_add(x, lanes[i % scalar::LANES]);
            }
            for width in [16, 8, 4, 2, 1] {
                for i in 0..width {
                    lanes[i] += lanes[i + width];
                }
            }
            *out = lanes[0];
        }
    }
    let mut broken = scalar::KERNELS;
    broken.f32_dot = fused;
    assert!(differences(&broken, seed()).is_err());
}

#[test]
fn the_suite_notices_a_forgotten_tail() {
    unsafe fn no_tail(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
        // SAFETY: fewer components than the caller promises.
        unsafe { (scalar::KERNELS.u7_dot)(query, rows, len / 16 * 16, out) }
    }
    let mut broken = scalar::KERNELS;
    broken.u7_dot = no_tail;
    assert!(differences(&broken, seed()).is_err());
}

#[test]
fn the_suite_notices_flushed_denormals() {
    unsafe fn flushing(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
        for (row, out) in rows.iter().zip(out) {
            // SAFETY: the caller promises `len` readable components.
            let row = (0..len).map(|i| unsafe { row.add(i).read_unaligned() });
            let normal = |half| f16::from_bits(half).is_normal();
            let row: Vec<u16> = row.map(|half| if normal(half) { half } else { 0 }).collect();
            // SAFETY: both hold `len` components.
            unsafe {
                (scalar::KERNELS.f16_dot)(query, &[row.as_ptr()], len, std::slice::from_mut(out));
            }
        }
    }
    let mut broken = scalar::KERNELS;
    broken.f16_dot = flushing;
    assert!(differences(&broken, seed()).is_err());
}

#[test]
fn detection_chooses_what_this_machine_has() {
    assert!(kernels_for(detected().isa).is_some());
    let best = Isa::ALL.into_iter().rfind(|isa| kernels_for(*isa).is_some());
    assert_eq!(Some(detected().isa), best);
    for isa in Isa::ALL {
        assert_eq!(Isa::from_name(isa.name()), Some(isa));
    }
}

/// The first result of `kernels` that is not the one of plain Rust.
fn differences(kernels: &Kernels, seed: u64) -> Result<(), String> {
    let truth = &scalar::KERNELS;
    let mut random = Random(seed);
    for len in lengths() {
        for misalignment in MISALIGNMENTS {
            let signed = Vectors::new(misalignment, len, || random.signed_code());
            let codes = Vectors::new(misalignment, len, || random.code() as i8);
            let floats = Vectors::new(misalignment, len, || random.float());
            let halves = Vectors::new(misalignment, len, || random.half());
            let bytes = Vectors::new(misalignment, len, || random.code());
            for count in 0..=ROWS_MAX {
                let rows = codes.rows(count).into_iter().map(<*const i8>::cast).collect::<Vec<_>>();
                compare(("u7_dot", len, misalignment), count, |isa_is_truth, out| {
                    let kernel = if isa_is_truth { truth.u7_dot } else { kernels.u7_dot };
                    // SAFETY: all vectors have `len` components; codes are ≤ 127.
                    unsafe { kernel(signed.query(), &rows, len, out) }
                })?;
                compare(("u7_l2", len, misalignment), count, |isa_is_truth, out| {
                    let kernel = if isa_is_truth { truth.u7_l2 } else { kernels.u7_l2 };
                    // SAFETY: all vectors have `len` components; codes are ≤ 127.
                    unsafe { kernel(codes.query().cast(), &rows, len, out) }
                })?;
                let case = |name| (name, len, misalignment);
                let (query, rows) = (floats.query(), floats.rows(count));
                compare_floats(case("f32_dot"), query, &rows, len, truth.f32_dot, kernels.f32_dot)?;
                compare_floats(case("f32_l2"), query, &rows, len, truth.f32_l2, kernels.f32_l2)?;
                let rows = halves.rows(count);
                compare_floats(case("f16_dot"), query, &rows, len, truth.f16_dot, kernels.f16_dot)?;
                compare_floats(case("f16_l2"), query, &rows, len, truth.f16_l2, kernels.f16_l2)?;
                let rows = bytes.rows(count);
                let (dot, l2) = (truth.steps_dot, truth.steps_l2);
                compare_floats(case("steps_dot"), query, &rows, len, dot, kernels.steps_dot)?;
                compare_floats(case("steps_l2"), query, &rows, len, l2, kernels.steps_l2)?;
            }
        }
    }
    split_differences(kernels, &mut random)
}

/// The same for the kernels of split rows: planes of whole runs, the second behind the first.
fn split_differences(kernels: &Kernels, random: &mut Random) -> Result<(), String> {
    let truth = &scalar::KERNELS;
    for len in (0..=12).map(|runs| runs * PLANE_ALIGN) {
        for misalignment in MISALIGNMENTS {
            let signed = Vectors::new(misalignment, 2 * len, || random.signed_code());
            let codes = Vectors::new(misalignment, 2 * len, || random.code());
            // Any byte: the upper bits of a damaged lower plane must do the same everywhere.
            let planes = Vectors::new(misalignment, 2 * len, || random.next() as u8);
            for count in 0..=ROWS_MAX {
                let rows = planes.rows(count);
                compare(("half_dot", len, misalignment), count, |isa_is_truth, out| {
                    let kernel = if isa_is_truth { truth.half_dot } else { kernels.half_dot };
                    // SAFETY: queries and rows have `2 · len` components and bytes.
                    unsafe { kernel(signed.query(), &rows, len, out) }
                })?;
                for (name, query, truth, kernel) in [
                    ("half_l2", codes.query(), truth.half_l2, kernels.half_l2),
                    ("split_l2", planes.query(), truth.split_l2, kernels.split_l2),
                ] {
                    compare((name, len, misalignment), count, |isa_is_truth, out| {
                        let kernel = if isa_is_truth { truth } else { kernel };
                        // SAFETY: as above.
                        unsafe { kernel(query, &rows, len, out) }
                    })?;
                }
            }
        }
    }
    Ok(())
}

/// Calls a kernel of plain Rust and one to be tested; their scores must be the same bits.
fn compare(case: impl Debug, count: usize, score: impl Fn(bool, &mut [i32])) -> Result<(), String> {
    let (mut expected, mut found) = (vec![i32::MIN; count], vec![i32::MAX; count]);
    score(true, &mut expected);
    score(false, &mut found);
    if expected == found {
        return Ok(());
    }
    Err(format!("{case:?}, {count} rows: {found:x?} instead of {expected:x?}"))
}

/// As [`compare`], of a kernel that scores rows of any kind against floats.
fn compare_floats<T>(
    case: impl Debug,
    query: *const f32,
    rows: &[*const T],
    len: usize,
    truth: FloatKernel<T>,
    kernel: FloatKernel<T>,
) -> Result<(), String> {
    compare(case, rows.len(), |isa_is_truth, out| {
        let kernel = if isa_is_truth { truth } else { kernel };
        let mut scores = vec![f32::NAN; rows.len()];
        // SAFETY: all vectors have `len` components.
        unsafe { kernel(query, rows, len, &mut scores) }
        for (out, score) in out.iter_mut().zip(scores) {
            *out = score.to_bits() as i32;
        }
    })
}

/// Codes must be exact; floats within (n + 2)·ε·Σ|terms|, plus what underflows.
fn exactness(seed: u64) -> Result<(), String> {
    let kernels = &scalar::KERNELS;
    let mut random = Random(seed);
    for len in lengths() {
        let signed: Vec<i8> = (0..len).map(|_| random.signed_code()).collect();
        let code: Vec<u8> = (0..len).map(|_| random.code()).collect();
        let row: Vec<u8> = (0..len).map(|_| random.code()).collect();
        let dot = signed.iter().zip(&row).map(|(q, c)| i64::from(*q) * i64::from(*c)).sum();
        let l2 = code.iter().zip(&row).map(|(q, c)| (i64::from(*q) - i64::from(*c)).pow(2)).sum();
        let mut scores = [0; 2];
        // SAFETY: all vectors have `len` components; codes are ≤ 127.
        unsafe {
            (kernels.u7_dot)(signed.as_ptr(), &[row.as_ptr()], len, &mut scores[..1]);
            (kernels.u7_l2)(code.as_ptr(), &[row.as_ptr()], len, &mut scores[1..]);
        }
        let exact: [i64; 2] = [dot, l2];
        if scores.map(i64::from) != exact {
            return Err(format!("codes of {len}: {scores:?} instead of {exact:?}"));
        }

        let query: Vec<f32> = (0..len).map(|_| random.float()).collect();
        let row: Vec<f32> = (0..len).map(|_| random.float()).collect();
        float_exactness(&query, &row, f64::from, [kernels.f32_dot, kernels.f32_l2])?;
        let row: Vec<u16> = (0..len).map(|_| random.half()).collect();
        let value = |bits| f16::from_bits(bits).to_f64();
        float_exactness(&query, &row, value, [kernels.f16_dot, kernels.f16_l2])?;
        let row: Vec<u8> = (0..len).map(|_| random.code()).collect();
        let value = |code| f64::from(code) - 64.0;
        float_exactness(&query, &row, value, [kernels.steps_dot, kernels.steps_l2])?;
    }
    Ok(())
}

#[test]
fn both_planes_are_the_code_and_the_upper_is_near_it() {
    let kernels = &scalar::KERNELS;
    let mut random = Random(seed());
    for runs in 0..8 {
        let len = runs * PLANE_ALIGN;
        let query: Vec<u8> = (0..2 * len).map(|_| random.code()).collect();
        let signed: Vec<i8> = (0..2 * len).map(|_| random.signed_code()).collect();
        let row: Vec<u8> = (0..2 * len).map(|_| random.code()).collect();
        let split = |codes: &[u8]| {
            let mut planes = vec![0u8; 2 * len];
            for (i, code) in codes.iter().enumerate() {
                let byte = i / 128 * 64 + i % 64;
                let shift = if i % 128 < 64 { 0 } else { 4 };
                planes[byte] |= (code >> 3) << shift;
                planes[len + byte] |= (code & 7) << shift;
            }
            planes
        };
        let (query_planes, planes) = (split(&query), split(&row));
        let l2 = |center: fn(u8) -> i32| -> i32 {
            query.iter().zip(&row).map(|(q, c)| (i32::from(*q) - center(*c)).pow(2)).sum()
        };
        let dot = |part: fn(u8) -> i32| -> i32 {
            signed.iter().zip(&row).map(|(q, c)| i32::from(*q) * part(*c)).sum()
        };
        let mut scores = [0; 4];
        let rows = [planes.as_ptr()];
        // SAFETY: queries have `2 · len` components, split ones and the row two planes of `len` bytes.
        unsafe {
            (kernels.split_l2)(query_planes.as_ptr(), &rows, len, &mut scores[..1]);
            (kernels.half_l2)(query.as_ptr(), &rows, len, &mut scores[1..2]);
            (kernels.half_dot)(signed.as_ptr(), &rows, len, &mut scores[2..3]);
            (kernels.half_dot)(signed.as_ptr(), &[planes[len..].as_ptr()], len, &mut scores[3..]);
        }
        let middle = |c| i32::from(c & 0x78 | 4);
        assert_eq!(scores[0], l2(i32::from), "{len} bytes");
        assert_eq!(scores[1], l2(middle), "{len} bytes");
        assert_eq!(scores[2], dot(|c| i32::from(c >> 3)), "{len} bytes");
        assert_eq!(8 * scores[2] + scores[3], dot(i32::from), "{len} bytes");
    }
}

/// The kernels of products and of squared differences on one row, whose components have `value`s.
fn float_exactness<T: Copy>(
    query: &[f32],
    row: &[T],
    value: impl Fn(T) -> f64,
    [dot, l2]: [FloatKernel<T>; 2],
) -> Result<(), String> {
    let len = query.len();
    let pairs = || query.iter().zip(row).map(|(q, x)| (f64::from(*q), value(*x)));
    let mut scores = [0.0; 2];
    // SAFETY: both vectors have `len` components.
    unsafe {
        dot(query.as_ptr(), &[row.as_ptr()], len, &mut scores[..1]);
        l2(query.as_ptr(), &[row.as_ptr()], len, &mut scores[1..]);
    }
    near(scores[0], pairs().map(|(q, x)| q * x), len)?;
    near(scores[1], pairs().map(|(q, x)| (q - x) * (q - x)), len)
}

fn near(found: f32, terms: impl Iterator<Item = f64>, len: usize) -> Result<(), String> {
    let (exact, magnitude) =
        terms.fold((0.0, 0.0), |(sum, magnitude), term| (sum + term, magnitude + term.abs()));
    let underflow = len as f64 * f64::from(f32::MIN_POSITIVE * f32::EPSILON);
    let bound = (len + 2) as f64 * f64::from(f32::EPSILON) * magnitude + underflow;
    if (f64::from(found) - exact).abs() <= bound {
        return Ok(());
    }
    Err(format!("floats of {len}: {found:e} is not within {bound:e} of {exact:e}"))
}

/// A query and [`ROWS_MAX`] rows at odd addresses, in a sea of bytes that spoil every sum
/// (all ones: a NaN, and a code out of range), so that a kernel that reads past an end is seen.
struct Vectors<T> {
    memory: Vec<u8>,
    offsets: Vec<usize>,
    element: std::marker::PhantomData<T>,
}

impl<T> Vectors<T> {
    fn new(misalignment: usize, len: usize, mut component: impl FnMut() -> T) -> Self {
        let slot = (len * size_of::<T>()).next_multiple_of(64) + 128;
        let mut memory = vec![0xff; (ROWS_MAX + 1) * slot + 64];
        let boundary = memory.as_ptr().align_offset(64);
        let offsets: Vec<usize> = (0..=ROWS_MAX)
            .map(|vector| boundary + vector * slot + (vector + 1) * misalignment % 64)
            .collect();
        for offset in &offsets {
            for i in 0..len {
                let bytes = &mut memory[offset + i * size_of::<T>()..][..size_of::<T>()];
                // SAFETY: the slice has the size of one `T`.
                unsafe { bytes.as_mut_ptr().cast::<T>().write_unaligned(component()) };
            }
        }
        Self { memory, offsets, element: std::marker::PhantomData }
    }

    fn query(&self) -> *const T {
        self.memory[self.offsets[0]..].as_ptr().cast()
    }

    fn rows(&self, count: usize) -> Vec<*const T> {
        let offsets = self.offsets[1..=count].iter();
        offsets.map(|offset| self.memory[*offset..].as_ptr().cast()).collect()
    }
}

fn seed() -> u64 {
    match std::env::var("ECPHORY_SEED") {
        Ok(seed) => seed.parse().expect("ECPHORY_SEED is a whole number"),
        Err(_) => 0x0ecf_0127,
    }
}

/// `SplitMix64`, and components with a taste for corner cases.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0..=127, a quarter of them at the ends.
    fn code(&mut self) -> u8 {
        match self.next() % 8 {
            0 => 0,
            1 => 127,
            _ => (self.next() % 128) as u8,
        }
    }

    /// −127..=127.
    fn signed_code(&mut self) -> i8 {
        let code = self.code() as i8;
        if self.next().is_multiple_of(2) { code } else { -code }
    }

    /// Any finite 16-bit float, a quarter of them zero, denormal or the largest.
    fn half(&mut self) -> u16 {
        let sign = (self.next() as u16) & 0x8000;
        sign | match self.next() % 16 {
            0 => 0,
            1 | 2 => self.next() as u16 & 0x3ff,
            3 => f16::MAX.to_bits(),
            _ => (self.next() % 0x7c00) as u16,
        }
    }

    /// Mostly within ±1; zeros of both signs, denormals and large values among them.
    fn float(&mut self) -> f32 {
        let unit = (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        match self.next() % 16 {
            0 => 0.0,
            1 => -0.0,
            2 => unit * f32::MIN_POSITIVE,
            3 => unit * 1e-22,
            4 => unit * 1e6,
            _ => unit,
        }
    }
}
