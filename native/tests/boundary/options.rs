//! Words on every option that takes a number or a name.

use std::ffi::OsString;

use crate::place::{LEN, Place, no_text, with_value, words};
use crate::tally::Table;

const WORDS: &[&str] = &[
    "",
    " ",
    "0",
    "-0",
    "1",
    "+1",
    " 1",
    "01",
    "-1",
    "3",
    "60",
    "61",
    "1025",
    "65536",
    "65537",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e3",
    "0.5",
    "0.99999999999",
    "1.0",
    "1e-46",
    "1e39",
    "-1e39",
    "1e400",
    "NaN",
    "-NaN",
    "inf",
    "-inf",
    "0x10",
    "1_000",
    "1,5",
    "١",
    "１",
    "l2",
    "L2",
    "u7",
    "f16",
    "bash",
    "--json",
    "null",
    "*",
    "$(exit 7)",
];

type Make = fn() -> OsString;

/// Words that take more than a line: a command line holds 128 KiB a word.
const LONG: &[(&str, Make)] = &[
    ("100 kB of nines", || "9".repeat(100_000).into()),
    ("100 kB of letters", || "a".repeat(100_000).into()),
    ("JSON 100,000 deep", || "[".repeat(100_000).into()),
    ("100 kB of other letters", || "\u{1f600}".repeat(25_000).into()),
    ("no UTF-8", no_text),
];

/// An option, and which words it takes.
struct Choice {
    line: &'static str,
    /// None for a word that stands alone.
    option: Option<&'static str>,
    takes: fn(&str) -> bool,
    /// Words that it takes, but that take long.
    is_long: fn(&str) -> bool,
}

const CHOICES: &[Choice] = &[
    choice("query index.ecp --vectors queries.npy", "-k", |word| is_count(word, 1, LEN)),
    choice("query index.ecp --vectors queries.npy --exact", "-k", |word| is_count(word, 1, LEN)),
    choice("query index.ecp --vectors queries.npy", "--up-to", |word| is_count(word, 1, 65_536)),
    choice("query index.ecp --vectors queries.npy --exact", "--up-to", |word| {
        is_count(word, 1, 65_536)
    }),
    choice("query index.ecp --vectors queries.npy --among three.npy", "--up-to", |word| {
        is_count(word, 1, 65_536)
    }),
    choice("query index.ecp --vectors queries.npy", "--ef", |word| is_count(word, 1, 65_536)),
    choice("query index.ecp --vectors queries.npy", "--recall", is_share),
    choice("query index.ecp --vectors queries.npy --among three.npy", "--recall", is_share),
    choice("query index.ecp --vectors queries.npy", "--max-distance", |word| {
        word.parse::<f32>().is_ok_and(|distance| !distance.is_nan())
    }),
    choice("build --base base.npy --out out.ecp", "--m", |word| is_count(word, 4, 64)),
    choice("build --base base.npy --out out.ecp", "--ef-construction", |word| {
        is_count(word, 16, 65_536)
    }),
    choice("build --base base.npy --out out.ecp", "--threads", is_threads),
    choice("build --base base.npy --out out.ecp", "--seed", |word| is_count(word, 0, usize::MAX)),
    choice("build --base base.npy --out out.ecp", "--metric", |word| word == "l2"),
    choice("build --base base.npy --out out.ecp", "--codes", |word| word == "u7"),
    choice("build --base base.npy --out out.ecp", "--rows", |word| word == "f16"),
    choice("upsert index.ecp --vectors queries.npy", "--threads", is_threads),
    Choice {
        line: "delete index.ecp --",
        option: None,
        // What is no number may be a name.
        takes: |_| true,
        is_long: |_| false,
    },
    choice("tag index.ecp 1", "--add", |word| (1..=255).contains(&word.len())),
    choice("tag index.ecp 1", "--remove", |_| true),
    choice("delete index.ecp", "--where", is_tag),
    choice("query index.ecp --vectors queries.npy --up-to 3", "--where", is_tag),
    alone("associate shop s -- 0", is_key),
    alone("associate -- shop", |_| false),
    choice("associate shop s 0 1", "--kind", |word| (1..=255).contains(&word.len())),
    choice("associate shop s 0 1 --remove", "--kind", |word| (1..=255).contains(&word.len())),
    choice("associate shop s 0 1", "--weight", |word| {
        word.parse::<f32>().is_ok_and(|weight| (f32::MIN_POSITIVE..=1e6).contains(&weight))
    }),
    choice("associate shop s 0 1", "--confidence", |word| is_number(word, 0.0, 1.0)),
    choice("recollect shop s", "--about", is_key),
    choice("recollect shop s --about 0", "-k", |word| is_count(word, 1, 65_536)),
    choice("recollect shop s --about 0", "--now", is_time),
    choice("recollect shop s --about 0", "--scoring", |_| false),
    choice("recollect shop s --near queries.npy", "--row", |word| is_count(word, 0, 2)),
    choice("forget shop s", "--below", |word| is_number(word, 0.0, 1.0)),
    choice("forget shop s --below 0.5 --purge", "--now", is_time),
    alone("retention -- shop", |_| false),
    alone("retention shop s --", |_| false),
    choice("retention shop s exponential", "--stability", |word| is_number(word, 1e-6, 1e6)),
    choice("retention shop s power --stability 1", "--exponent", |word| {
        is_number(word, 0.01, 10.0)
    }),
    choice("retention shop s ebbinghaus", "--stretch", |word| is_number(word, 1e-3, 1e6)),
    choice("retention shop s act-r", "--decay", |word| is_number(word, 0.05, 0.95)),
    choice("retention shop s act-r", "--half", |word| is_number(word, 1e-6, 1e6)),
    choice("retention shop s act-r", "--noise", |word| is_number(word, 0.01, 10.0)),
    choice("retention shop s fsrs", "--floor", |word| is_number(word, 0.0, 1.0)),
    choice("retention shop s fsrs", "--gain", |word| is_number(word, 0.0, 5.0)),
    benched("-k", |word| is_count(word, 1, LEN)),
    benched("--search-threads", is_threads),
    benched("--repeat", |word| is_count(word, 1, 1000)),
    benched("--isa", |_| false),
    Choice {
        line: "bench --base base.npy --queries queries.npy --repeat 1",
        option: Some("--recall"),
        takes: |word| word.trim().parse::<f64>().is_ok_and(|recall| recall > 0.0 && recall <= 1.0),
        is_long: |word| word != "0.5",
    },
    // There is no data here.
    choice("demo --out demo", "--threads", |_| false),
    choice("demo --out demo", "--data", |_| false),
    Choice { line: "completions", option: None, takes: |word| word == "bash", is_long: |_| false },
    Choice { line: "", option: None, takes: |_| false, is_long: |_| false },
];

/// A word that stands alone.
const fn alone(line: &'static str, takes: fn(&str) -> bool) -> Choice {
    Choice { line, option: None, takes, is_long: |_| false }
}

const fn choice(line: &'static str, option: &'static str, takes: fn(&str) -> bool) -> Choice {
    Choice { line, option: Some(option), takes, is_long: |_| false }
}

/// A run measures for seconds.
const fn benched(option: &'static str, takes: fn(&str) -> bool) -> Choice {
    let line = "bench --base base.npy --queries queries.npy --repeat 1 --recall 0.5 --no-tune";
    let line = if option.len() == "--repeat".len() {
        "bench --base base.npy --queries queries.npy --recall 0.5 --no-tune"
    } else {
        line
    };
    Choice { line, option: Some(option), takes, is_long: |word| !matches!(word, "1" | "3") }
}

fn is_count(word: &str, least: usize, most: usize) -> bool {
    word.parse::<u64>().is_ok_and(|count| (least as u64..=most as u64).contains(&count))
}

fn is_number(word: &str, least: f64, most: f64) -> bool {
    word.parse::<f64>().is_ok_and(|number| (least..=most).contains(&number))
}

/// The key of an item; none here has a name.
fn is_key(word: &str) -> bool {
    is_count(word, 0, LEN - 1)
}

fn is_time(word: &str) -> bool {
    word.parse::<u64>().is_ok()
}

fn is_threads(word: &str) -> bool {
    is_count(word, 1, 1024)
}

/// A single tag as a filter, whether or not there could be such a tag; nothing here joins two.
fn is_tag(word: &str) -> bool {
    let tag = word.trim();
    !tag.is_empty() && !tag.contains(['(', ')', '&', '|', '!', '"', ' '])
}

fn is_share(word: &str) -> bool {
    word.parse::<f32>().is_ok_and(|share| share > 0.0 && share < 1.0)
}

/// Every word on every option.
pub(crate) fn boundary_options(table: &mut Table) {
    let place = Place::new("boundary-options");
    let plain = WORDS.iter().map(|&word| (format!("{word:?}"), OsString::from(word)));
    let long = LONG.iter().map(|(name, word)| ((*name).to_owned(), word()));
    let all: Vec<(String, OsString)> = plain.chain(long).collect();
    for Choice { line, option, takes, is_long } in CHOICES {
        for (name, word) in &all {
            let text = word.to_str();
            let is_legal = text.is_some_and(takes);
            if is_legal && text.is_some_and(is_long) {
                continue;
            }
            let mut arguments = words(line);
            arguments.push(option.map_or_else(|| word.clone(), |option| with_value(option, word)));
            let cell = format!("{line} {} {name}", option.unwrap_or_default());
            table.count(&cell, place.cell(&arguments, is_legal));
        }
    }
}
