//! Errors of the core as JavaScript errors that carry its stable codes.

use std::fmt::Display;

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;

/// An error of the core.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(crate) fn of(error: ecphory::Error) -> JsValue {
    with_code(error.code(), &error.to_string())
}

/// An error of the core that ended a call after it had `done` so many of its items.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(crate) fn midway(error: ecphory::Error, done: usize) -> JsValue {
    let error = with_code(error.code(), &error.to_string());
    // A fresh ordinary object takes every property.
    let _ = Reflect::set(&error, &"done".into(), &(done as f64).into());
    error
}

/// A name that names nothing, such as a metric that does not exist.
pub(crate) fn unknown_name(error: impl Display) -> JsValue {
    with_code("unknown-name", &error.to_string())
}

/// No memory for `bytes` bytes.
pub(crate) fn out_of_memory(bytes: usize) -> JsValue {
    of(ecphory::Error::OutOfMemory { bytes })
}

/// An `Error` with this message and a property `code`.
pub(crate) fn with_code(code: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    // A fresh ordinary object takes every property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
