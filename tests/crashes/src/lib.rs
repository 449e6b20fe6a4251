//! Crashes of a store on a disk that is made up: the same in every test program, and in Node.js as
//! 32-bit WebAssembly.
//!
//! ```text
//!   work ──asks──► Store ──calls──► disk ──trace──► everywhere: the power goes at each call
//!                    ▲                                  │
//!                    └──────────── each image ◄─────────┘ opened again: nothing is lost
//! ```
//! Absent on purpose: files, threads and clocks, so that it runs where there are none.

pub mod disk;
pub mod everywhere;
#[cfg(target_arch = "wasm32")]
pub mod node;
mod numbers;
pub mod work;

pub use numbers::Numbers;
