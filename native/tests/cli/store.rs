//! Stores on the command line: in, out, copied, built anew, verified.

use super::*;

const LINES: &str = r#"{"key": 1, "vector": [0.5, 2], "tags": ["red"], "payload": "core"}
{"key": 2, "vector": [0.5, -2]}

{"name": "apple", "vector": [1, 1], "payload_hex": "00ff"}
"#;

#[test]
fn items_go_in_and_out_as_they_are() {
    let scratch = Scratch::new("store");
    let (folder, lines) = (scratch.file("store"), scratch.write("items.jsonl", LINES.as_bytes()));
    let done = json(&["import", &folder, "fruit", &lines, "--metric", "l2"]);
    assert_eq!((&done["items"], &done["n"]), (&3.into(), &3.into()));
    // Again: they are replaced.
    assert_eq!(json(&["import", &folder, "fruit", &lines])["n"], 3);

    let out = scratch.file("out.jsonl");
    json(&["export", &folder, "fruit", &out]);
    let read = |text: &str| -> Vec<Value> {
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (mut before, after) = (read(LINES), read(&fs::read_to_string(&out).unwrap()));
    for item in &mut before {
        let vector = item["vector"].as_array_mut().unwrap().iter_mut();
        for value in vector {
            *value = value.as_f64().unwrap().into();
        }
    }
    assert_eq!(before, after);

    let stats = json(&["store", "stats", &folder]);
    assert_eq!(
        (&stats["spaces"][0]["name"], &stats["spaces"][0]["n"]),
        (&"fruit".into(), &3.into())
    );
    assert_eq!(json(&["verify", &folder])["spaces"]["fruit"]["n"], 3);
}

#[test]
fn snapshots_become_spaces_and_spaces_snapshots() {
    let scratch = Scratch::new("snapshots");
    let (snapshot, folder) = (scratch.snapshot(), scratch.file("store"));
    assert_eq!(json(&["import", &folder, "words", &snapshot])["n"], 300);
    refused(&["import", &folder, "words", &snapshot], "choose another");
    let out = scratch.file("again.ecp");
    json(&["export", &folder, "words", &out]);
    assert!(fs::read(&snapshot).unwrap() == fs::read(&out).unwrap());
}

#[test]
fn stores_are_copied_and_built_anew() {
    let scratch = Scratch::new("copies");
    let (snapshot, folder) = (scratch.snapshot(), scratch.file("store"));
    json(&["import", &folder, "words", &snapshot]);
    let (backup, restored) = (scratch.file("backup"), scratch.file("restored"));
    assert_eq!(json(&["backup", &folder, &backup])["n"], 300);
    refused(&["backup", &folder, &backup], "free space");
    assert_eq!(json(&["compact", &folder])["spaces"], 1);
    assert!(json(&["store", "checkpoint", &folder])["log_bytes"].as_u64().unwrap() < 1000);
    assert_eq!(json(&["restore", &backup, &restored])["n"], 300);
    for store in [&folder, &backup, &restored] {
        assert_eq!(json(&["verify", store])["spaces"]["words"]["reachable"], 300);
    }
}

#[test]
fn what_is_no_store_or_no_item_is_refused() {
    let scratch = Scratch::new("refused");
    let (folder, nowhere) = (scratch.file("store"), scratch.file("nowhere"));
    refused(&["store", "stats", &nowhere], "check the path");
    refused(&["compact", &nowhere], "check the path");
    assert!(!Path::new(&nowhere).exists(), "nothing was made");
    for (number, line) in [
        r#"{"key": 1, "vector": []}"#,
        r#"{"key": 1, "name": "a", "vector": [1]}"#,
        r#"{"vector": [1]}"#,
        r#"{"key": 1, "vector": [1], "payload_hex": "0"}"#,
        r#"{"key": -1, "vector": [1]}"#,
        "[",
    ]
    .into_iter()
    .enumerate()
    {
        let lines = scratch.write(&format!("{number}.jsonl"), line.as_bytes());
        refused(&["import", &folder, "s", &lines], "");
    }
    assert_eq!(json(&["store", "stats", &folder])["spaces"], Value::Array(vec![]), "none was made");
    let lines = scratch.write("good.jsonl", LINES.as_bytes());
    json(&["import", &folder, "s", &lines]);
    refused(&["export", &folder, "t", &scratch.file("out.jsonl")], "");
    refused(&["export", &folder, "s", &scratch.file("out.txt")], "name the file");
    // A byte of the log is flipped.
    let log = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let log = log.filter(|path| path.to_str().unwrap().contains("log-")).max().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    bytes[100] ^= 1;
    fs::write(&log, bytes).unwrap();
    refused(&["verify", &folder], "restore a backup");
    let rescued = scratch.file("rescued");
    let report = json(&["salvage", &folder, &rescued]);
    assert!(report["lost_changes"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(json(&["verify", &rescued])["sound"], true);
    refused(&["salvage", &folder, &rescued], "free space");
    refused(&["salvage", &nowhere, &rescued], "check the path");
}
