//! A process that writes to a store is killed, again and again: what it was told is there, is there.
//!
//! The process is this program once more. It says on its standard output what was acknowledged; a
//! pipe keeps what it said when it is gone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ecphory::exec::Sequential;
use ecphory::log::StoreError;
use ecphory::{Index, Metric, Op, Space, Store};
use ecphory_native::open_store;
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::times;
use serde_json::json;

/// Where the process that is killed writes.
const FOLDER: &str = "ECPHORY_KILLED";
const WRITERS: u64 = 2;
/// Keys of each writer.
const KEYS: u64 = 150;

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(FOLDER) {
        // A thread that fails must not leave the others to be killed as if all were well.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            usual(panic);
            std::process::abort();
        }));
        write(Path::new(&folder)).unwrap_or_else(|error| panic!("{error}"));
        return ExitCode::SUCCESS;
    }
    let wanted: Option<String> =
        std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if wanted.is_some_and(|wanted| !"kill".contains(&wanted)) {
        println!("0 passed, 0 failed");
        return ExitCode::SUCCESS;
    }
    let kills = times(3, 20, 200);
    let (steps, seconds) = kill(kills);
    let report = json!({ "kills": kills, "acknowledged": steps, "longest_opening": seconds });
    println!("{report}");
    println!("1 passed, 0 failed");
    ExitCode::SUCCESS
}

/// The change that a writer makes in a step.
fn change(space: &Space, writer: u64, step: u64) -> Result<(), StoreError> {
    let (key, vector) = (writer * KEYS + step % KEYS, [step as f32, writer as f32]);
    match step % 7 {
        3 => space.delete(key).map(drop),
        5 => space.apply(&Op::Tag(key, "odd")).map(drop),
        _ => space.upsert(key, &vector).map(drop),
    }
}

/// What there is of a writer's keys after so many steps: the step that made each.
fn expected(writer: u64, steps: u64) -> BTreeMap<u64, u64> {
    let mut items = BTreeMap::new();
    for step in 0..steps {
        let key = writer * KEYS + step % KEYS;
        match step % 7 {
            3 => _ = items.remove(&key),
            5 => {}
            _ => _ = items.insert(key, step),
        }
    }
    items
}

fn found(space: &Space, writer: u64) -> BTreeMap<u64, u64> {
    let own = |key: &u64| key / KEYS == writer;
    space.iter().filter(own).map(|key| (key, space.get(key).unwrap()[0] as u64)).collect()
}

/// How many steps of a writer a store holds: the one number of them, from `acked` on, after which
/// its keys are as they are.
fn steps(space: &Space, writer: u64, acked: u64) -> u64 {
    let found = found(space, writer);
    // A step that deletes what is not there, or tags, leaves no trace.
    (acked..=acked + 1).find(|&steps| expected(writer, steps) == found).unwrap_or_else(|| {
        panic!(
            "writer {writer} had {acked} steps acknowledged, and of its items there are {found:?}"
        )
    })
}

/// Writes until it is killed, and says what was acknowledged; beside it checkpoints are made.
fn write(folder: &Path) -> Result<(), StoreError> {
    let store = open_store(folder)?;
    let space = match store.space("s") {
        Some(space) => space,
        None => store.create("s", Index::builder(2).metric(Metric::L2).m(4))?,
    };
    let space = &space;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let from: u64 = std::env::var(format!("FROM{writer}")).unwrap().parse().unwrap();
            scope.spawn(move || {
                for step in from.. {
                    change(space, writer, step).unwrap();
                    // A line at once, so that lines of two threads do not mix.
                    let line = format!("{writer} {}\n", step + 1);
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        scope.spawn(|| {
            loop {
                std::thread::sleep(Duration::from_millis(20));
                store.checkpoint().unwrap();
                store.compact("s", &Sequential).unwrap();
            }
        });
    });
    Ok(())
}

fn kill(kills: usize) -> (u64, f64) {
    let folder = std::env::temp_dir().join(format!("ecphory-kill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut numbers = Numbers::new(seed(1));
    let mut acked = [0; WRITERS as usize];
    let mut longest: f64 = 0.0;
    for _ in 0..kills {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.env(FOLDER, &folder).stdout(Stdio::piped());
        for (writer, from) in acked.iter().enumerate() {
            command.env(format!("FROM{writer}"), from.to_string());
        }
        let mut child = command.spawn().expect("this program runs");
        let mut said = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut line = String::new();
        // From its first word on, so that it has begun.
        said.read_line(&mut line).unwrap();
        std::thread::sleep(Duration::from_millis(1 + numbers.below(200) as u64));
        child.kill().expect("it runs until it is killed");
        let ended = child.wait().unwrap();
        assert!(is_killed(ended), "it ended by itself: {ended}");
        loop {
            if let Some((writer, steps)) = line.strip_suffix('\n').and_then(|l| l.split_once(' ')) {
                acked[writer.parse::<usize>().unwrap()] = steps.parse().unwrap();
            }
            line.clear();
            if said.read_line(&mut line).unwrap() == 0 {
                break;
            }
        }
        let start = Instant::now();
        let store = open_store(&folder).unwrap_or_else(|error| panic!("{error}"));
        longest = longest.max(start.elapsed().as_secs_f64());
        check(&store, &mut acked);
    }
    std::fs::remove_dir_all(&folder).unwrap();
    (acked.iter().sum(), longest)
}

fn check(store: &Store, acked: &mut [u64]) {
    let Some(space) = store.space("s") else {
        assert!(acked.iter().all(|&acked| acked == 0), "the space is gone");
        return;
    };
    for (writer, acked) in (0..).zip(acked) {
        *acked = steps(&space, writer, *acked);
    }
    space.check().unwrap();
}

#[cfg(unix)]
fn is_killed(ended: std::process::ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&ended) == Some(9)
}

#[cfg(not(unix))]
fn is_killed(ended: std::process::ExitStatus) -> bool {
    !ended.success()
}
