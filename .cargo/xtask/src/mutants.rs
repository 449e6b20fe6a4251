//! `cargo xtask mutants`: guards of the store taken out one by one, each of which a named test must
//! miss.
//!
//! ```text
//!   tree ──copy──► target/mutants/tree ──one guard out──► its test must fail ──► put back
//! ```
//! A test that passes without the guard does not test it. Every mutant must compile: one that does
//! not is an error, as is one whose text is not in the file exactly once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde_json::json;

use crate::{process, workspace};

/// A guard, what is put in its place, and the test that must fail without it.
struct Mutant {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    test: &'static str,
}

/// Whole programs are `lib` (the core's own tests) or a test program and a filter.
const CRASH: &str = "durable crash::";
const FAULT: &str = "durable fault::";
const FLIP: &str = "durable flip::";
const LEVELS: &str = "durable levels::";
const LIB: &str = "lib log::";

const WRITE: &str = "src/log/write.rs";
const RECOVER: &str = "src/log/recover.rs";
const SEGMENT: &str = "src/log/segment.rs";
const FRAME: &str = "src/log/frame.rs";
const MANIFEST: &str = "src/log/manifest.rs";
const PARTS: &str = "src/log/parts.rs";
const CHECKPOINT: &str = "src/durable/checkpoint.rs";
const SAVE: &str = "src/durable/save.rs";

const MUTANTS: &[Mutant] = &[
    Mutant {
        what: "a commit does not sync",
        file: WRITE,
        from: "        file.sync().map_err(|_| self.poison())?;\n        // AcqRel",
        to: "        let _ = file;\n        // AcqRel",
        test: CRASH,
    },
    Mutant {
        what: "a commit counts frames that came after its sync began",
        file: WRITE,
        from: "self.synced.fetch_max(last, Ordering::AcqRel);",
        to: "self.synced.fetch_max(last + 1, Ordering::AcqRel);",
        test: CRASH,
    },
    Mutant {
        what: "a failed sync does not poison",
        file: WRITE,
        from: "        file.sync().map_err(|_| self.poison())?;\n        // AcqRel",
        to: "        file.sync().map_err(|_| StoreError::Poisoned)?;\n        // AcqRel",
        test: FAULT,
    },
    Mutant {
        what: "the name of a segment is not synced",
        file: WRITE,
        from: "file.sync().and_then(|()| storage.sync()).map_err(StoreError::io(SYNC, &name))?;",
        to: "file.sync().map_err(StoreError::io(SYNC, &name))?;",
        test: CRASH,
    },
    Mutant {
        what: "the header of a segment is not synced",
        file: WRITE,
        from: "file.sync().and_then(|()| storage.sync()).map_err(StoreError::io(SYNC, &name))?;",
        to: "storage.sync().map_err(StoreError::io(SYNC, &name))?;",
        test: CRASH,
    },
    Mutant {
        what: "a segment that ends is not synced",
        file: WRITE,
        from: "        self.sync(&*writer.file, writer.next - 1)?;\n",
        to: "",
        test: CRASH,
    },
    Mutant {
        what: "a sync leaves behind what is held",
        file: WRITE,
        from: "                self.drain(&mut writer)?;\n                (Arc",
        to: "                writer.reserved += 0;\n                (Arc",
        test: LEVELS,
    },
    Mutant {
        what: "a segment ends before what is held",
        file: WRITE,
        from: "        self.drain(writer)?;\n",
        to: "",
        test: LEVELS,
    },
    Mutant {
        what: "what is held and cannot be written does not poison",
        file: WRITE,
        from: "            return Err(self.poison());\n        }\n        writer.held.clear();",
        to: "            return Err(StoreError::Poisoned);\n        }\n        writer.held.clear();",
        test: LEVELS,
    },
    Mutant {
        what: "a store that is dropped forgets what it holds",
        file: WRITE,
        from: "        let _ = self.drain(&mut self.writer());\n",
        to: "",
        test: LEVELS,
    },
    Mutant {
        what: "no room is made before a change",
        file: WRITE,
        from: "        self.fill(&mut writer, needed)?;\n        writer.reserved",
        to: "        let _ = needed;\n        writer.reserved",
        test: FAULT,
    },
    Mutant {
        what: "the watermark stays 0",
        file: WRITE,
        from: "        let synced = self.synced.load(Ordering::Acquire);\n        let header",
        to: "        let synced = 0;\n        let header",
        test: FLIP,
    },
    Mutant {
        what: "the checksum of a payload is not compared",
        file: SEGMENT,
        from: "if header.lsn != self.next || header.crc != crc {",
        to: "if header.lsn != self.next {",
        test: CRASH,
    },
    Mutant {
        what: "the checksum of a header is not compared",
        file: FRAME,
        from: "            && word(28) == crc32c::crc32c_append(place.seed(offset), &bytes[..28])\n",
        to: "            && (word(28) == 0 || place.seed(offset) != 1)\n",
        test: LIB,
    },
    Mutant {
        what: "the length of a payload has no bound",
        file: FRAME,
        from: "            && word(4) as usize <= PAYLOAD_MAX\n",
        to: "            && word(4) as usize <= usize::MAX\n",
        test: LIB,
    },
    Mutant {
        what: "no later frame is asked whether the one that does not hold was durable",
        file: RECOVER,
        from: "last.next <= manifest.durable || last.has_witness()",
        to: "last.next <= manifest.durable",
        test: FLIP,
    },
    Mutant {
        what: "the manifest is not asked what was durable",
        file: RECOVER,
        from: "last.next <= manifest.durable || last.has_witness()",
        to: "last.has_witness()",
        test: FLIP,
    },
    Mutant {
        what: "a segment that was never finished is an error",
        file: RECOVER,
        from: "    found.as_ref().map_or(true, |reader| {",
        to: "    found.as_ref().is_ok_and(|reader| {",
        test: CRASH,
    },
    Mutant {
        what: "a segment need not follow the one before",
        file: RECOVER,
        from: "if (first, chain) != (before.next, before.chain) || before.left() > 0 {",
        to: "if (first, chain) == (0, 0) || before.left() > 0 {",
        test: FLIP,
    },
    Mutant {
        what: "a segment that follows may hide a frame that does not hold",
        file: RECOVER,
        from: "if (first, chain) != (before.next, before.chain) || before.left() > 0 {",
        to: "if first < before.next || chain == 1 {",
        test: FLIP,
    },
    Mutant {
        what: "what a failed sync has lost is not written again",
        file: "src/durable/open.rs",
        from: "        checkpoint(&inner)?;\n",
        to: "",
        test: FAULT,
    },
    Mutant {
        what: "what was damaged is saved again",
        file: "src/snapshot/read.rs",
        from: "Directory::read(file.bytes())?;\n        verify(file.bytes(), &entries, &layout)?;\n",
        to: "Directory::read(file.bytes())?;\n        let _ = &layout;\n",
        test: FLIP,
    },
    Mutant {
        what: "who changes nothing need not wait for what it saw",
        file: "src/durable/write.rs",
        from: "        // What it found may be another's change that is not durable yet.\n        acknowledge(inner, inner.log.last())?;\n",
        to: "",
        test: "durable a_change_that_is_seen_is_durable",
    },
    Mutant {
        what: "the checksum of a manifest is not compared",
        file: MANIFEST,
        from: "if u32::from_le_bytes(*crc) != crc32c::crc32c(body) {",
        to: "if u32::from_le_bytes(*crc) == 1 && body.is_empty() {",
        test: LIB,
    },
    Mutant {
        what: "a manifest is not synced",
        file: MANIFEST,
        from: "let held = file.write_at(0, magic).and_then(|()| file.sync());",
        to: "let held = file.write_at(0, magic);",
        test: CRASH,
    },
    Mutant {
        what: "the name of a manifest is not synced",
        file: MANIFEST,
        from: "    held.and_then(|()| storage.sync()).map_err(failed(SYNC))",
        to: "    held.map_err(failed(SYNC))",
        test: CRASH,
    },
    Mutant {
        what: "the older manifest counts",
        file: MANIFEST,
        from: "usize::from(generations[0] < generations[1])",
        to: "usize::from(generations[0] > generations[1])",
        test: CRASH,
    },
    Mutant {
        what: "the first manifest is written over, whichever counts",
        file: MANIFEST,
        from: "usize::from(self.is_current[0] && !self.is_current[1])",
        to: "usize::from(self.current.generation == 0)",
        test: FAULT,
    },
    Mutant {
        what: "a snapshot is not synced",
        file: SAVE,
        from: "    file.sync().map_err(StoreError::io(\"write\", name))",
        to: "    let _ = (file, name);\n    Ok(())",
        test: CRASH,
    },
    Mutant {
        what: "the name of a snapshot is not synced",
        file: CHECKPOINT,
        from: "    storage.sync().map_err(|_| inner.log.poison())?;\n    Ok(next)",
        to: "    Ok(next)",
        test: CRASH,
    },
    Mutant {
        what: "pages are shared without a look",
        file: SAVE,
        from: "                    == Some(page);",
        to: "                    .is_some();",
        test: "durable parts::",
    },
    Mutant {
        what: "files that others stand on are removed",
        file: "src/durable/open.rs",
        from: "        needed.extend(parts_of(storage, *file)?.iter().map(|part| part.file));\n",
        to: "",
        test: "durable parts::",
    },
    Mutant {
        what: "the checksum of a list of parts is not compared",
        file: PARTS,
        from: "if fields.take_u32()? != crc {",
        to: "if fields.take_u32()? == 0 && crc == 1 {",
        test: LIB,
    },
    Mutant {
        what: "parts may be the same bytes twice",
        file: PARTS,
        from: "total == self.total && sorted.is_sorted_by(apart)",
        to: "total == self.total && (sorted.is_empty() || !sorted.is_sorted_by(apart) || true)",
        test: LIB,
    },
    Mutant {
        what: "old files go before the manifest that does without them",
        file: CHECKPOINT,
        from: "    let made = next.and_then(|next| replace(inner, manifests, next));",
        to: "    let made = next.and_then(|next| {\n        sweep(&*inner.storage, &next)?;\n        replace(inner, manifests, next)\n    });",
        test: CRASH,
    },
    Mutant {
        what: "a store is closed without a word of what is durable",
        file: CHECKPOINT,
        from: "    let durable = inner.log.last();\n",
        to: "    let durable = 0;\n",
        test: FLIP,
    },
    Mutant {
        what: "a change is acknowledged before it is durable",
        file: "src/durable/write.rs",
        from: "        Ack::Durable => inner.log.commit(lsn),",
        to: "        Ack::Durable => Ok(drop(lsn)),",
        test: CRASH,
    },
];

/// Runs them all; `false` if one lives.
pub(crate) fn run(as_json: bool) -> anyhow::Result<bool> {
    let tree = copy()?;
    for test in [CRASH, FAULT, FLIP, LEVELS, LIB] {
        let (passes, text) = passes(&tree, test)?;
        ensure!(passes, "`{test}` fails with all guards in place:\n{text}");
    }
    let mut alive = Vec::new();
    for Mutant { what, file, from, to, test } in MUTANTS {
        let (path, start) = (tree.join(file), Instant::now());
        let whole = std::fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
        ensure!(whole.matches(from).count() == 1, "{what}: its text is not once in {file}");
        std::fs::write(&path, whole.replacen(from, to, 1))?;
        let outcome = passes(&tree, test);
        std::fs::write(&path, whole)?;
        let (lives, text) = outcome?;
        ensure!(
            lives || text.contains("test result: FAILED"),
            "{what}: the mutant does not compile or run:\n{text}"
        );
        let verdict = if lives { "LIVES " } else { "killed" };
        eprintln!("{verdict} {:>4} s  {test:<15} {what}", start.elapsed().as_secs());
        if lives {
            alive.push(*what);
        }
    }
    let killed = MUTANTS.len() - alive.len();
    if as_json {
        println!("{}", json!({ "killed": killed, "alive": alive.len(), "names": alive }));
    } else {
        println!("{killed} passed, {} failed", alive.len());
    }
    Ok(alive.is_empty())
}

/// Whether a test passes in a tree, and what it printed.
fn passes(tree: &Path, test: &str) -> anyhow::Result<(bool, String)> {
    let (program, filter) = test.split_once(' ').context("a test has a program and a filter")?;
    let mut command = process::cargo();
    command.current_dir(tree).env("CARGO_TARGET_DIR", workspace::target().join("mutants/target"));
    command.args(["test", "--offline"]);
    match program {
        "lib" => command.args(["--package", "ecphory", "--lib"]),
        program => command.args(["--package", "ecphory-tests", "--test", program]),
    };
    let output = command.args(["--", filter]).output().context("could not start cargo")?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// The files that git knows, in a folder of their own.
fn copy() -> anyhow::Result<PathBuf> {
    let tree = workspace::target().join("mutants/tree");
    let mut git = Command::new("git");
    git.current_dir(workspace::root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let names = process::read(&mut git)?;
    for name in names.lines() {
        let (from, to) = (workspace::root().join(name), tree.join(name));
        if !from.is_file() {
            continue;
        }
        let text = std::fs::read(&from).with_context(|| format!("reading {name}"))?;
        // What has not changed is not compiled again.
        if std::fs::read(&to).is_ok_and(|old| old == text) {
            continue;
        }
        let Some(folder) = to.parent() else { bail!("{name} is in no folder") };
        std::fs::create_dir_all(folder)?;
        std::fs::write(&to, text)?;
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_each_mutant_is_where_it_says() {
        for Mutant { what, file, from, .. } in MUTANTS {
            let text = std::fs::read_to_string(workspace::root().join(file)).unwrap();
            assert_eq!(text.matches(from).count(), 1, "{what}");
        }
    }
}
