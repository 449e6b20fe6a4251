//! Keys, sets of keys, and shapes that do not fit, on every call that takes them.

use ecphory::exec::Sequential;
use ecphory::{Codes, Index, KeySet, Metric, Rows};

use crate::cell::{Given, ROOM, Values, Wanted, cell, cell_on, right};
use crate::subject::{DIM, LEN, NEW, Subject, keys, subjects};
use crate::tally::Table;

/// A vector that every subject takes, also one that keeps codes alone.
const VECTOR: [f32; DIM] = [0.01, 0.02, -0.01, 0.03];

const KEYS: &[u64] = &[0, 1, LEN as u64 - 2, LEN as u64 - 1, NEW, 1 << 63, u64::MAX - 1, u64::MAX];

struct Call {
    name: &'static str,
    wanted: fn(&Subject, u64) -> Wanted,
    changes: bool,
    run: fn(&Index, u64) -> Given,
}

const CALLS: &[Call] = &[
    Call {
        name: "insert",
        wanted: |subject, key| match written(subject) {
            Wanted::Answer | Wanted::AnswerOr(_) if has(subject, key) => {
                Wanted::Refusal("duplicate-key")
            }
            wanted => wanted,
        },
        changes: true,
        run: |index, key| {
            index.insert(key, &VECTOR)?;
            right(index.contains(key), "did not insert")
        },
    },
    Call {
        name: "upsert",
        wanted: |subject, _| written(subject),
        changes: true,
        run: |index, key| {
            let (was_there, len) = (index.contains(key), index.len());
            let replaced = index.upsert(key, &VECTOR)?;
            let is_counted = index.len() == len + usize::from(!was_there);
            right(replaced == was_there && is_counted && index.contains(key), "did not replace")
        },
    },
    Call {
        name: "delete",
        wanted: |_, _| Wanted::Answer,
        changes: true,
        run: |index, key| {
            let (was_there, len) = (index.contains(key), index.len());
            let deleted = index.delete(key)?;
            let is_counted = index.len() == len - usize::from(was_there);
            let gone = !index.contains(key) && index.get(key).is_none() && !index.delete(key)?;
            right(deleted == was_there && is_counted && gone, "did not delete")
        },
    },
    Call {
        name: "get",
        wanted: |_, _| Wanted::Answer,
        changes: false,
        run: |index, key| {
            let vector = index.get(key);
            let fits = vector.as_ref().is_none_or(|vector| vector.len() == DIM);
            right(fits && vector.is_some() == index.contains(key), "another vector")
        },
    },
    Call {
        name: "contains",
        wanted: |_, _| Wanted::Answer,
        changes: false,
        run: |index, key| {
            right(index.contains(key) == index.keys()?.contains(&key), "keys do not agree")
        },
    },
];

fn has(subject: &Subject, key: u64) -> bool {
    subject.len() > 0 && keys().contains(&key)
}

fn written(subject: &Subject) -> Wanted {
    match subject.rows {
        Rows::Codes if subject.life == crate::subject::Life::Empty => Wanted::Refusal("no-codes"),
        Rows::Codes => Wanted::AnswerOr("code-range"),
        Rows::F32 | Rows::F16 => Wanted::Answer,
    }
}

/// Sets of keys: how they are made, and how many items of a subject that has all keys they name.
const SETS: Values<Vec<u64>> = &[
    ("none", Vec::new),
    ("a missing one", || vec![NEW]),
    ("the extremes", || vec![0, u64::MAX]),
    ("one, many times", || vec![7; 10_000]),
    ("all", keys),
    ("all and many others", || (0..20_000).chain(u64::MAX - 20_000..=u64::MAX).collect()),
];

/// A search among the items of a set: hits, for so many neighbours.
type Among = fn(&Index, &KeySet, usize) -> ecphory::Result<Vec<ecphory::Hit>>;

const AMONG: &[(&str, Among)] = &[
    ("search among", |index, set, k| index.search(&VECTOR).up_to(k).among(set).run()),
    ("wide search among", |index, set, k| {
        index.search(&VECTOR).up_to(k).ef(65_536).among(set).run()
    }),
    ("exact search among", |index, set, k| {
        index.search(&VECTOR).up_to(k).exact(true).among(set).run()
    }),
    ("search with a filter", |index, set, k| {
        index.search(&VECTOR).up_to(k).filter(&|key| set.contains(key)).run()
    }),
    ("exact search with a filter", |index, set, k| {
        index.search(&VECTOR).up_to(k).exact(true).filter(&|key| set.contains(key)).run()
    }),
    ("search among, for k", |index, set, k| {
        index.search(&VECTOR).k(k.min(index.len()).max(1)).among(set).run()
    }),
];

/// Every key and every set of keys on every index.
pub(crate) fn boundary_keys(table: &mut Table) {
    for mut subject in subjects() {
        for Call { name, wanted, changes, run } in CALLS {
            for &key in KEYS {
                let wanted = (wanted(&subject, key), ROOM, *changes);
                let name = format!("{name} of key {key}");
                cell_on(table, &name, &mut subject, wanted, |index| run(index, key));
            }
        }
        for (what, set) in SETS {
            let set = set();
            sets(table, &mut subject, what, &set);
        }
    }
}

fn sets(table: &mut Table, subject: &mut Subject, what: &str, keys: &[u64]) {
    let room = ROOM + 128 * keys.len();
    let is_empty = subject.len() == 0;
    for (name, search) in AMONG {
        // A set that was prepared for another index, and keys that it has never seen.
        for of_other in [false, true] {
            let wanted = match *name {
                "search among, for k" if is_empty => Wanted::Refusal("empty"),
                _ => Wanted::Answer,
            };
            let from = if of_other { " of another index" } else { "" };
            let name = format!("{name} {what}{from}");
            cell_on(table, &name, subject, (wanted, room, false), |index| {
                let other = Subject::new(crate::subject::Life::Built, Metric::L2, Rows::F32);
                let set = if of_other { other.index() } else { index };
                let set = set.key_set(keys.iter().copied());
                let named: std::collections::BTreeSet<u64> = keys.iter().copied().collect();
                let items = named.iter().filter(|&&key| index.contains(key)).count();
                let sized = set.len() == named.len() && set.is_empty() == named.is_empty();
                let hits = search(index, &set, 2 * LEN)?;
                let inside = hits.iter().all(|hit| named.contains(&hit.key));
                let found = hits.len() == items.min(2 * LEN);
                right(sized && inside && found, format_args!("{} hits of {items}", hits.len()))
            });
        }
    }
}

/// A bulk build: how many vectors, the numbers that are passed, the code of its refusal.
struct Shape {
    name: &'static str,
    keys: fn() -> Vec<u64>,
    numbers: usize,
    code: Option<&'static str>,
}

const SHAPES: &[Shape] = &[
    Shape { name: "nothing", keys: Vec::new, numbers: 0, code: None },
    Shape { name: "no keys", keys: Vec::new, numbers: DIM, code: Some("shape-mismatch") },
    Shape { name: "no vectors", keys: || vec![1], numbers: 0, code: Some("shape-mismatch") },
    Shape { name: "one", keys: || vec![u64::MAX], numbers: DIM, code: None },
    Shape { name: "a key less", keys: || vec![1], numbers: 2 * DIM, code: Some("shape-mismatch") },
    Shape { name: "a key more", keys: || vec![1, 2, 3], numbers: 8, code: Some("shape-mismatch") },
    Shape { name: "a number less", keys: || vec![1, 2], numbers: 7, code: Some("shape-mismatch") },
    Shape { name: "a number more", keys: || vec![1, 2], numbers: 9, code: Some("shape-mismatch") },
    Shape { name: "the extremes", keys: || vec![u64::MAX, 0], numbers: 8, code: None },
    Shape { name: "0 twice", keys: || vec![0, 1, 0], numbers: 12, code: Some("duplicate-key") },
    Shape {
        name: "the largest twice",
        keys: || vec![u64::MAX, u64::MAX],
        numbers: 8,
        code: Some("duplicate-key"),
    },
    Shape {
        name: "one key a thousand times",
        keys: || vec![5; 1000],
        numbers: 1000 * DIM,
        code: Some("duplicate-key"),
    },
];

/// Flat buffers that do not fit, and work that is cancelled.
pub(crate) fn boundary_shapes(table: &mut Table) {
    for mut subject in subjects() {
        for shape in SHAPES {
            let (keys, vectors) = ((shape.keys)(), made(shape.numbers));
            let wanted = match shape.code {
                _ if subject.len() > 0 => Wanted::Refusal("not-empty"),
                Some(code) => Wanted::Refusal(code),
                None => Wanted::Answer,
            };
            let name = format!("bulk_build of {}", shape.name);
            cell_on(table, &name, &mut subject, (wanted, ROOM, true), |index| {
                index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true)?;
                right(index.len() == keys.len(), "another number of items")
            });
        }
        for (what, numbers) in [("no query", 0), ("a part of one", 3), ("one and a part", 5)] {
            batches(table, &mut subject, what, &made(numbers));
        }
        let is_empty = subject.len() == 0;
        let cancelled = |no: &'static str| Wanted::Refusal(no);
        let wanted = if is_empty { cancelled("empty") } else { cancelled("cancelled") };
        cell_on(table, "tune, cancelled", &mut subject, (wanted, ROOM, false), |index| {
            Ok(index.tune(&Sequential, &mut |_| false).map(drop)?)
        });
        for steps in 0..6 {
            let wanted = if is_empty { cancelled("cancelled") } else { cancelled("not-empty") };
            let name = format!("bulk_build, cancelled after {steps} steps");
            cell_on(table, &name, &mut subject, (wanted, ROOM, false), |index| {
                let mut left = steps;
                let keys: Vec<u64> = (0..200).collect();
                index.bulk_build(&keys, &made(200 * DIM), &Sequential, &mut |progress| {
                    left -= i32::from(left > 0);
                    // The last step of linking is too late to cancel.
                    left > 0 && progress.done < progress.total
                        || progress.phase != ecphory::Phase::Link
                })?;
                right(false, "was not cancelled")
            });
        }
    }
    cell(table, "bulk_build of a million keys and no vector", SHAPE, 64 * ROOM, || {
        let keys: Vec<u64> = (0..1_000_000).collect();
        let index = Index::builder(65_536).build()?;
        Ok(index.bulk_build(&keys, &[], &Sequential, &mut |_| true)?)
    });
    cell(table, "codes without codes", Wanted::Refusal("no-codes"), ROOM, || {
        Ok(Index::builder(DIM).rows(Rows::Codes).codes(Codes::None).build().map(drop)?)
    });
}

const SHAPE: Wanted = Wanted::Refusal("shape-mismatch");

fn batches(table: &mut Table, subject: &mut Subject, what: &str, queries: &[f32]) {
    let is_empty = subject.len() == 0;
    let wanted = match queries.len() {
        0 if is_empty => Wanted::Refusal("empty"),
        0 => Wanted::Answer,
        _ => SHAPE,
    };
    cell_on(table, &format!("search_batch of {what}"), subject, (wanted, ROOM, false), |index| {
        right(index.search_batch(queries, 1, None, &Sequential)?.keys.is_empty(), "hits")
    });
    cell_on(table, &format!("scan_batch of {what}"), subject, (wanted, ROOM, false), |index| {
        right(index.scan_batch(queries, 1, &Sequential)?.keys.is_empty(), "hits")
    });
    let wanted =
        if wanted == Wanted::Answer { Wanted::Refusal("option-out-of-range") } else { wanted };
    cell_on(table, &format!("tune_with of {what}"), subject, (wanted, ROOM, false), |index| {
        Ok(index.tune_with(queries, &Sequential, &mut |_| true).map(drop)?)
    });
}

/// Numbers of no meaning, none of them a boundary.
fn made(count: usize) -> Vec<f32> {
    (0..count).map(|number| (number * 7919 % 1009) as f32 / 1009.0 + 0.1).collect()
}
