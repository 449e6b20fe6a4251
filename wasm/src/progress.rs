//! Work that tells JavaScript how far it is, and stops when told to.

use ecphory::{Error, Phase, Progress};
use js_sys::Function;
use wasm_bindgen::JsValue;

use crate::{Result, errors, number};

/// Items that are put, deleted or tagged between two reports.
const ITEMS_PER_REPORT: usize = 64;

/// Runs `step` for each of `count` items, reporting to `progress`; how many it was true for.
pub(crate) fn each(
    progress: &Function,
    count: usize,
    step: &mut dyn FnMut(usize) -> ecphory::Result<bool>,
) -> Result<usize> {
    let goes_on = |done: usize| {
        let answer =
            progress.call2(&JsValue::UNDEFINED, &number(done).into(), &number(count).into());
        Ok::<_, JsValue>(answer? == JsValue::TRUE)
    };
    let mut hits = 0;
    for at in 0..count {
        if at % ITEMS_PER_REPORT == 0 && !goes_on(at)? {
            return Err(errors::midway(Error::Cancelled, at));
        }
        let hit = step(at).map_err(|error| errors::midway(error, at))?;
        hits += usize::from(hit);
    }
    goes_on(count)?;
    Ok(hits)
}

/// Runs work that reports to `progress`; what that throws comes first.
pub(crate) fn reporting<T>(
    progress: &Function,
    run: impl FnOnce(&mut dyn FnMut(Progress) -> bool) -> ecphory::Result<T>,
) -> Result<T> {
    let mut thrown = None;
    let mut report = |Progress { phase, done, total }: Progress| {
        let args = (phase_name(phase).into(), number(done).into(), number(total).into());
        match progress.call3(&JsValue::UNDEFINED, &args.0, &args.1, &args.2) {
            Ok(answer) => answer == JsValue::TRUE,
            Err(error) => {
                thrown = Some(error);
                false
            }
        }
    };
    let done = run(&mut report);
    match thrown {
        Some(error) => Err(error),
        None => done.map_err(errors::of),
    }
}

/// The step's name, as the package writes it.
fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Check => "check",
        Phase::Fit => "fit",
        Phase::Order => "order",
        Phase::Link => "link",
        Phase::Tune => "tune",
        _ => "work",
    }
}
