//! Names that are none, wherever a name goes in.

use std::fmt::Display;
use std::str::FromStr;

use ecphory::arch::Isa;
use ecphory::{Codes, Metric, Rows};
use ecphory_native::bench::{Target, percentile};

use crate::cell::{Calls, Fault, Given, ROOM, Values, Wanted, cell, refused, right};
use crate::tally::Table;

const NAMES: Values<String> = &[
    ("no letters", String::new),
    ("a space", || " ".to_owned()),
    ("a zero byte", || "l2\0".to_owned()),
    ("capitals", || "L2 COSINE U7 F32 AVX2".to_owned()),
    ("a space before", || " l2".to_owned()),
    ("other letters", || "\u{43b}2 \u{1f600}\u{200b}".to_owned()),
    ("a combining letter at the cut", || format!("{}\u{301}", "e".repeat(39))),
    ("10 MB", || "a".repeat(10_000_000)),
    ("10 MB of other letters", || "\u{1f600}".repeat(2_500_000)),
    ("10 MB of zero bytes", || "\0".repeat(10_000_000)),
    ("JSON a million deep", || "[".repeat(1_000_000)),
    ("NaN", || "NaN".to_owned()),
    ("infinity", || "inf".to_owned()),
    ("an overflow", || "1e400".to_owned()),
    ("minus one", || "-1".to_owned()),
    ("10 MB of digits", || "9".repeat(10_000_000)),
];

const READERS: Calls<str> = &[
    ("Metric", parsed::<Metric>),
    ("Rows", parsed::<Rows>),
    ("Codes", parsed::<Codes>),
    ("Target", parsed::<Target>),
    ("Isa", |name| match Isa::from_name(name) {
        Some(_) => Ok(()),
        None => Err(refused("name")(&"none; as documented")),
    }),
];

fn parsed<T: FromStr<Err: Display>>(name: &str) -> Given {
    name.parse::<T>().map(drop).map_err(|error| -> Fault { refused("name")(&error) })
}

/// Every name on every reader of names, and numbers on what counts.
pub(crate) fn boundary_names(table: &mut Table) {
    for (reader, call) in READERS {
        for (what, name) in NAMES {
            let name = name();
            let cell_name = format!("{reader} of {what}");
            cell(table, &cell_name, Wanted::Refusal("name"), ROOM, || call(&name));
        }
    }
    for share in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 0.5, 1.0, 2.0, f64::INFINITY] {
        for len in [0, 1, 100] {
            let values: Vec<u32> = (0..len).collect();
            cell(table, &format!("percentile {share} of {len}"), Wanted::Answer, ROOM, || {
                let found = percentile(&values, share);
                right(found.is_some() == (len > 0), "nothing of something")
            });
        }
    }
}
