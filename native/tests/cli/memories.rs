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
    hex(&trace.evergreen(true))
}

fn hex(trace: &Trace) -> String {
    let digits: Vec<String> = trace.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
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

#[test]
fn items_are_associated() {
    let scratch = Scratch::new("associated");
    let (folder, given) = (scratch.file("store"), lines(&scratch, "items.jsonl"));
    json(&["import", &folder, "s", &given, "--metric", "l2"]);
    let associate = |options: &[&str]| json(&[&["associate", &folder, "s"], options].concat());
    let done = associate(&["2", "apple", "--kind", "is a", "--weight", "0.5", "--confidence", "0"]);
    assert_eq!(keys(&done), ["made", "missing", "removed", "seconds"]);
    assert_eq!((&done["made"], &done["missing"]), (&1.into(), &0.into()));
    let lead = r#"{"to":"apple","kind":"is a","weight":0.5,"confidence":0.0}"#;
    let has_lead = || exported(&scratch, &folder).contains(lead);
    assert!(has_lead());
    assert_eq!(associate(&["2", "apple", "--remove"])["missing"], 1, "of another kind");
    assert_eq!(associate(&["2", "apple", "--kind", "is a", "--remove"])["removed"], 1);
    assert!(!has_lead());

    let triples =
        scratch.write("some.tsv", b"1\tis a\t2\n\napple\tis a\t3\n9\tis a\t1\npear\tx\t1\n");
    let done = associate(&["--from", &triples]);
    assert_eq!((&done["made"], &done["missing"]), (&2.into(), &2.into()));
    assert!(accepted(&["associate", &folder, "s", "--from", &triples]).contains("missing 2"));
    let stats = json(&["store", "stats", &folder]);
    assert_eq!(stats["spaces"][0]["associations"], 6);
    assert!(accepted(&["store", "stats", &folder]).contains("6 associations"));

    let refuse = |options: &[&str], hint: &str| {
        refused(&[&["associate", &folder], options].concat(), hint);
    };
    refuse(&["s", "1", "9"], "one that is there");
    refuse(&["s", "pear", "1"], "one that is there");
    refuse(&["t", "1", "2"], "there are: \"s\"");
    refuse(&["s", "1", "2", "--weight", "NaN"], "choose one");
    refuse(&["s", "1", "2", "--weight", "-1"], "choose one");
    refuse(&["s", "1", "2", "--confidence", "NaN"], "a value inside");
    refuse(&["s", "1", "2", "--kind", ""], "use another");
    refuse(&["s", "--from", &scratch.file("missing.tsv")], "pass a text file");
    let bad = scratch.write("bad.tsv", b"1\tis a\t2\n1\t2\n");
    refuse(&["s", "--from", &bad], "with tabs between");
    refused(&["associate", &scratch.file("nowhere"), "s", "1", "2"], "check the path");
}

#[test]
fn a_cue_brings_to_mind_what_is_like_it_and_what_it_leads_to() {
    let scratch = Scratch::new("recollect");
    let (folder, weather) = (scratch.file("store"), scratch.file("weather.jsonl"));
    let item = |key| format!("{{\"key\": {key}, \"vector\": [1, 0.3{key}]}}\n");
    let items: Vec<String> = (0..10).map(item).collect();
    let named = r#"{"name": "rain", "vector": [1, 0.1]}
{"name": "drizzle", "vector": [1, 0.2], "associations": [{"to": "umbrella", "kind": "calls for"}]}
{"name": "umbrella", "vector": [-0.2, 1], "confidence": 0.5}
"#;
    fs::write(&weather, named.to_owned() + &items.concat()).unwrap();
    json(&["import", &folder, "s", &weather, "--metric", "cosine"]);
    let recollect = |options: &[&str]| json(&[&["recollect", &folder, "s"], options].concat());
    let umbrella = |found: &Value| {
        let found = found["memories"].as_array().unwrap();
        found.iter().find(|one| one["name"] == "umbrella").unwrap().clone()
    };
    let found = recollect(&["--about", "rain", "-k", "20"]);
    assert_eq!(found["memories"].as_array().unwrap().len(), 12, "all but the cue");
    assert_eq!(found["memories"][0]["name"], "drizzle");
    assert_eq!(keys(&found), ["distances", "memories", "metric", "now", "residual", "stopped"]);
    assert_eq!(found["stopped"], "converged");
    assert!(found["now"].as_u64().unwrap() > 1_700_000_000_000, "the system's time");
    let why = umbrella(&found);
    assert_eq!(why["path"], serde_json::json!(["drizzle", "umbrella"]));
    assert_eq!((&why["confidence"], &why["retention"]), (&0.5.into(), &1.0.into()));
    assert!(why["activation"].as_f64().unwrap() > 0.0);
    let text = accepted(&["recollect", &folder, "s", "--about", "rain", "--no-time", "-k", "20"]);
    assert!(text.contains("drizzle -> umbrella\n"), "{text}");

    let near = scratch.file("near.npy");
    npy::write(&near, 2, &[0.0_f32, 1.0, 1.0, 0.1]).unwrap();
    let first = |options: &[&str]| recollect(&[&["--near", &near], options].concat());
    assert_eq!(first(&[])["memories"][0]["name"], "umbrella");
    let row = ["--row", "1", "-k", "20", "--no-time"];
    let plain = first(&row);
    assert_eq!((&plain["now"], &plain["memories"][0]["name"]), (&0.into(), &"rain".into()));
    let weighed = first(&[&row[..], &["--scoring", "penalised"]].concat());
    assert_eq!(first(&["--now", "5"])["now"], 5);
    let likeness = |found: &Value| umbrella(found)["similarity"].as_f64().unwrap();
    assert!(likeness(&weighed) < likeness(&plain), "half as sure");

    let refuse = |options: &[&str], hint: &str| {
        refused(&[&["recollect", &folder, "s"], options].concat(), hint);
    };
    refuse(&["--about", "snow"], "one that is there");
    refuse(&["--about", "rain", "-k", "0"], "choose a value");
    refuse(&["--near", &near, "--row", "2"], "choose another than --row 2");
    refuse(&["--near", &scratch.file("missing.npy")], "check the path");
    refuse(&["--near", &scratch.vectors("wide.npy", 1, 3)], "use the model");
    refused(&["recollect", &folder, "t", "--about", "rain"], "there are: \"s\"");
    assert_eq!(ecphory(&["recollect", &folder, "s"]).status.code(), Some(2), "without a cue");
}

#[test]
fn what_has_faded_is_listed_and_taken_out() {
    let scratch = Scratch::new("forget");
    let (folder, given) = (scratch.file("store"), scratch.file("items.jsonl"));
    let item = |key: u64, day: u64| {
        let trace = hex(&Trace::new(day * DAY));
        format!("{{\"key\":{key},\"vector\":[1.0],\"trace_hex\":\"{trace}\"}}\n")
    };
    fs::write(&given, item(1, 1) + &item(2, 20) + "{\"key\":3,\"vector\":[2.0]}\n").unwrap();
    json(&["import", &folder, "s", &given, "--metric", "l2"]);
    let retention = |options: &[&str]| json(&[&["retention", &folder, "s"], options].concat());
    assert_eq!(retention(&[])["curve"], "none");
    let now = (21 * DAY).to_string();
    let forget = |options: &[&str]| {
        json(&[&["forget", &folder, "s", "--below", "0.4", "--now", &now], options].concat())
    };
    assert_eq!(forget(&[])["forgotten"], Value::Array(vec![]), "nothing fades");

    let set = retention(&["exponential", "--stability", "1.5", "--floor", "0.1", "--gain", "2"]);
    assert_eq!(retention(&[]), set);
    let expected = r#"{"curve":"exponential","floor":0.1,"gain":2.0,"numbers":{"stability":1.5}}"#;
    assert_eq!(set, serde_json::from_str::<Value>(expected).unwrap());
    let text = accepted(&["retention", &folder, "s"]);
    assert!(text.contains("stability 1.5\n"), "{text}");
    assert!(accepted(&["store", "stats", &folder]).contains("fades by exponential"));

    let listed = forget(&[]);
    assert_eq!((&listed["purged"], &listed["n"]), (&0.into(), &3.into()));
    assert_eq!(listed["forgotten"].as_array().unwrap().len(), 1);
    assert_eq!(listed["forgotten"][0]["item"], 1);
    assert!((listed["forgotten"][0]["retention"].as_f64().unwrap() - 0.1).abs() < 1e-5);
    let purged = forget(&["--purge"]);
    assert_eq!((&purged["purged"], &purged["n"]), (&1.into(), &2.into()));
    assert_eq!(forget(&[])["forgotten"], Value::Array(vec![]));
    // By the clock of the system, decades later.
    let text = accepted(&["forget", &folder, "s", "--below", "0.2"]);
    assert!(text.starts_with("0.100 2\n"), "{text}");

    for (curve, options) in [
        ("none", &[][..]),
        ("power", &["--stability", "1", "--exponent", "0.5"]),
        ("ebbinghaus", &["--stretch", "1000"]),
        ("act-r", &["--noise", "0.3"]),
        ("fsrs", &[]),
    ] {
        assert_eq!(retention(&[&[curve], options].concat())["curve"], curve);
        assert_eq!(retention(&[])["curve"], curve);
    }
    let refuse = |options: &[&str], hint: &str| {
        refused(&[&["retention", &folder, "s"], options].concat(), hint);
    };
    refuse(&["power", "--stability", "1"], "pass --exponent");
    refuse(&["fsrs", "--half", "1"], "leave out --half");
    refuse(&["fsrs", "--decay", "NaN"], "a value inside");
    refuse(&["none", "--floor", "-0.1"], "a value inside");
    for below in ["NaN", "-0.1", "1.1"] {
        refused(&["forget", &folder, "s", "--below", below], "between 0 and 1");
    }
    refused(&["forget", &folder, "t", "--below", "0.5"], "there are: \"s\"");
    assert_eq!(retention(&[])["curve"], "fsrs");
}
