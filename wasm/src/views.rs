//! Typed arrays in and out of this module's memory: one copy each way, and no allocation that can
//! end the instance.

use std::hint::black_box;
use std::io::{self, Write};
use std::ptr::NonNull;
use std::sync::Arc;

use ecphory::Region;
use js_sys::{Float32Array, Float64Array, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;

use crate::Result;
use crate::errors::{out_of_memory, with_code};

/// Largest whole number below which every whole number is one `f64`.
const SAFE_MAX: f64 = 9_007_199_254_740_991.0;

/// A number as a key.
pub(crate) fn key(number: f64) -> Result<u64> {
    if number.fract() == 0.0 && (0.0..=SAFE_MAX).contains(&number) {
        return Ok(number as u64);
    }
    // JavaScript writes its own numbers; the code to do so here takes 3 KB.
    let shown = String::from(js_sys::Object::to_string(&js_sys::Number::from(number)));
    let message = shown + " is not a whole number in 0..=2^53 - 1; use such a number as id";
    Err(with_code("invalid-id", &message))
}

/// A key as a number.
pub(crate) fn number(key: u64) -> Result<f64> {
    if key <= SAFE_MAX as u64 {
        return Ok(key as f64);
    }
    let message =
        format!("key {key} is above 2^53 - 1, which JavaScript numbers cannot tell apart");
    Err(with_code("invalid-id", &message))
}

/// Keys as numbers.
pub(crate) fn numbers(keys: Vec<u64>) -> Result<Float64Array> {
    let numbers: Vec<f64> = keys.into_iter().map(number).collect::<Result<_>>()?;
    Ok(Float64Array::from(&numbers[..]))
}

/// Numbers as keys.
pub(crate) fn keys(numbers: &Float64Array) -> Result<Vec<u64>> {
    let mut copy = zeroed(numbers.length() as usize, 0.0)?;
    numbers.copy_to(&mut copy);
    let mut keys = zeroed(copy.len(), 0)?;
    for (to, from) in keys.iter_mut().zip(&copy) {
        *to = key(*from)?;
    }
    Ok(keys)
}

/// A key that is there more than once.
pub(crate) fn twin(keys: &[u64]) -> Result<Option<u64>> {
    let mut sorted = zeroed(keys.len(), 0)?;
    sorted.copy_from_slice(keys);
    sorted.sort_unstable();
    Ok(sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]))
}

/// Refuses what needs `bytes` bytes for each of `count` values where they are not to be had. Asked
/// before memory is taken in ways that end the instance when there is none.
pub(crate) fn has_room(count: usize, bytes: usize) -> Result<()> {
    let bytes = count.saturating_mul(bytes);
    let mut trial: Vec<u8> = Vec::new();
    trial.try_reserve_exact(bytes).map_err(|_| out_of_memory(bytes))?;
    // Else the compiler would see that nobody uses it, and not ask.
    black_box(trial.as_ptr());
    Ok(())
}

/// A copy of the floats.
pub(crate) fn floats(numbers: &Float32Array) -> Result<Vec<f32>> {
    let mut copy = zeroed(numbers.length() as usize, 0.0)?;
    numbers.copy_to(&mut copy);
    Ok(copy)
}

/// A copy of the bytes.
pub(crate) fn bytes(bytes: &Uint8Array) -> Result<Vec<u8>> {
    let mut copy = zeroed(bytes.length() as usize, 0)?;
    bytes.copy_to(&mut copy);
    Ok(copy)
}

/// A copy of the bytes, aligned as the core wants them.
pub(crate) fn region(bytes: &Uint8Array) -> Result<Region> {
    let len = bytes.length() as usize;
    let mut lines = zeroed(len.div_ceil(size_of::<Line>()), Line([0; 64]))?;
    let start: NonNull<u8> = NonNull::from(&mut lines[..]).cast();
    // SAFETY: the lines hold at least `len` initialised bytes, borrowed from nowhere else.
    bytes.copy_to(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) });
    // SAFETY: lines are aligned to 64 bytes and at least `len` long; the vector moves into the
    // owner, which keeps its block where it is and lets nobody use it.
    Ok(unsafe { Region::from_raw(start, len, Arc::new(lines)) })
}

/// What `write` writes, at most `len` bytes of it, collected in a JavaScript buffer.
pub(crate) fn written(
    len: u64,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Uint8Array> {
    let buffer = u32::try_from(len).map_err(|_| out_of_memory(len as usize))?;
    let mut output = Output { buffer: Uint8Array::new_with_length(buffer), written: 0 };
    // Nothing refuses these bytes but a writer that came in between, and there is none. (The texts
    // of all errors of input and output would be a hundredth of the library.)
    write(&mut output).map_err(|_| with_code("internal", "the snapshot was not written"))?;
    Ok(output.buffer.subarray(0, output.written))
}

/// An ordinary object with these properties.
pub(crate) fn object<const N: usize>(properties: [(&str, JsValue); N]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // A fresh ordinary object takes every property.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
}

/// A cache line: the alignment of the core's regions.
#[derive(Clone)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// `len` times `value`, or a typed error where there is no memory for them.
fn zeroed<T: Clone>(len: usize, value: T) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| out_of_memory(len.saturating_mul(size_of::<T>())))?;
    vector.resize(len, value);
    Ok(vector)
}

/// Appends to a JavaScript buffer of fixed length.
struct Output {
    buffer: Uint8Array,
    written: u32,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = (self.buffer.length() - self.written) as usize;
        let bytes = &bytes[..bytes.len().min(room)];
        let end = self.written + bytes.len() as u32;
        self.buffer.subarray(self.written, end).copy_from(bytes);
        self.written = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
