//! The `ecphory` command as its users call it: results, refusals, and no panic on anything.

mod arrays;
mod changes;
mod memories;
mod store;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ecphory_native::vectors::npy;
use serde_json::Value;

/// A directory of its own for each test, removed when the test has passed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory =
            std::env::temp_dir().join(format!("ecphory-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.file(name), bytes).unwrap();
        self.file(name)
    }

    /// `rows` × `dim` numbers that look random, as `.npy`.
    fn vectors(&self, name: &str, rows: usize, dim: usize) -> String {
        npy::write(self.file(name), rows, &numbers(rows * dim)).unwrap();
        self.file(name)
    }

    /// A snapshot of 300 vectors of 8 components.
    fn snapshot(&self) -> String {
        let (base, out) = (self.vectors("base.npy", 300, 8), self.file("index.ecp"));
        accepted(&["build", "--base", &base, "--out", &out, "--metric", "l2"]);
        out
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Numbers between -1 and 1, the same in every run (xorshift).
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn ecphory(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ecphory"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Standard output of a call that must succeed, and say nothing on standard error.
fn accepted(arguments: &[&str]) -> String {
    let output = ecphory(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let text = accepted(&[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
}

/// Asserts that a call ends with code 1, one line of error and one with the way out, in which
/// `hint` stands.
fn refused(arguments: &[&str], hint: &str) {
    let output = ecphory(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
    let lines: Vec<&str> = errors.lines().collect();
    assert!(
        matches!(lines[..], [error, way_out]
            if error.starts_with("error: ") && way_out.starts_with(" hint: ")),
        "{arguments:?}: {errors}"
    );
    assert!(lines[1].contains(hint), "{arguments:?}: no {hint:?} in {errors}");
    assert!(output.stdout.is_empty(), "{arguments:?}: printed before it failed");
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn hits(answers: &Value, query: usize) -> Vec<u64> {
    let hits = answers["results"][query]["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["key"].as_u64().unwrap()).collect()
}

#[test]
fn builds_queries_and_verifies() {
    let scratch = Scratch::new("round");
    let snapshot = scratch.snapshot();
    let base = scratch.file("base.npy");

    let exact = json(&["query", &snapshot, "--vectors", &base, "-k", "3", "--exact"]);
    let walked = json(&["query", &snapshot, "--vectors", &base, "-k", "3", "--ef", "300"]);
    assert_eq!(exact["results"], walked["results"]);
    for query in 0..300 {
        assert_eq!(hits(&exact, query)[0], query as u64);
        assert_eq!(exact["results"][query]["hits"][0]["distance"], 0.0);
    }

    let info = json(&["info", &snapshot]);
    assert_eq!((&info["n"], &info["dim"]), (&300.into(), &8.into()));
    assert_eq!((&info["metric"], &info["m"]), (&"l2".into(), &16.into()));
    assert_eq!(info["snapshot_bytes"], fs::metadata(&snapshot).unwrap().len());
    let verdict = json(&["verify", &snapshot]);
    assert_eq!((&verdict["sound"], &verdict["reachable"]), (&true.into(), &300.into()));
    for command in ["info", "verify"] {
        assert!(accepted(&[command, &snapshot]).contains("300"));
    }
    assert!(accepted(&["query", &snapshot, "--vectors", &base]).contains("query 299"));
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let scratch = Scratch::new("seed");
    let base = scratch.vectors("base.npy", 300, 8);
    let build = |name: &str, threads: &str, seed: &str| {
        let out = scratch.file(name);
        let options = ["--threads", threads, "--seed", seed];
        accepted(&[&["build", "--base", &base, "--out", &out], &options[..]].concat());
        fs::read(out).unwrap()
    };
    let first = build("a.ecp", "1", "7");
    assert!(first == build("b.ecp", "2", "7"), "the number of threads shows in the file");
    assert!(first != build("c.ecp", "1", "8"), "the seed does not show in the file");
}

#[test]
fn a_recall_is_asked_for_where_it_was_tuned() {
    let scratch = Scratch::new("tune");
    let (base, samples) = (scratch.vectors("base.npy", 300, 8), scratch.vectors("s.npy", 40, 8));
    let build = |name: &str, options: &[&str]| {
        let out = scratch.file(name);
        let built = json(&[&["build", "--base", &base, "--out", &out], options].concat());
        let info = json(&["info", &out]);
        assert_eq!(built["tune"]["points"], info["tuning"]["points"]);
        assert_eq!(built["tune"]["samples"], info["tuning"]["samples"]);
        (out, info["tuning"].clone())
    };
    let (out, tuning) = build("tuned.ecp", &[]);
    assert_eq!((&tuning["items"], &tuning["samples"]), (&300.into(), &256.into()));
    let query = ["--vectors", &base, "-k", "3", "--recall", "0.95"];
    let answers = json(&[&["query", &out], &query[..]].concat());
    assert!((0..300).filter(|&row| hits(&answers, row)[0] == row as u64).count() >= 285);
    assert!(accepted(&["info", &out]).contains("256 samples among 300 items"));

    let narrow = scratch.vectors("narrow.npy", 40, 1);
    let tuned_on = ["build", "--base", &base, "--out", &scratch.file("no.ecp"), "--samples"];
    refused(&[&tuned_on[..], &[&narrow]].concat(), "use the model");
    let (_, given) = build("given.ecp", &["--samples", &samples]);
    assert_eq!(given["samples"], 40);
    let (out, none) = build("untuned.ecp", &["--no-tune"]);
    assert!(none.is_null() && accepted(&["info", &out]).contains("none"));
    refused(&[&["query", &out], &query[..]].concat(), "call tune once");
}

#[test]
fn narrow_rows_take_less_and_say_so() {
    let scratch = Scratch::new("rows");
    let base = scratch.vectors("base.npy", 600, 32);
    let out = scratch.file("index.ecp");
    let vectors = [("f32", 4), ("f16", 2), ("codes", 0)].map(|(rows, bytes)| {
        let built = json(&["build", "--base", &base, "--out", &out, "--rows", rows]);
        assert_eq!(built["memory"]["raw_bytes"], 600 * 32 * 4, "{rows}");
        let info = json(&["info", &out]);
        assert_eq!(info["rows"], rows);
        // Slot 0 is never used.
        assert_eq!(info["memory"]["vectors"], 601 * 32 * bytes, "{rows}");
        assert_eq!(info["memory"]["total"], built["memory"]["index_bytes"]);
        let answers = json(&["query", &out, "--vectors", &base, "-k", "1"]);
        let alike = (0..600).filter(|&query| hits(&answers, query)[0] == query as u64).count();
        assert!(alike >= 597, "{rows}: {alike} of 600 find themselves");
        json(&["verify", &out]);
        built["memory"]["index_bytes"].as_u64()
    });
    assert!(vectors.is_sorted_by(|a, b| a > b), "{vectors:?}");
    refused(
        &["build", "--base", &base, "--out", &out, "--rows", "codes", "--codes", "none"],
        "bulk",
    );
}

#[test]
fn keys_come_from_a_file() {
    let scratch = Scratch::new("keys");
    let base = scratch.vectors("base.npy", 4, 8);
    let (keys, out) = (scratch.file("keys.npy"), scratch.file("index.ecp"));
    npy::write(&keys, 4, &[40_i64, 1 << 60, 7, 0]).unwrap();
    accepted(&["build", "--base", &base, "--keys", &keys, "--out", &out]);
    let answers = json(&["query", &out, "--vectors", &base, "-k", "1"]);
    let nearest: Vec<u64> = (0..4).map(|query| hits(&answers, query)[0]).collect();
    assert_eq!(nearest, [40, 1 << 60, 7, 0]);

    npy::write(&keys, 4, &[1_i64, 2, 3, 1]).unwrap();
    refused(&["build", "--base", &base, "--keys", &keys, "--out", &out], "remove the duplicate");
    npy::write(&keys, 3, &[1_i64, 2, 3]).unwrap();
    refused(&["build", "--base", &base, "--keys", &keys, "--out", &out], "one key a vector");
    npy::write(&keys, 4, &[1_i64, 2, 3, -1]).unwrap();
    refused(&["build", "--base", &base, "--keys", &keys, "--out", &out], "start at 0");
    npy::write(&keys, 4, &[1.0_f32, 2.0, 3.0, 4.0]).unwrap();
    refused(&["build", "--base", &base, "--keys", &keys, "--out", &out], "astype('<i8')");
}

/// Keys as `.npy`.
fn key_file(scratch: &Scratch, name: &str, keys: &[u64]) -> String {
    npy::write(scratch.file(name), keys.len(), keys).unwrap();
    scratch.file(name)
}

#[test]
fn queries_are_limited() {
    let scratch = Scratch::new("limits");
    let (snapshot, base) = (scratch.snapshot(), scratch.file("base.npy"));
    let some = key_file(&scratch, "some.npy", &[3, 9, 200, 12345]);
    let query = ["query", &snapshot, "--vectors", &base];
    let ask = |options: &[&str]| json(&[&query[..], options].concat());
    for exact in [&[][..], &["--exact"]] {
        let among = ask(&[&["--among", &some, "-k", "10"], exact].concat());
        assert_eq!(hits(&among, 9)[0], 9);
        let mut found = hits(&among, 77);
        found.sort_unstable();
        assert_eq!(found, [3, 9, 200]);
        let within = ask(&[&["--max-distance", "1.5", "-k", "50"], exact].concat());
        let all = ask(&[&["-k", "300"], exact].concat());
        for row in 0..300 {
            let distances = all["results"][row]["hits"].as_array().unwrap();
            let near = distances.iter().filter(|hit| hit["distance"].as_f64() <= Some(1.5)).count();
            assert_eq!(hits(&within, row).len(), near.min(50), "{row}");
        }
    }
    assert!(hits(&ask(&["--max-distance", "-1"]), 0).is_empty());
    assert_eq!(hits(&ask(&["--max-distance", "inf"]), 0).len(), 10);
    let up_to = ask(&["--up-to", "1000", "--max-distance", "0", "--among", &some]);
    assert_eq!((hits(&up_to, 200), &up_to["k"]), (vec![200], &1000.into()));
    assert_eq!(hits(&ask(&["--up-to", "1000"]), 0).len(), 300);
    for options in [&["--max-distance", "NaN"][..], &["--up-to", "3", "-k", "3"], &["--among"]] {
        assert_eq!(ecphory(&[&query[..], options].concat()).status.code(), Some(2), "{options:?}");
    }
    let none = scratch.write("none.npy", b"");
    refused(&[&query[..], &["--among", &none]].concat(), "one key");
}

#[test]
fn bench_keeps_its_contract() {
    let scratch = Scratch::new("bench");
    let base = scratch.vectors("base.npy", 3000, 32);
    let queries = scratch.vectors("queries.npy", 20, 32);
    let data = ["bench", "--base", &base, "--queries", &queries, "--metric", "l2"];
    // Without codes a search at ef = k misses some, which the last comparison needs.
    let options = ["--repeat", "1", "--recall", "0.5,0.90", "--threads", "2", "--codes", "none"];
    let report = json(&[&data[..], &options[..]].concat());
    assert_eq!(
        keys(&report),
        ["asked", "at_recall", "build", "dim", "memory", "metric", "n", "search", "tune"]
    );
    assert_eq!(keys(&report["build"]), ["seconds", "threads", "vectors_per_second"]);
    assert_eq!(keys(&report["tune"]), ["items", "k", "points", "samples", "seconds", "threads"]);
    assert_eq!(keys(&report["tune"]["points"][0]), ["at_least", "ef", "recall"]);
    assert_eq!(keys(&report["asked"]), ["0.5", "0.90"]);
    assert_eq!(keys(&report["asked"]["0.90"]), keys(&report["search"][0]));
    assert!(report["asked"]["0.90"]["recall"].as_f64() >= Some(0.895), "{}", report["asked"]);
    let untuned = json(&[&data[..], &options[..], &["--no-tune"]].concat());
    assert!(untuned["tune"].is_null() && keys(&untuned["asked"]).is_empty());
    assert_eq!(keys(&report["memory"]), ["index_bytes", "peak_rss_bytes", "ratio", "raw_bytes"]);
    assert_eq!(
        keys(&report["search"][0]),
        ["distances_per_query", "ef", "p50_us", "p95_us", "p99_us", "qps", "recall"]
    );
    assert_eq!(keys(&report["at_recall"]), ["0.5", "0.90"]);
    assert_eq!(keys(&report["at_recall"]["0.90"]), ["ef", "p95_us", "qps"]);
    assert_eq!((&report["n"], &report["dim"]), (&3000.into(), &32.into()));
    assert_eq!(report["memory"]["raw_bytes"], 3000 * 32 * 4);
    assert!(report["memory"]["index_bytes"].as_u64() > Some(3000 * 32 * 4));
    for point in report["search"].as_array().unwrap() {
        assert!(point["p50_us"].as_f64() <= point["p99_us"].as_f64());
    }
    assert!(accepted(&[&data[..], &options[..]].concat()).contains("at 0.90"));
    // The instruction set changes the speed alone.
    let plain = json(&[&data[..], &options[..], &["--isa", "scalar"]].concat());
    let recalls = |report: &Value| -> Vec<String> {
        let points = report["search"].as_array().unwrap().iter();
        points.map(|point| format!("{} {}", point["ef"], point["recall"])).collect()
    };
    assert_eq!(recalls(&plain), recalls(&report));

    // Another truth must show: recall comes from it, not from the index. (Neighbours that lie
    // farther than the true ones are easier to be as near as.)
    let truth = scratch.file("truth.npy");
    let far: Vec<i32> = vec![0; 20].into_iter().flat_map(|first| first..first + 10).collect();
    npy::write(&truth, 20, &far).unwrap();
    let judged = json(&[&data[..], &options[..], &["--truth", &truth]].concat());
    let recall = judged["search"][0]["recall"].as_f64().unwrap();
    assert!(recall > report["search"][0]["recall"].as_f64().unwrap());
}

#[test]
fn bad_options_are_refused() {
    let scratch = Scratch::new("options");
    let snapshot = scratch.snapshot();
    let (base, queries) = (scratch.file("base.npy"), scratch.vectors("queries.npy", 3, 8));
    let wide = scratch.vectors("wide.npy", 3, 9);
    let query = ["query", &snapshot, "--vectors", &queries];
    let ask = |options: &[&str], hint: &str| refused(&[&query[..], options].concat(), hint);
    ask(&["-k", "0"], "choose a value inside");
    ask(&["-k", "301"], "at most 300");
    ask(&["-k", "99999999999"], "choose a value inside");
    ask(&["--recall", "1"], "0.95");
    ask(&["--recall", "NaN"], "0.95");
    ask(&["--ef", "0"], "choose a value inside");
    ask(&["--ef", "99999999"], "choose a value inside");
    refused(&["query", &snapshot, "--vectors", &wide], "use the model the index was created for");

    let out = scratch.file("other.ecp");
    let build = ["build", "--base", &base, "--out", &out];
    let built = |options: &[&str], hint: &str| refused(&[&build[..], options].concat(), hint);
    built(&["--m", "1"], "choose a value inside");
    built(&["--m", "1000000"], "choose a value inside");
    built(&["--ef-construction", "3"], "choose a value inside");
    built(&["--threads", "0"], "use one a core");
    built(&["--threads", "4000000000"], "use one a core");
    assert!(!Path::new(&out).exists(), "a refused build left a file");
    let nowhere = scratch.file("no/such/directory.ecp");
    refused(&["build", "--base", &base, "--out", &nowhere], "check the directory");

    let bench = ["bench", "--base", &base, "--queries", &queries];
    let benched = |options: &[&str], hint: &str| refused(&[&bench[..], options].concat(), hint);
    benched(&["-k", "0"], "choose a value inside");
    benched(&["-k", "301"], "at most 300");
    benched(&["--search-threads", "0"], "use one a core");
    benched(&["--repeat", "0"], "choose a value inside");
    benched(&["--repeat", "18446744073709551615"], "choose a value inside");
    benched(&["--isa", "simd128"], "leave out --isa");
    let truth = |rows: usize, columns: usize, first: i32| {
        let path = scratch.file("truth.npy");
        let row: Vec<i32> = (first..first + columns as i32).collect();
        npy::write(&path, rows, &row.repeat(rows)).unwrap();
        path
    };
    benched(&["--truth", &truth(2, 10, 0)], "the truth of these queries");
    benched(&["--truth", &truth(3, 9, 0)], "lower k");
    benched(&["--truth", &truth(3, 10, 295)], "the truth of this base");
    refused(&["bench", "--base", &base, "--queries", &wide], "use the model");
    refused(&["demo", "--data", &scratch.file("nowhere")], "--data");
}

#[test]
fn bad_vector_files_are_refused() {
    let scratch = Scratch::new("vectors");
    let good = fs::read(scratch.vectors("good.npy", 10, 8)).unwrap();
    let file = |name: &str, bytes: &[u8], hint: &str| {
        let path = scratch.write(name, bytes);
        refused(&["build", "--base", &path, "--out", &scratch.file("out.ecp")], hint);
    };
    file("truncated.npy", &good[..good.len() - 1], "write the file again");
    file("longer.npy", &[&good, &b"x"[..]].concat(), "write the file again");
    file("header.npy", &good[..20], "numpy.save");
    file("magic.npy", &[b"NUMPY!", &good[6..]].concat(), "numpy.save");
    file("empty.npy", b"", "at least one vector");
    file("ending.txt", &good[6..], ".npy, .fvecs or .bvecs");
    file("ragged.fvecs", &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], "one length");
    file("cut.fvecs", &[3, 0, 0, 0, 0, 0], "write the file again");
    file("ids.ivecs", &[1, 0, 0, 0, 0, 0, 0, 0], ".fvecs");

    let array = |name: &str, write: &dyn Fn(&str) -> std::io::Result<()>, hint: &str| {
        let path = scratch.file(name);
        write(&path).unwrap();
        refused(&["build", "--base", &path, "--out", &scratch.file("out.ecp")], hint);
    };
    array("f64.npy", &|path| npy::write(path, 2, &[1.0_f64; 4]), "astype('<f4')");
    array("i32.npy", &|path| npy::write(path, 2, &[1_i32; 4]), "astype('<f4')");
    array("nan.npy", &|path| npy::write(path, 2, &[1.0, f32::NAN]), "clean the input");
    array("infinite.npy", &|path| npy::write(path, 2, &[1.0, f32::INFINITY]), "clean the input");
    array("zero.npy", &|path| npy::write(path, 2, &[1.0_f32, 0.0]), "use l2");
    array("long.npy", &|path| npy::write(path, 1, &[f32::MAX]), "scale the data down");

    let missing = scratch.file("missing.npy");
    refused(&["build", "--base", &missing, "--out", &scratch.file("out.ecp")], "check the path");
    let directory = scratch.0.to_str().unwrap();
    refused(&["build", "--base", directory, "--out", &scratch.file("out.ecp")], "save the data");
    assert!(!Path::new(&scratch.file("out.ecp")).exists(), "a refused build left a file");
}

#[test]
fn damaged_snapshots_are_refused() {
    let scratch = Scratch::new("damaged");
    let snapshot = scratch.snapshot();
    let whole = fs::read(&snapshot).unwrap();
    let queries = scratch.file("base.npy");
    let check = |bytes: &[u8], hint: &str| {
        let path = scratch.write("damaged.ecp", bytes);
        refused(&["verify", &path], hint);
        refused(&["query", &path, "--vectors", &queries], hint);
    };
    check(b"", "build it again");
    check(b"not a snapshot", "restore the file");
    check(&whole[..whole.len() - 1], "restore the file");
    check(&whole[..whole.len() / 2], "restore the file");
    check(&[&whole, &b"x"[..]].concat(), "restore the file");
    // Every byte counts: the header's, one after the other, and some of each later stretch.
    let later = (64..whole.len()).step_by(whole.len() / 61);
    for place in (0..64).chain(later).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        let path = scratch.write("damaged.ecp", &bytes);
        let output = ecphory(&["verify", &path]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "byte {place} does not count: {errors}");
        assert!(!errors.contains("panicked") && errors.contains(" hint: "), "{place}: {errors}");
        // A quick look may miss damage but must not fall over it.
        let output = ecphory(&["info", &path]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "info died of byte {place}");
    }
    refused(&["info", &scratch.file("missing.ecp")], "check the path");
    refused(&["info", scratch.0.to_str().unwrap()], "pass a snapshot");
    refused(&["verify", &queries], "restore the file");
}

#[test]
fn a_wrong_command_line_is_explained() {
    for arguments in [&["frobnicate"][..], &["build"], &["build", "--metric", "l3"], &[]] {
        let output = ecphory(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    assert!(accepted(&["completions", "bash"]).contains("ecphory"));
    assert!(accepted(&["--version"]).starts_with("ecphory "));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let scratch = Scratch::new("pipe");
    let (snapshot, base) = (scratch.snapshot(), scratch.file("base.npy"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_ecphory"))
        .args(["query", &snapshot, "--vectors", &base, "-k", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_demo_shows_what_it_found() {
    let scratch = Scratch::new("demo");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/words20k");
    let found = json(&["demo", "--data", data.to_str().unwrap(), "--out", &scratch.file("out")]);
    assert_eq!(found["n"], 20_000);
    assert!(found["default"]["recall"].as_f64() >= Some(0.95), "{}", found["default"]);
    let dog = found["words"].as_array().unwrap().iter().find(|answer| answer["word"] == "dog");
    assert_eq!(dog.unwrap()["nearest"][0]["word"], "wild dog");
    accepted(&["verify", &scratch.file("out/words20k.ecp")]);

    let report = fs::read_to_string(scratch.file("out/report.html")).unwrap();
    assert_eq!(report.matches("<svg").count(), 7, "one curve and six maps");
    assert_eq!(report.matches("<svg").count(), report.matches("</svg>").count());
    assert!(!report.contains("NaN") && !report.contains("inf\""), "a figure has no value");
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!report.contains(outside), "the report needs {outside}");
    }
}
