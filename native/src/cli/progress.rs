//! Progress on a terminal, nothing in a pipe.

use ecphory_native::ecphory::{Phase, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use super::format;

/// One line on standard error that shows what is going on; invisible where that is no terminal.
pub(super) struct Line {
    bar: ProgressBar,
    /// What is shown as a bar.
    counted: Option<&'static str>,
}

impl Line {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Self { bar, counted: None }
    }

    /// Says what is going on, for work of unknown length.
    pub(super) fn say(&mut self, what: impl Into<String>) {
        self.counted = None;
        self.bar.set_style(style("{spinner} {msg}"));
        self.bar.set_message(what.into());
    }

    /// Shows how far a build is.
    pub(super) fn build(&mut self, progress: Progress) {
        let what = match progress.phase {
            Phase::Check => "checking",
            Phase::Fit => "encoding",
            Phase::Order => "ordering",
            Phase::Link => "linking",
            Phase::Tune => "tuning",
            _ => "building",
        };
        self.count(what, progress.done, progress.total);
    }

    /// Shows how much of something is done.
    pub(super) fn count(&mut self, what: &'static str, done: usize, total: usize) {
        if self.counted != Some(what) {
            self.counted = Some(what);
            self.bar.set_style(style("{spinner} {msg:<9} [{bar:36}] {pos}/{len}  {elapsed}"));
            self.bar.set_message(what);
            self.bar.set_length(total as u64);
        }
        self.bar.set_position(done as u64);
    }

    /// Shows a measured point of a curve.
    pub(super) fn point(&mut self, point: &ecphory_native::bench::Point) {
        self.say(format!(
            "measuring: ef {}, recall {:.4}, {} a query",
            point.ef,
            point.recall,
            format::micros(point.p50_us)
        ));
    }
}

impl Drop for Line {
    /// Leaves nothing behind, so that results stand alone.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("templates are constants").progress_chars("━╸ ")
}
