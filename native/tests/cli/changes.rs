//! Items that are added, replaced, tagged and deleted.

use super::*;

#[test]
fn items_are_added_and_replaced() {
    let scratch = Scratch::new("upsert");
    let (snapshot, base) = (scratch.snapshot(), scratch.file("base.npy"));
    let queries = |file: &str| json(&["query", &snapshot, "--vectors", file, "-k", "1"]);

    // Without keys they follow the largest: 300 is where the copy of row 0 is.
    let more = scratch.vectors("more.npy", 40, 8);
    let done = json(&["upsert", &snapshot, "--vectors", &more, "--threads", "2"]);
    assert_eq!(keys(&done), ["inserted", "n", "out", "replaced", "seconds", "snapshot_bytes"]);
    assert_eq!((&done["inserted"], &done["replaced"]), (&40.into(), &0.into()));
    assert_eq!((&done["n"], &done["out"]), (&340.into(), &snapshot.as_str().into()));
    assert_eq!(done["snapshot_bytes"], fs::metadata(&snapshot).unwrap().len());
    let twins = json(&["query", &snapshot, "--vectors", &base, "-k", "2", "--exact"]);
    assert_eq!(hits(&twins, 0), [0, 300]);
    assert_eq!(hits(&twins, 39), [39, 339]);

    // The keys of some items, and a new one.
    let given = key_file(&scratch, "keys.npy", &[7, u64::MAX, 299]);
    let far = scratch.file("far.npy");
    npy::write(&far, 3, &[9.0_f32; 24]).unwrap();
    let done = json(&["upsert", &snapshot, "--vectors", &far, "--keys", &given]);
    assert_eq!((&done["inserted"], &done["replaced"]), (&1.into(), &2.into()));
    assert_eq!(done["n"], 341);
    let near = json(&["query", &snapshot, "--vectors", &far, "-k", "3", "--exact"]);
    assert_eq!(hits(&near, 0), [7, 299, u64::MAX]);
    assert_ne!(hits(&queries(&base), 7), [7], "the old vector is gone");
    assert_eq!(json(&["verify", &snapshot])["n"], 341);

    // Another file: the first stays.
    let (before, other) = (fs::read(&snapshot).unwrap(), scratch.file("other.ecp"));
    let four = key_file(&scratch, "four.npy", &(1000..1040).collect::<Vec<_>>());
    let text = accepted(&["upsert", &snapshot, "--vectors", &more, "--keys", &four, "-o", &other]);
    assert!(text.contains("inserted 40") && text.contains("381"), "{text}");
    assert!(fs::read(&snapshot).unwrap() == before, "the snapshot has changed");
    assert_eq!(json(&["info", &other])["n"], 381);
}

#[test]
fn one_thread_adds_the_same_bytes() {
    let scratch = Scratch::new("upsert-bytes");
    let snapshot = scratch.snapshot();
    let more = scratch.vectors("more.npy", 100, 8);
    let add = |name: &str| {
        let out = scratch.file(name);
        accepted(&["upsert", &snapshot, "--vectors", &more, "--threads", "1", "--out", &out]);
        fs::read(out).unwrap()
    };
    assert!(add("a.ecp") == add("b.ecp"));
}

#[test]
fn items_are_tagged_and_found_by_their_tags() {
    let scratch = Scratch::new("tag");
    let (snapshot, base) = (scratch.snapshot(), scratch.file("base.npy"));
    let done =
        json(&["tag", &snapshot, "5", "6", "7", "999", "--add", "red", "--add", "out of stock"]);
    assert_eq!(keys(&done), ["missing", "n", "out", "seconds", "snapshot_bytes", "tagged", "tags"]);
    assert_eq!((&done["tagged"], &done["missing"]), (&3.into(), &1.into()));
    let lines = scratch.file("tags.tsv");
    fs::write(&lines, "6\tblue\tred\n\n8\tblue\n").unwrap();
    let text = accepted(&["tag", &snapshot, "7", "--remove", "red", "--from", &lines]);
    assert!(text.contains("red (2)") && text.contains("blue (2)"), "{text}");
    let tags = &json(&["info", &snapshot])["tags"];
    assert_eq!(tags.to_string(), r#"[["blue",2],["out of stock",3],["red",2]]"#);

    let found = |filter: &str| {
        let query = ["query", &snapshot, "--vectors", &base, "--up-to", "300", "--where", filter];
        let mut found = hits(&json(&query), 3);
        found.sort_unstable();
        found
    };
    assert_eq!(found("red"), [5, 6]);
    assert_eq!(found("(red | blue) & !\"out of stock\""), [8]);
    assert_eq!(found("green"), [0; 0]);
    // A vector is replaced, its tags stay.
    let (far, keys) = (scratch.vectors("far.npy", 1, 8), key_file(&scratch, "keys.npy", &[6]));
    accepted(&["upsert", &snapshot, "--vectors", &far, "--keys", &keys]);
    assert_eq!(found("red & blue"), [6]);
    accepted(&["tag", &snapshot, "--where", "blue", "--add", "sea"]);
    assert_eq!(found("sea"), [6, 8]);
    assert_eq!(json(&["delete", &snapshot, "--where", "!blue"])["n"], 2);
    assert_eq!(found("!green"), [6, 8]);

    let output = ecphory(&["query", &snapshot, "--vectors", &base, "--where", "red &"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected a tag (byte 5)"));
    refused(&["tag", &snapshot, "6", "--add", ""], "choose another");
    fs::write(&lines, "6\tblue\n\tblue\n").unwrap();
    refused(&["tag", &snapshot, "--from", &lines], "with tabs between");
}

#[test]
fn items_have_names() {
    let scratch = Scratch::new("names");
    let (base, out) = (scratch.vectors("base.npy", 3, 4), scratch.file("index.ecp"));
    let names = |name: &str, lines: &str| scratch.write(name, lines.as_bytes());
    let fruit = names("fruit.txt", "apple\npear\nÄpfel 🍎\n");
    accepted(&["build", "--base", &base, "--names", &fruit, "--out", &out, "--metric", "l2"]);
    let found = |row: usize| {
        let answers = json(&["query", &out, "--vectors", &base, "-k", "1"]);
        answers["results"][row]["hits"][0]["name"].clone()
    };
    assert_eq!([0, 1, 2].map(found), ["apple", "pear", "Äpfel 🍎"]);
    let text = accepted(&["query", &out, "--vectors", &base, "-k", "1"]);
    assert!(text.contains("  pear  "), "{text}");

    // One is there and one is not.
    let (more, vectors) = (names("more.txt", "pear\nplum"), scratch.vectors("more.npy", 2, 4));
    let done = json(&["upsert", &out, "--vectors", &vectors, "--names", &more]);
    assert_eq!((&done["inserted"], &done["replaced"]), (&1.into(), &1.into()));
    accepted(&["tag", &out, "plum", "--add", "blue"]);
    let lines = names("tags.tsv", "pear\tgreen\n");
    accepted(&["tag", &out, "--from", &lines]);
    assert_eq!(json(&["info", &out])["tags"].to_string(), r#"[["blue",1],["green",1]]"#);
    let done = json(&["delete", &out, "apple", "Äpfel 🍎", "grape"]);
    assert_eq!((&done["deleted"], &done["missing"], &done["n"]), (&2.into(), &1.into(), &2.into()));
    accepted(&["verify", &out]);

    for (lines, hint) in [
        ("pear\npear\n", "remove the duplicate"),
        ("pear\n", "write one name a line"),
        ("pear\n\n", "choose another"),
    ] {
        let bad = names("bad.txt", lines);
        refused(&["upsert", &out, "--vectors", &vectors, "--names", &bad], hint);
    }
}

#[test]
fn items_are_deleted() {
    let scratch = Scratch::new("delete");
    let (snapshot, base) = (scratch.snapshot(), scratch.file("base.npy"));
    let done = json(&["delete", &snapshot, "5", "6", "5", "18446744073709551615"]);
    assert_eq!(keys(&done), ["deleted", "missing", "n", "out", "seconds", "snapshot_bytes"]);
    assert_eq!((&done["deleted"], &done["missing"]), (&2.into(), &1.into()));
    assert_eq!(done["n"], 298);
    let left = json(&["query", &snapshot, "--vectors", &base, "-k", "298", "--exact"]);
    assert!(!hits(&left, 5).contains(&5) && !hits(&left, 5).contains(&6));
    assert_eq!(json(&["verify", &snapshot])["n"], 298);

    // Nothing to do: nothing is written.
    let before = fs::metadata(&snapshot).unwrap().modified().unwrap();
    let text = accepted(&["delete", &snapshot, "6"]);
    assert!(text.contains("0, 1 had none") && text.contains("298"), "{text}");
    assert_eq!(fs::metadata(&snapshot).unwrap().modified().unwrap(), before);

    // Keys of a file and of the command line, into another file; then all.
    let (most, other) =
        (key_file(&scratch, "most.npy", &(0..290).collect::<Vec<_>>()), scratch.file("o.ecp"));
    let done = json(&["delete", &snapshot, "--keys", &most, "290", "--out", &other]);
    assert_eq!(
        (&done["deleted"], &done["missing"], &done["n"]),
        (&289.into(), &2.into(), &9.into())
    );
    let left = json(&["query", &other, "--vectors", &base, "-k", "9"]);
    let mut kept = hits(&left, 17);
    kept.sort_unstable();
    assert_eq!(kept, (291..300).collect::<Vec<_>>());
    let rest: Vec<String> = (291..300).map(|key: u64| key.to_string()).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    accepted(&[&["delete", &other][..], &rest].concat());
    refused(&["query", &other, "--vectors", &base, "-k", "1"], "insert items");
    accepted(&["verify", &other]);

    // An index of no items is built anew by what is added.
    let done = json(&["upsert", &other, "--vectors", &base]);
    assert_eq!((&done["inserted"], &done["n"]), (&300.into(), &300.into()));
    let found = json(&["query", &other, "--vectors", &base, "-k", "1", "--ef", "300"]);
    assert!((0..300).all(|row| hits(&found, row) == [row as u64]));
}

#[test]
fn refused_changes_leave_the_file() {
    let scratch = Scratch::new("change");
    let snapshot = scratch.snapshot();
    let before = fs::read(&snapshot).unwrap();
    let upsert = |options: &[&str], hint: &str| {
        refused(&[&["upsert", &snapshot], options].concat(), hint);
        assert!(fs::read(&snapshot).unwrap() == before, "{options:?} changed the file");
    };
    let good = scratch.vectors("good.npy", 3, 8);
    upsert(&["--vectors", &scratch.vectors("wide.npy", 3, 9)], "use the model");
    upsert(&["--vectors", &scratch.file("missing.npy")], "check the path");
    upsert(&["--vectors", &good, "--threads", "0"], "use one a core");
    let key = |keys: &[u64]| key_file(&scratch, "keys.npy", keys);
    upsert(&["--vectors", &good, "--keys", &key(&[1, 2])], "one key a vector");
    upsert(&["--vectors", &good, "--keys", &key(&[1, 2, 1])], "remove the duplicate");
    // The last of many: the others were added, in memory alone.
    let mut numbers = numbers(200 * 8);
    numbers[199 * 8 + 3] = f32::NAN;
    npy::write(scratch.file("bad.npy"), 200, &numbers).unwrap();
    let bad = scratch.file("bad.npy");
    upsert(&["--vectors", &bad], "clean the input");
    let errors = ecphory(&["upsert", &snapshot, "--vectors", &bad]).stderr;
    assert!(String::from_utf8_lossy(&errors).contains("component 3 of vector 199"));
    upsert(&["--vectors", &good, "-o", &scratch.file("no/where.ecp")], "check the directory");
    refused(
        &["delete", &snapshot, "1", "--out", scratch.0.to_str().unwrap()],
        "check the directory",
    );
    refused(&["delete", &snapshot, "--keys", &good], "astype('<i8')");
    assert!(fs::read(&snapshot).unwrap() == before);

    let last = key(&[u64::MAX, 1, 2]);
    accepted(&["upsert", &snapshot, "--vectors", &good, "--keys", &last]);
    refused(&["upsert", &snapshot, "--vectors", &good], "pass --keys");
}
