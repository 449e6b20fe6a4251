//! Vectors, keys and names in files beside each other: into a store, out of it, and back.

use ecphory_native::ecphory::key_of;
use ecphory_native::vectors;

use super::*;

/// The files of an export, and what it said.
struct Exported {
    vectors: Vec<u8>,
    keys: Vec<u64>,
    said: Value,
}

fn export(scratch: &Scratch, folder: &str, space: &str) -> Exported {
    let out = scratch.file("exported.npy");
    let said = json(&["export", folder, space, &out]);
    let keys = scratch.file("exported.keys.npy");
    assert_eq!((&said["file"], &said["keys"]), (&out.as_str().into(), &keys.as_str().into()));
    let read = vectors::read_ids(&keys).unwrap();
    assert_eq!(read.columns(), 1);
    Exported { vectors: fs::read(out).unwrap(), keys: read.values().to_vec(), said }
}

/// All that a space is, to the byte.
fn snapshot(scratch: &Scratch, folder: &str, space: &str) -> Vec<u8> {
    let out = scratch.file("whole.ecp");
    json(&["export", folder, space, &out]);
    fs::read(out).unwrap()
}

#[test]
fn pairs_come_back_to_the_byte_with_the_same_answers() {
    let scratch = Scratch::new("arrays");
    let (folder, base) = (scratch.file("store"), scratch.vectors("base.npy", 300, 8));
    // Ascending, as an export writes them.
    let numbers: Vec<u64> = (0..299).map(|i| i * i).chain([u64::MAX]).collect();
    let given = key_file(&scratch, "keys.npy", &numbers);
    let done = json(&["import", &folder, "a", &base, "--keys", &given, "--metric", "l2"]);
    assert_eq!((&done["items"], &done["n"]), (&300.into(), &300.into()));
    let first = export(&scratch, &folder, "a");
    assert!(first.vectors == fs::read(&base).unwrap() && first.keys == numbers);
    let left_out = first.said["left_out"].as_object().unwrap();
    assert!(left_out.len() == 6 && left_out.values().all(|count| *count == 0), "{left_out:?}");

    // What was exported is the same space again, and the same file.
    let (pair, keys) = (scratch.file("exported.npy"), scratch.file("exported.keys.npy"));
    json(&["import", &folder, "b", &pair, "--keys", &keys, "--metric", "l2"]);
    assert!(snapshot(&scratch, &folder, "a") == snapshot(&scratch, &folder, "b"));
    let second = export(&scratch, &folder, "b");
    assert!(second.vectors == first.vectors && second.keys == first.keys);

    // The same in any order, and with the keys on lines.
    let lines: Vec<String> = numbers.iter().rev().map(u64::to_string).collect();
    let lines = scratch.write("keys.txt", lines.join("\n").as_bytes());
    let read = vectors::read(&base).unwrap();
    let rows: Vec<f32> = (0..300).rev().flat_map(|row| read.row(row).to_vec()).collect();
    npy::write(scratch.file("turned.npy"), 300, &rows).unwrap();
    json(&["import", &folder, "c", &scratch.file("turned.npy"), "--keys", &lines]);
    let third = export(&scratch, &folder, "c");
    assert!(third.vectors == first.vectors && third.keys == first.keys);
    let written = scratch.file("written.txt");
    json(&["export", &folder, "c", &pair, "--keys", &written]);
    let written = fs::read_to_string(written).unwrap();
    assert!(written.lines().map(str::parse).eq(numbers.iter().copied().map(Ok)));
    assert_eq!(json(&["verify", &folder])["spaces"]["c"]["reachable"], 300);
}

#[test]
fn every_format_of_vectors_is_taken() {
    let scratch = Scratch::new("formats");
    let folder = scratch.file("store");
    let bytes: Vec<u8> = (1..=12).collect();
    let array = |name: &str, write: &dyn Fn(&str) -> std::io::Result<()>| {
        let path = scratch.file(name);
        write(&path).unwrap();
        path
    };
    let rows = |dim: i32, row: &dyn Fn(&[u8]) -> Vec<u8>| -> Vec<u8> {
        let row = |values: &[u8]| [dim.to_le_bytes().to_vec(), row(values)].concat();
        bytes.chunks(4).flat_map(row).collect()
    };
    let floats = |values: &[u8]| {
        values.iter().flat_map(|&value| f32::from(value).to_le_bytes()).collect::<Vec<u8>>()
    };
    let signed: Vec<i8> = bytes.iter().map(|&value| value as i8).collect();
    let halves: Vec<half::f16> =
        bytes.iter().map(|&value| f32::from(value)).map(half::f16::from_f32).collect();
    let files = [
        array("u8.npy", &|path| npy::write(path, 3, &bytes)),
        array("i8.npy", &|path| npy::write(path, 3, &signed)),
        array("f16.npy", &|path| npy::write(path, 3, &halves)),
        scratch.write("a.fvecs", &rows(4, &floats)),
        scratch.write("a.bvecs", &rows(4, &<[u8]>::to_vec)),
    ];
    let expected: Vec<f32> = bytes.iter().map(|&value| f32::from(value)).collect();
    for (number, file) in files.iter().enumerate() {
        let space = format!("space {number}");
        json(&["import", &folder, &space, file]);
        let found = export(&scratch, &folder, &space);
        assert_eq!(found.keys, [0, 1, 2], "{file}");
        let read = vectors::read(scratch.file("exported.npy")).unwrap();
        assert_eq!((read.dim(), read.values()), (4, &expected[..]), "{file}");
    }
}

const LINES: &str = r#"{"key": 1, "vector": [1, 2], "tags": ["red"], "payload": "core"}
{"key": 2, "vector": [3, 4]}
{"name": "apple", "vector": [5, 6], "payload_hex": "00ff"}
{"name": "pear", "vector": [7, 8]}
"#;

#[test]
fn names_go_with_their_items_and_what_is_left_out_is_told() {
    let scratch = Scratch::new("labels");
    let (folder, lines) = (scratch.file("store"), scratch.write("items.jsonl", LINES.as_bytes()));
    json(&["import", &folder, "fruit", &lines, "--metric", "l2"]);
    let told = export(&scratch, &folder, "fruit").said;
    let counted = |what| told["left_out"][what].as_u64();
    assert_eq!(["items", "names", "payloads", "tags"].map(counted), [3, 2, 2, 1].map(Some));
    let (out, names) = (scratch.file("out.npy"), scratch.file("names.txt"));
    let text = accepted(&["export", &folder, "fruit", &out, "--names", &names]);
    assert!(text.contains("tags of 1, payloads of 2 items"), "{text}");

    // Ascending keys: the numbers, and then those of names, which are hashes.
    let mut named = ["apple", "pear"];
    named.sort_unstable_by_key(|name| key_of(name));
    let expected = format!("\n\n{}\n{}\n", named[0], named[1]);
    assert_eq!(fs::read_to_string(&names).unwrap(), expected);
    let keys = scratch.file("out.keys.npy");
    let plain = ["import", &folder, "again", &out, "--metric", "l2"];
    json(&[&plain[..], &["--keys", &keys, "--names", &names]].concat());
    let jsonl = scratch.file("again.jsonl");
    json(&["export", &folder, "again", &jsonl]);
    let again = fs::read_to_string(&jsonl).unwrap();
    assert!(again.contains(r#""name":"apple","vector":[5.0,6.0]}"#), "{again}");
    assert!(again.contains(r#"{"key":2,"vector":[3.0,4.0]}"#), "{again}");

    // Vectors for items that are there: they keep what else they have.
    let (more, two) = (scratch.file("more.npy"), scratch.write("two.txt", b"apple\nplum\n"));
    npy::write(&more, 2, &[9.0_f32, 9.5, 8.0, 8.5]).unwrap();
    let done = json(&["import", &folder, "fruit", &more, "--names", &two]);
    assert_eq!((&done["items"], &done["n"]), (&2.into(), &5.into()));
    let one = key_file(&scratch, "one.npy", &[1, 3]);
    assert_eq!(json(&["import", &folder, "fruit", &more, "--keys", &one])["n"], 6);
    json(&["export", &folder, "fruit", &jsonl]);
    let all = fs::read_to_string(&jsonl).unwrap();
    for item in [
        r#"{"name":"apple","vector":[9.0,9.5],"payload_hex":"00ff"}"#,
        r#"{"name":"plum","vector":[8.0,8.5]}"#,
        r#"{"key":1,"vector":[9.0,9.5],"tags":["red"],"payload":"core"}"#,
        r#"{"key":3,"vector":[8.0,8.5]}"#,
    ] {
        assert!(all.contains(item), "no {item} in {all}");
    }
    // Without keys they follow the largest.
    assert_eq!(json(&["import", &folder, "fruit", &more])["n"], 8);
    let largest = ["apple", "pear", "plum"].map(key_of).into_iter().max().unwrap();
    assert_eq!(export(&scratch, &folder, "fruit").keys[6..], [largest + 1, largest + 2]);
    assert_eq!(json(&["verify", &folder])["sound"], true);

    let broken = scratch.write("broken.jsonl", br#"{"name": "a\nb", "vector": [1, 2]}"#);
    json(&["import", &folder, "broken", &broken]);
    refused(&["export", &folder, "broken", &out, "--names", &names], "export to .jsonl");
}

#[test]
fn bad_pairs_leave_the_store_as_it_was() {
    let scratch = Scratch::new("pairs");
    let (folder, base) = (scratch.file("store"), scratch.vectors("base.npy", 3, 2));
    json(&["import", &folder, "s", &base]);
    let before = snapshot(&scratch, &folder, "s");
    let stats = json(&["store", "stats", &folder]);
    let refuse = |options: &[&str], hint: &str| {
        for space in ["s", "new"] {
            refused(&[&["import", &folder, space], options].concat(), hint);
            assert!(snapshot(&scratch, &folder, "s") == before, "{options:?} changed the space");
            assert_eq!(json(&["store", "stats", &folder]), stats, "{options:?} into {space}");
        }
    };
    let good = scratch.vectors("good.npy", 3, 2);
    let keys = |keys: &[u64]| key_file(&scratch, "keys.npy", keys);
    refuse(&[&good, "--keys", &keys(&[1, 2])], "one key a vector");
    refuse(&[&good, "--keys", &keys(&[1, 2, 1])], "remove the duplicate");
    refuse(&[&good, "--keys", &scratch.file("nowhere.npy")], "check the path");
    refuse(&[&good, "--keys", &scratch.file("nowhere.txt")], "text file");
    refuse(&[&good, "--keys", &good], "astype('<i8')");
    npy::write(scratch.file("negative.npy"), 3, &[1_i64, -2, 3]).unwrap();
    refuse(&[&good, "--keys", &scratch.file("negative.npy")], "start at 0");
    let text = |lines: &str| scratch.write("lines.txt", lines.as_bytes());
    refuse(&[&good, "--keys", &text("1\napple\n3\n")], "--names");
    refuse(&[&good, "--keys", &text("")], "at least one key");
    refuse(&[&good, "--keys", &text("7\n8\n9\n10\n")], "one key a vector");
    refuse(&[&good, "--names", &text("a\nb\n")], "one name a line");
    refuse(&[&good, "--names", &text("a\nb\na\n")], "remove the duplicate");
    refuse(&[&good, "--names", &text("a\n\nc\n")], "choose another");
    let names = ["--names", &text("\nb\n\n")];
    refuse(&[&[good.as_str(), "--keys", &keys(&[1, 2, 3])], &names[..]].concat(), "names alone");
    refuse(&[&scratch.file("nowhere.npy")], "check the path");
    npy::write(scratch.file("wide.npy"), 3, &[1.0_f64; 6]).unwrap();
    refuse(&[&scratch.file("wide.npy")], "astype('<f4')");
    refuse(&[&scratch.write("a.ivecs", &[1, 0, 0, 0, 0, 0, 0, 0])], "name the file");
    // The last of many rows: none is written.
    let mut numbers = numbers(400);
    numbers[399] = f32::NAN;
    npy::write(scratch.file("nan.npy"), 200, &numbers).unwrap();
    refuse(&[&scratch.file("nan.npy")], "clean the input");
    refuse(&[&good, "--threads", "0"], "one a core");
    let lines = scratch.write("items.jsonl", LINES.as_bytes());
    refuse(&[&lines, "--keys", &keys(&[1, 2])], "leave out");
    // Of the dimension of no item that is there.
    let four = scratch.vectors("four.npy", 3, 4);
    refused(&["import", &folder, "s", &four], "use the model");
    assert!(snapshot(&scratch, &folder, "s") == before);
}

#[test]
fn a_refused_export_leaves_the_files_before() {
    let scratch = Scratch::new("export");
    let (folder, base) = (scratch.file("store"), scratch.vectors("base.npy", 30, 2));
    json(&["import", &folder, "s", &base]);
    let out = scratch.file("out.npy");
    json(&["export", &folder, "s", &out]);
    let listed = || {
        let files = fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name());
        let mut files: Vec<_> = files.collect();
        files.sort_unstable();
        files
    };
    let (before, files) = (fs::read(&out).unwrap(), listed());
    let refuse = |options: &[&str], hint: &str| {
        refused(&[&["export", &folder, "s"], options].concat(), hint);
        assert!(fs::read(&out).unwrap() == before && listed() == files, "{options:?}");
    };
    refuse(&[&out, "--keys", &out], "a file for each");
    refuse(&[&out, "--keys", &scratch.file("no/where.npy")], "check the directory");
    refuse(&[&out, "--names", &scratch.file("no/where.txt")], "check the directory");
    refuse(&[&out, "--keys", &scratch.file("out.bin")], "name the file so");
    refuse(&[&scratch.file("out.fvecs")], "name the file so");
    refuse(&[&scratch.file("out.ecp"), "--names", &scratch.file("names.txt")], "leave out");
    refuse(&[&scratch.file("out.bin")], "name the file");
    // Another export takes their place.
    let more = scratch.vectors("more.npy", 40, 2);
    json(&["import", &folder, "s", &more]);
    json(&["export", &folder, "s", &out]);
    let keys = vectors::read_ids(scratch.file("out.keys.npy")).unwrap();
    assert_eq!((vectors::read(&out).unwrap().rows(), keys.rows()), (70, 70));
}
