//! What items remember, on the command line: in and out as lines, associated, recollected, forgotten.

use ecphory_native::ecphory::memory::retention::{Curve, Retention, Trace};

use super::*;

const DAY: u64 = 86_400_000;

/// A trace of three uses, the last on the fifth day, as lines hold it.
fn trace() -> String {
    let retention = Retention::new(Curve::FSRS_6).unwrap();
    let mut trace = Trace::new(DAY);
    retention.reinforce(&mut trace, 3 * DAY);
    retention.reinforce(&mut trace, 5 * DAY);
    let bytes = trace.evergreen(true).to_bytes();
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// A file of items, of which the last is named.
fn lines(scratch: &Scratch, name: &str) -> String {
    let trace = trace();
    let lines = format!(
        r#"{{"key":1,"vector":[0.5,2.0],"confidence":0.1,"associations":[{{"to":3,"kind":"is a","weight":0.3,"confidence":0.7}},{{"to":3,"kind":"was near"}},{{"to":"apple","kind":"related"}}]}}
{{"key":2,"vector":[0.5,-2.0]}}
{{"key":3,"vector":[1.0,-2.0],"tags":["red"],"payload":"core","confidence":0.0,"trace_hex":"{trace}"}}
{{"name":"apple","vector":[1.0,1.0],"associations":[{{"to":1,"kind":"caused"}}]}}
"#
    );
    scratch.write(name, lines.as_bytes())
}

/// The lines of a space.
fn exported(scratch: &Scratch, folder: &str) -> String {
    let out = scratch.file("exported.jsonl");
    json(&["export", folder, "s", &out]);
    fs::read_to_string(out).unwrap()
}

#[test]
fn what_items_remember_goes_in_and_out_as_it_is() {
    let scratch = Scratch::new("remembered");
    let (folder, given) = (scratch.file("store"), lines(&scratch, "items.jsonl"));
    let expected = fs::read_to_string(&given).unwrap();
    json(&["import", &folder, "s", &given, "--metric", "l2"]);
    assert_eq!(exported(&scratch, &folder), expected);
    // Into another store, and once more into the first.
    let again = scratch.file("again");
    let out = scratch.file("exported.jsonl");
    json(&["import", &again, "s", &out, "--metric", "l2"]);
    json(&["import", &folder, "s", &out]);
    assert!([again, folder].iter().all(|folder| exported(&scratch, folder) == expected));
}

#[test]
fn listed_associations_take_the_place_of_others() {
    let scratch = Scratch::new("listed");
    let (folder, given) = (scratch.file("store"), lines(&scratch, "items.jsonl"));
    json(&["import", &folder, "s", &given, "--metric", "l2"]);
    let import = |line: &str| {
        let more = scratch.write("more.jsonl", line.as_bytes());
        json(&["import", &folder, "s", &more]);
        exported(&scratch, &folder).lines().next().unwrap().to_owned()
    };
    let kept = import(r#"{"key":1,"vector":[1,2]}"#);
    assert!(kept.contains("was near") && !kept.contains(r#""vector":[1.0,2.0],"conf"#), "{kept}");
    let other = import(r#"{"key":1,"vector":[1,2],"associations":[{"to":2},{"to":2}]}"#);
    let expected = r#"{"key":1,"vector":[1.0,2.0],"associations":[{"to":2,"kind":"related"}]}"#;
    assert_eq!(other, expected);
    let none = import(r#"{"key":1,"vector":[1,2],"associations":[]}"#);
    assert_eq!(none, r#"{"key":1,"vector":[1.0,2.0]}"#);
}

#[test]
fn what_nothing_remembers_is_refused() {
    let scratch = Scratch::new("unremembered");
    let folder = scratch.file("store");
    let zeros = "0".repeat(96);
    for (number, (field, hint)) in [
        (r#""confidence": 1.5"#, "a value inside"),
        (r#""confidence": -1e300"#, "a value inside"),
        (r#""trace_hex": "00""#, "as it is"),
        (r#""trace_hex": "zz""#, "00 to ff"),
        (&format!(r#""trace_hex": "{zeros}""#), "restore them"),
        (r#""associations": [{"to": 7}]"#, "leave this out"),
        (r#""associations": [{"to": "a"}]"#, "leave this out"),
        (r#""associations": [{"to": 1.5}]"#, "mend it"),
        (r#""associations": [{"to": 1, "kind": ""}]"#, "use another"),
        (r#""associations": [{"to": 1, "weight": 0}]"#, "choose one"),
        (r#""associations": [{"to": 1, "weight": 1e39}]"#, "choose one"),
        (r#""associations": [{"to": 1, "confidence": 2}]"#, "a value inside"),
        (r#""associations": [{"to": 1, "colour": "red"}]"#, "mend it"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = format!(r#"{{"key": 1, "vector": [1], {field}}}"#);
        let lines = scratch.write(&format!("{number}.jsonl"), line.as_bytes());
        refused(&["import", &folder, "s", &lines], hint);
    }
}

#[test]
fn arrays_say_that_they_leave_it_out() {
    let scratch = Scratch::new("not-in-arrays");
    let (folder, given) = (scratch.file("store"), lines(&scratch, "items.jsonl"));
    json(&["import", &folder, "s", &given, "--metric", "l2"]);
    let out = scratch.file("out.npy");
    let told = &json(&["export", &folder, "s", &out])["left_out"];
    let counted = |what| told[what].as_u64();
    assert_eq!(["items", "standings", "associations"].map(counted), [3, 2, 2].map(Some));
    let text = accepted(&["export", &folder, "s", &out]);
    assert!(text.contains("confidence and times of 2, associations of 2 items"), "{text}");
}
