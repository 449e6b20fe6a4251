//! Standard output and standard error.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use serde::{Serialize, Serializer};

/// Prints results, readable or as JSON.
pub(super) struct Output {
    json: bool,
    styled: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let styled = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, styled }
    }

    /// Prints `report` as one JSON object, or what `text` makes of it.
    pub(super) fn result<T: Serialize>(
        &self,
        report: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        if self.json {
            let mut json = serde_json::to_vec(report)?;
            json.push(b'\n');
            self.raw(&json)
        } else {
            self.raw(text(report).as_bytes())
        }
    }

    /// A reader that has seen enough and closed the pipe is no error.
    #[expect(clippy::unused_self, reason = "whoever prints holds an output")]
    pub(super) fn raw(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Named values, one a line, aligned.
    pub(super) fn rows(&self, rows: &[(&str, String)]) -> String {
        let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, value) in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {value}", self.dim(format_args!("{name:<widest$}")));
        }
        text
    }

    /// Makes `text` stand out on a terminal.
    pub(super) fn bold(&self, text: impl Display) -> String {
        self.style("1", text)
    }

    /// Makes `text` stand back on a terminal.
    pub(super) fn dim(&self, text: impl Display) -> String {
        self.style("2", text)
    }

    fn style(&self, code: &str, text: impl Display) -> String {
        if self.styled { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// Writes a path into JSON, which holds text: what is none is replaced, as on a terminal.
pub(super) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Prints an error, its way out on a line of its own. Messages of this project put it behind a
/// semicolon.
pub(super) fn report(error: &anyhow::Error) {
    let message = error.to_string();
    let text = match message.split_once("; ") {
        Some((what, hint)) => format!("error: {what}\n hint: {hint}\n"),
        None => format!("error: {message}\n"),
    };
    // Nowhere is left to say that standard error is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
