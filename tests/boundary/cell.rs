//! One cell: a call that must answer or refuse, and must not panic, hang, take memory without
//! bound, or change what it refuses to change.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::subject::Subject;
use crate::tally::Table;
use ecphory::Index;
use ecphory_tests::heap;

/// What a call on little data may take for itself, whatever numbers it is given.
pub(crate) const ROOM: usize = 1 << 20;
/// Far more than any cell takes on a busy machine.
const HANGS: Duration = Duration::from_mins(2);
/// A message that is longer repeats its input.
const MESSAGE_MAX: usize = 400;

/// Named values, made when they are needed.
pub(crate) type Values<T> = &'static [(&'static str, fn() -> T)];
/// Named calls that take one.
pub(crate) type Calls<T> = &'static [(&'static str, fn(&T) -> Given)];

/// What a cell must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The documented answer.
    Answer,
    /// An error of this code.
    Refusal(&'static str),
    /// Either: what data decides.
    AnswerOr(&'static str),
    /// An error of one of these codes.
    OneOf(&'static [&'static str]),
}

/// What a call gave instead of an answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A typed error.
    Refused { code: &'static str, message: String },
    /// An answer, but not the right one.
    Wrong(String),
}

/// What a call gave.
pub(crate) type Given = Result<(), Fault>;

impl From<ecphory::Error> for Fault {
    fn from(error: ecphory::Error) -> Self {
        Self::Refused { code: error.code(), message: error.to_string() }
    }
}

/// An error of a type that has no codes, under a name for its kind.
pub(crate) fn refused(code: &'static str) -> impl Fn(&dyn Display) -> Fault {
    move |error| Fault::Refused { code, message: error.to_string() }
}

/// Refuses an answer that is not the documented one.
pub(crate) fn right(holds: bool, what: impl Display) -> Given {
    if holds { Ok(()) } else { Err(Fault::Wrong(what.to_string())) }
}

/// Fills a cell that has no index.
pub(crate) fn cell(
    table: &mut Table,
    name: &str,
    wanted: Wanted,
    room: usize,
    call: impl FnOnce() -> Given,
) {
    let outcome = watched(name, || outcome(wanted, room, call));
    table.count(name, outcome);
}

/// Fills a cell of a call on an index, which is as before unless the call answers and `may_change`.
pub(crate) fn cell_on(
    table: &mut Table,
    name: &str,
    subject: &mut Subject,
    (wanted, room, may_change): (Wanted, usize, bool),
    call: impl FnOnce(&Index) -> Given,
) {
    let name = format!("{name} on {}", subject.name());
    let mut is_answer = false;
    let outcome = watched(&name, || {
        outcome(wanted, room, || {
            let given = call(subject.index());
            is_answer = given.is_ok();
            given
        })
    });
    let changed = subject.has_changed();
    let outcome = match changed {
        Some(what) if !(is_answer && may_change) => outcome.and(Err(format!("changed {what}"))),
        _ => outcome,
    };
    if outcome.is_err() || subject.differs() {
        subject.renew();
    }
    table.count(&name, outcome);
}

fn outcome(wanted: Wanted, room: usize, call: impl FnOnce() -> Given) -> Result<(), String> {
    let (given, took) = heap::measured(|| catch_unwind(AssertUnwindSafe(call)));
    let given = given.map_err(|_| "panicked".to_owned())?;
    if took > room {
        return Err(format!("took {took} bytes, more than {room}"));
    }
    let (code, message) = match given {
        Ok(()) if matches!(wanted, Wanted::Answer | Wanted::AnswerOr(_)) => return Ok(()),
        Ok(()) => return Err(format!("was not refused: {wanted:?}")),
        Err(Fault::Wrong(what)) => return Err(what),
        Err(Fault::Refused { code, message }) => (code, message),
    };
    let is_wanted = match wanted {
        Wanted::Answer => false,
        Wanted::Refusal(other) | Wanted::AnswerOr(other) => code == other,
        Wanted::OneOf(codes) => codes.contains(&code),
    };
    if is_wanted { is_helpful(&message) } else { Err(format!("refused as {code}: {message}")) }
}

/// A message says what was wrong and what to do, in few words.
fn is_helpful(message: &str) -> Result<(), String> {
    match message {
        long if long.len() > MESSAGE_MAX => Err(format!("a message of {} bytes", long.len())),
        message if message.contains([';', ',']) => Ok(()),
        message => Err(format!("does not say what to do: {message}")),
    }
}

/// Runs a cell; if it does not end, ends the program with its name.
fn watched<T>(name: &str, run: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
                eprintln!("FAILED {name}: does not end");
                std::process::abort();
            }
        });
        let given = run();
        drop(done);
        given
    })
}
