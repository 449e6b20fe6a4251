//! Names, tags, payloads and filters, on every call that takes them.

use ecphory::exec::Sequential;
use ecphory::limits::{FILTER_STEPS_MAX, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, TAG_BYTES_MAX};
use ecphory::{Hit, Index, Item, Rows, TagFilter, key_of};

use crate::cell::{Given, ROOM, Values, Wanted, cell, cell_on, right};
use crate::subject::{DIM, LEN, Life, NEW, Subject, subjects};
use crate::tally::Table;

/// A vector that every subject takes, also one that keeps codes alone.
const VECTOR: [f32; DIM] = [0.01, 0.02, -0.01, 0.03];

/// Texts to call an item or a tag by.
const TEXTS: Values<String> = &[
    ("no letters", String::new),
    ("a letter", || "a".to_owned()),
    ("a space", || " ".to_owned()),
    ("a zero byte", || "\0".to_owned()),
    ("an operator", || "!a & (b".to_owned()),
    ("a number", || "17".to_owned()),
    ("other letters", || "\u{43b}2 \u{1f600}\u{200b}".to_owned()),
    ("as many bytes as a tag may have", || "t".repeat(TAG_BYTES_MAX)),
    ("a byte more", || "t".repeat(TAG_BYTES_MAX + 1)),
    ("as many bytes as a name may have", || "n".repeat(NAME_BYTES_MAX)),
    ("a byte more than those", || "n".repeat(NAME_BYTES_MAX + 1)),
    ("letters of four bytes to the last", || "\u{1f600}".repeat(NAME_BYTES_MAX / 4)),
    ("65,537 bytes", || "x".repeat(65_537)),
    ("10 MB", || "x".repeat(10_000_000)),
];

const PAYLOADS: Values<Vec<u8>> = &[
    ("no bytes", Vec::new),
    ("a byte", || vec![0]),
    ("65,536 bytes", || vec![255; 65_536]),
    ("as many as there may be", || vec![7; PAYLOAD_BYTES_MAX]),
    ("one more", || vec![7; PAYLOAD_BYTES_MAX + 1]),
];

/// What becomes of a text or a payload.
struct Call<T: ?Sized> {
    name: &'static str,
    wanted: fn(&Subject, usize) -> Wanted,
    run: fn(&Index, &T) -> Given,
}

fn tagged(bytes: usize) -> Wanted {
    if (1..=TAG_BYTES_MAX).contains(&bytes) { Wanted::Answer } else { Wanted::Refusal("bad-tag") }
}

/// Of a call that writes an item, if what it is described by is fine.
fn written(subject: &Subject, fine: Wanted) -> Wanted {
    match (fine, subject.rows) {
        (Wanted::Answer, Rows::Codes) if subject.life == Life::Empty => Wanted::Refusal("no-codes"),
        (Wanted::Answer, Rows::Codes) => Wanted::AnswerOr("code-range"),
        (fine, _) => fine,
    }
}

fn named(subject: &Subject, bytes: usize) -> Wanted {
    let fine = (1..=NAME_BYTES_MAX).contains(&bytes);
    written(subject, if fine { Wanted::Answer } else { Wanted::Refusal("bad-name") })
}

const TEXT_CALLS: &[Call<str>] = &[
    Call {
        name: "tag",
        wanted: |_, bytes| tagged(bytes),
        run: |index, tag| {
            let was_there = index.contains(7);
            let given = index.tag(7, tag)?;
            let has = index.tags(7).is_some_and(|tags| tags.iter().any(|other| other == tag));
            let found = index.keys_where(&TagFilter::tag(tag))?;
            right(given == was_there && has == given && found.contains(&7) == given, "no tag")
        },
    },
    Call {
        name: "tag of a key without an item",
        wanted: |_, bytes| tagged(bytes),
        run: |index, tag| right(!index.tag(NEW, tag)? && index.tags(NEW).is_none(), "an item"),
    },
    Call {
        name: "untag",
        wanted: |_, _| Wanted::Answer,
        run: |index, tag| {
            let had = index.tags(7).is_some_and(|tags| tags.iter().any(|other| other == tag));
            right(index.untag(7, tag)? == had, "another tag")
        },
    },
    Call {
        name: "insert_item with the tag",
        wanted: |subject, bytes| written(subject, tagged(bytes)),
        run: |index, tag| {
            index.insert_item(&Item::new(NEW, &VECTOR).tags(&[tag, "third", tag]))?;
            let tags = index.tags(NEW).unwrap_or_default();
            right(tags.len() == 2 && tags.iter().any(|other| other == tag), "other tags")
        },
    },
    Call {
        name: "search by the tag",
        wanted: |_, _| Wanted::Answer,
        run: |index, tag| {
            let filter = TagFilter::tag(tag);
            let hits = index.search(&VECTOR).up_to(2 * LEN).tagged(&filter).run()?;
            right(hits.len() == index.count(&filter)?, "another number")
        },
    },
    Call {
        name: "delete_where by the tag",
        wanted: |_, _| Wanted::Answer,
        run: |index, tag| {
            let (len, filter) = (index.len(), TagFilter::tag(tag));
            let count = index.count(&filter)?;
            let deleted = index.delete_where(&filter)?;
            right(deleted == count && index.len() + deleted == len, "others were deleted")
        },
    },
    Call {
        name: "insert_item by name",
        wanted: named,
        run: |index, name| {
            index.insert_item(&Item::named(name, &VECTOR))?;
            right(index.name(key_of(name)).as_deref() == Some(name), "another name")
        },
    },
    Call {
        name: "upsert_item by name, twice",
        wanted: named,
        run: |index, name| {
            let first = index.upsert_item(&Item::named(name, &VECTOR))?;
            let second = index.upsert_item(&Item::named(name, &VECTOR))?;
            let kept = index.upsert(key_of(name), &VECTOR)?;
            let name_is = index.name(key_of(name));
            right(!first && second && kept && name_is.as_deref() == Some(name), "another name")
        },
    },
    Call {
        name: "update_item by the name of no item",
        wanted: |_, bytes| match bytes {
            1..=NAME_BYTES_MAX => Wanted::Answer,
            _ => Wanted::Refusal("bad-name"),
        },
        run: |index, name| right(!index.update_item(&Item::named(name, &VECTOR))?, "an item"),
    },
    Call {
        name: "bulk_build_items by name",
        wanted: |subject, bytes| {
            let is_empty = subject.len() == 0;
            let fine = (1..=NAME_BYTES_MAX).contains(&bytes);
            match (is_empty, fine) {
                (false, _) => Wanted::Refusal("not-empty"),
                (true, false) => Wanted::Refusal("bad-name"),
                (true, true) => Wanted::Answer,
            }
        },
        run: |index, name| {
            let items = [Item::named(name, &VECTOR), Item::new(NEW, &VECTOR).payload(b"x")];
            index.bulk_build_items(&items, &Sequential, &mut |_| true)?;
            right(index.name(key_of(name)).as_deref() == Some(name), "another name")
        },
    },
];

const PAYLOAD_CALLS: &[Call<[u8]>] = &[
    Call {
        name: "insert_item with a payload of",
        wanted: |subject, bytes| written(subject, carried(bytes)),
        run: |index, payload| {
            index.insert_item(&Item::new(NEW, &VECTOR).payload(payload))?;
            right(index.payload(NEW).as_deref() == Some(payload), "another payload")
        },
    },
    Call {
        name: "upsert_item with a payload of",
        wanted: |subject, bytes| written(subject, carried(bytes)),
        run: |index, payload| {
            index.upsert_item(&Item::new(0, &VECTOR).payload(payload))?;
            right(index.payload(0).as_deref() == Some(payload), "another payload")
        },
    },
];

fn carried(bytes: usize) -> Wanted {
    let fine = bytes <= PAYLOAD_BYTES_MAX;
    if fine { Wanted::Answer } else { Wanted::Refusal("payload-too-long") }
}

/// Every text and every payload on every index.
pub(crate) fn boundary_described(table: &mut Table) {
    for mut subject in subjects() {
        for Call { name, wanted, run } in TEXT_CALLS {
            for (what, text) in TEXTS {
                let text = text();
                // Filters, tags and names keep it, some of them twice.
                let room = ROOM + 4 * text.len();
                let wanted = (wanted(&subject, text.len()), room, true);
                let name = format!("{name}: {what}");
                cell_on(table, &name, &mut subject, wanted, |index| run(index, &text));
            }
        }
        for Call { name, wanted, run } in PAYLOAD_CALLS {
            for (what, payload) in PAYLOADS {
                let payload = payload();
                // It is kept once, and read once.
                let room = ROOM + 3 * payload.len();
                let wanted = (wanted(&subject, payload.len()), room, true);
                let name = format!("{name} {what}");
                cell_on(table, &name, &mut subject, wanted, |index| run(index, &payload));
            }
        }
    }
}

/// Texts of filters.
const FILTERS: Values<String> = &[
    ("a tag", || "third".to_owned()),
    ("spaces around", || "  third ".to_owned()),
    ("other letters", || "\u{1f600}".to_owned()),
    ("not", || "!third".to_owned()),
    ("not not", || "!!third".to_owned()),
    ("closed brackets, sixty deep", || nested(60)),
    ("as many steps as there may be", || vec!["a"; FILTER_STEPS_MAX / 2].join("|")),
];

/// Texts that are none.
const NO_FILTERS: Values<String> = &[
    ("nothing", String::new),
    ("a space", || " ".to_owned()),
    ("an open end", || "third &".to_owned()),
    ("an open start", || "| third".to_owned()),
    ("two tags", || "third fourth".to_owned()),
    ("a bracket", || "(third".to_owned()),
    ("the other bracket", || "third)".to_owned()),
    ("brackets of nothing", || "()".to_owned()),
    ("an operator twice", || "a && b".to_owned()),
    ("brackets a million deep", || "(".repeat(1_000_000)),
    ("closed brackets, a thousand deep", || nested(1000)),
    ("closed brackets, a million deep", || nested(1_000_000)),
    ("more", || vec!["a"; FILTER_STEPS_MAX].join("|")),
    ("a million tags", || vec!["a"; 1_000_000].join("&")),
    ("a tag of 10 MB", || "x".repeat(10_000_000)),
    ("10 MB of not", || "!".repeat(10_000_000)),
];

fn nested(depth: usize) -> String {
    format!("{}third{}", "(".repeat(depth), ")".repeat(depth))
}

/// What a filter is used for: how many items it finds.
type Find = fn(&Index, &TagFilter) -> ecphory::Result<usize>;

const FINDS: &[(&str, Find)] = &[
    ("count", |index, filter| index.count(filter)),
    ("keys_where", |index, filter| Ok(index.keys_where(filter)?.len())),
    ("search", |index, filter| found(index.search(&VECTOR).up_to(2 * LEN).tagged(filter).run())),
    ("exact search", |index, filter| {
        found(index.search(&VECTOR).up_to(2 * LEN).exact(true).tagged(filter).run())
    }),
];

fn found(hits: ecphory::Result<Vec<Hit>>) -> ecphory::Result<usize> {
    Ok(hits?.len())
}

/// Every text as a filter, and every filter on every index.
pub(crate) fn boundary_filters(table: &mut Table) {
    let mut filters: Vec<(&str, TagFilter)> = Vec::new();
    for (what, text) in FILTERS {
        let text = text();
        cell(table, &format!("filter of {what}"), Wanted::Answer, ROOM, || {
            filters.push((what, text.parse()?));
            Ok(())
        });
    }
    for (what, text) in NO_FILTERS {
        let text = text();
        let wanted = Wanted::Refusal("bad-filter");
        cell(table, &format!("filter of {what}"), wanted, ROOM, || {
            Ok(text.parse::<TagFilter>().map(drop)?)
        });
    }
    filters.push(("everything", !TagFilter::tag("no such tag")));
    for mut subject in subjects() {
        for (what, filter) in &filters {
            for (name, find) in FINDS {
                let name = format!("{name} of {what}");
                let wanted = (Wanted::Answer, ROOM, false);
                cell_on(table, &name, &mut subject, wanted, |index| {
                    let count = index.count(filter)?;
                    right(find(index, filter)? == count, "another number")
                });
            }
        }
    }
}
