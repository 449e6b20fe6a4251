//! The commands: what they are asked, what they print. What they do is the library's.
//!
//! - Results go to standard output, as a few readable lines or, with `--json`, as one object.
//!   Progress and errors go to standard error; in a pipe there is no progress.
//! - An error is one line, and a second one with the way out. The exit code is 1, or 2 if the
//!   command line itself makes no sense.

mod bench;
mod build;
mod change;
mod delete;
mod demo;
mod format;
mod info;
mod keys;
mod memories;
mod output;
mod progress;
mod query;
mod store;
mod tag;
mod transfer;
mod upsert;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::Output;

/// Approximate nearest neighbours: build an index, ask it, measure it.
#[derive(Parser)]
#[command(name = "ecphory", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Index 20,000 words, ask for a few, and write a report with plots.
    Demo(demo::Demo),
    /// Build an index over a file of vectors and save it.
    Build(build::Build),
    /// Give items of a snapshot tags to search by, and take them away.
    Tag(tag::Tag),
    /// Find the nearest neighbours of a file of vectors.
    Query(query::Query),
    /// Add items to a snapshot, or give items other vectors.
    Upsert(upsert::Upsert),
    /// Take items out of a snapshot.
    Delete(delete::Delete),
    /// Measure build rate, memory, and recall against speed.
    Bench(bench::Bench),
    /// Say what is in a snapshot.
    Info(info::Info),
    /// Check every block and every link of a snapshot or a store.
    Verify(verify::Verify),
    /// Look at a store: a directory of spaces that outlive the process.
    #[command(subcommand)]
    Store(store::Store),
    /// Build spaces of a store anew, without what deleted items have left.
    Compact(store::Compact),
    /// Copy a store, as it is at one moment, to another directory.
    Backup(store::Backup),
    /// Make a store of a backup.
    Restore(store::Restore),
    /// Make a store of what can still be read of a damaged one, and say what is lost.
    Salvage(store::Salvage),
    /// Make one item of a space lead to another: "is a", "caused".
    Associate(memories::Associate),
    /// Say what a vector or an item brings to mind, and by which way.
    Recollect(memories::Recollect),
    /// List what time has left too little of, and delete it if told to.
    Forget(memories::Forget),
    /// Say how the items of a space fade, or set it.
    Retention(memories::Retain),
    /// Add items from a file to a space of a store.
    Import(transfer::Import),
    /// Write a space of a store to a file.
    Export(transfer::Export),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command line of this process.
pub(crate) fn run() -> ExitCode {
    let Cli { command, json } = Cli::parse();
    let output = Output::new(json);
    let done = match command {
        Command::Demo(demo) => demo.run(&output),
        Command::Build(build) => build.run(&output),
        Command::Tag(tag) => tag.run(&output),
        Command::Query(query) => query.run(&output),
        Command::Upsert(upsert) => upsert.run(&output),
        Command::Delete(delete) => delete.run(&output),
        Command::Bench(bench) => bench.run(&output),
        Command::Info(info) => info.run(&output),
        Command::Verify(verify) => verify.run(&output),
        Command::Store(store) => store.run(&output),
        Command::Compact(compact) => compact.run(&output),
        Command::Backup(backup) => backup.run(&output),
        Command::Restore(restore) => restore.run(&output),
        Command::Salvage(salvage) => salvage.run(&output),
        Command::Associate(associate) => associate.run(&output),
        Command::Recollect(recollect) => recollect.run(&output),
        Command::Forget(forget) => forget.run(&output),
        Command::Retention(retain) => retain.run(&output),
        Command::Import(import) => import.run(&output),
        Command::Export(export) => export.run(&output),
        Command::Completions { shell } => completions(shell, &output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::report(&error);
            ExitCode::FAILURE
        }
    }
}

fn completions(shell: clap_complete::Shell, output: &Output) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ecphory", &mut script);
    output.raw(&script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
