//! Where cells run: a directory of good files, and the command in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ecphory_native::vectors::npy;

/// Vectors of the index, their components, and queries.
pub(crate) const LEN: usize = 60;
pub(crate) const DIM: usize = 8;
pub(crate) const QUERIES: usize = 3;

/// The directory of what a cell brings.
pub(crate) const GIVEN: &str = "given";

/// Far more than any cell takes on a busy machine.
const HANGS: Duration = Duration::from_mins(2);
/// Address space of a cell, in KiB: threads reserve much of it, and no cell has much to put there.
const ROOM_KIB: usize = 6 << 20;

/// A directory that is removed at the end.
pub(crate) struct Place {
    directory: PathBuf,
    /// The files that every cell begins with.
    files: BTreeMap<OsString, Vec<u8>>,
}

/// What the command did.
struct Ran {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("ecphory-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let mut place = Self { directory, files: BTreeMap::new() };
        let numbers: Vec<f32> =
            (0..LEN * DIM).map(|i| (i * 7919 % 1009) as f32 / 504.0 - 1.0).collect();
        npy::write(place.path("base.npy"), LEN, &numbers).unwrap();
        npy::write(place.path("queries.npy"), QUERIES, &numbers[..QUERIES * DIM]).unwrap();
        npy::write(place.path("three.npy"), QUERIES, &[0_u64, 7, u64::MAX]).unwrap();
        let keys: Vec<u64> = (0..LEN as u64).collect();
        npy::write(place.path("keys.npy"), LEN, &keys).unwrap();
        for line in [
            "build --base base.npy --out index.ecp --metric l2",
            "import shop s base.npy --metric l2",
        ] {
            let ran = place.run(&words(line)).unwrap();
            assert!(ran.status.success(), "{}", ran.stderr);
        }
        place.keep();
        place
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.join(name)
    }

    /// Takes the files that are there for those that cells begin with.
    fn keep(&mut self) {
        self.files = self.found();
    }

    fn found(&self) -> BTreeMap<OsString, Vec<u8>> {
        files_of(&self.directory)
    }

    /// Removes what a cell wrote and puts back what it changed.
    fn restore(&self) {
        for (name, bytes) in self.found() {
            if self.files.get(&name) != Some(&bytes) {
                fs::remove_file(self.path(name)).unwrap();
            }
        }
        for (name, bytes) in &self.files {
            if !self.path(name).exists() {
                fs::write(self.path(name), bytes).unwrap();
            }
        }
    }

    /// Runs a cell: what is wrong with it, if anything is.
    pub(crate) fn cell(&self, arguments: &[OsString], is_legal: bool) -> Result<(), String> {
        let all = || (self.found(), files_of(&self.path(GIVEN)));
        let before = all();
        let ran = self.run(arguments)?;
        let checked = ran.check(is_legal);
        let has_changed = !ran.status.success() && all() != before;
        self.restore();
        checked.and(if has_changed { Err("changed files".to_owned()) } else { Ok(()) })
    }

    fn run(&self, arguments: &[OsString]) -> Result<Ran, String> {
        let output = |name: &str| {
            let directory = self.path("output");
            fs::create_dir_all(&directory).unwrap();
            directory.join(name)
        };
        let (stdout, stderr) = (output("stdout"), output("stderr"));
        let mut child = confined(env!("CARGO_BIN_EXE_ecphory").as_ref())
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .map_err(|error| format!("does not start: {error}"))?;
        let started = Instant::now();
        let mut pause = Duration::from_micros(500);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > HANGS {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err("does not end".to_owned());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        let stderr = String::from_utf8_lossy(&fs::read(stderr).unwrap()).into_owned();
        Ok(Ran { status, stdout: fs::read(stdout).unwrap(), stderr })
    }
}

/// The regular files of a directory, if it is there.
fn files_of(directory: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = fs::read_dir(directory).into_iter().flatten().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
}

/// A command with little address space, where the system limits it.
fn confined(program: &OsStr) -> Command {
    if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -v {ROOM_KIB} && exec \"$0\" \"$@\"")).arg(program);
        shell
    } else {
        Command::new(program)
    }
}

impl Ran {
    fn check(&self, is_legal: bool) -> Result<(), String> {
        let said: String = self.stderr.chars().take(300).collect();
        match self.status.code() {
            None => Err(format!("was ended, {}: {said}", self.status)),
            Some(_) if self.stderr.contains("panicked") => Err(format!("panicked: {said}")),
            Some(0) if !is_legal => Err("was not refused".to_owned()),
            Some(0) if self.stdout.is_empty() => Err("printed nothing".to_owned()),
            Some(1 | 2) if is_legal => Err(format!("was refused: {said}")),
            Some(1 | 2) if !self.stdout.is_empty() => Err("printed a result".to_owned()),
            Some(1) if !self.stderr.contains(" hint: ") => {
                Err(format!("does not say what to do: {said}"))
            }
            Some(2) if !self.stderr.starts_with("error: ") => {
                Err(format!("does not say why: {said}"))
            }
            Some(0..=2) => Ok(()),
            Some(code) => Err(format!("ended with code {code}: {said}")),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The words of a command line.
pub(crate) fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

/// `--option=` and any bytes.
pub(crate) fn with_value(option: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(option);
    word.push("=");
    word.push(value);
    word
}

/// A word that is no text, where words can be.
pub(crate) fn no_text() -> OsString {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::from_vec(b"3\xff\xfe".to_vec())
    }
    #[cfg(not(unix))]
    {
        OsString::from("\u{fffd}")
    }
}
