//! Vectors that an index does not take, or just takes, on every call that takes vectors.

use ecphory::exec::Sequential;
use ecphory::{Index, Metric, Rows};

use crate::cell::{Given, ROOM, Values, Wanted, cell_on, right};
use crate::subject::{DIM, LEN, NEW, Subject, subjects};
use crate::tally::Table;

/// Values of a vector. Those of a length of their own are wrong by that.
const VALUES: Values<Vec<f32>> = &[
    ("good", || vec![0.5, -0.25, 0.125, 0.75]),
    ("no components", Vec::new),
    ("a component less", || vec![1.0; DIM - 1]),
    ("a component more", || vec![1.0; DIM + 1]),
    ("10 MB", || vec![1.0; 2_500_001]),
    ("NaN first", || with(0, f32::NAN)),
    ("NaN last", || with(DIM - 1, f32::NAN)),
    ("a signalling NaN", || with(1, f32::from_bits(0x7f80_0001))),
    ("a negative NaN", || with(2, f32::from_bits(0xffff_ffff))),
    ("infinity", || with(3, f32::INFINITY)),
    ("negative infinity", || with(0, f32::NEG_INFINITY)),
    ("infinity and NaN", || vec![f32::INFINITY, f32::NAN, 0.0, 1.0]),
    ("both infinities", || vec![f32::INFINITY, f32::NEG_INFINITY, 0.0, 1.0]),
    // What a conversion from 64 bits makes of 1e39.
    ("an overflow of f64", || with(1, 1e39_f64 as f32)),
    ("the largest f32", || with(0, f32::MAX)),
    ("all the largest f32", || vec![f32::MAX; DIM]),
    ("finite, of a norm that is not", || vec![1.2e19; DIM]),
    ("just too long", || vec![3.3e18; DIM]),
    ("just not too long", || vec![3.2e18; DIM]),
    ("zero", || vec![0.0; DIM]),
    ("negative zero", || vec![-0.0; DIM]),
    ("one subnormal", || vec![f32::from_bits(1), 0.0, 0.0, 0.0]),
    ("subnormal", || vec![1e-40, -1e-41, 2e-42, 0.0]),
    ("just subnormal", || vec![f32::MIN_POSITIVE.next_down(); DIM]),
    ("a subnormal beside one", || vec![1.0, 1e-40, 0.5, 0.25]),
    ("the smallest normal f32", || vec![f32::MIN_POSITIVE; DIM]),
    ("just no direction", || vec![9.9e-31; DIM]),
    ("just a direction", || vec![1e-30, 0.0, 0.0, 0.0]),
    ("the largest f16", || with(2, 65_504.0)),
    ("just above the largest f16", || with(2, 65_505.0)),
    ("below the smallest normal f16", || vec![6e-5, 0.0, 0.0, 0.0]),
    ("one, and others below f16", || vec![1.0, 1e-9, -1e-9, 1e-30]),
];

fn with(place: usize, value: f32) -> Vec<f32> {
    let mut vector = vec![0.5; DIM];
    vector[place] = value;
    vector
}

/// What a call makes of vectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Keeps one.
    Item,
    /// Builds an empty index of three, the second of them this one.
    Build,
    /// Compares one with items.
    Query,
    /// The same, and insists on neighbours.
    Neighbours,
    /// Compares three, the second of them this one, and insists on neighbours.
    Batch,
}

struct Call {
    name: &'static str,
    makes: Use,
    run: fn(&Index, &[f32]) -> Given,
}

const CALLS: &[Call] = &[
    keeps("insert", |index, vector| Ok(index.insert(NEW, vector)?)),
    keeps("upsert of a new key", |index, vector| {
        right(!index.upsert(NEW, vector)?, "replaced an item that was not there")
    }),
    keeps("upsert of the largest key", |index, vector| {
        let was_there = index.contains(u64::MAX);
        right(index.upsert(u64::MAX, vector)? == was_there, "did not say what it did")
    }),
    Call {
        name: "bulk_build",
        makes: Use::Build,
        run: |index, vector| {
            let vectors = between_good_ones(vector);
            Ok(index.bulk_build(&[NEW, 0, u64::MAX], &vectors, &Sequential, &mut |_| true)?)
        },
    },
    asks("search", |index, query| {
        let hits = index.search(query).up_to(5).run()?;
        right(hits.len() == index.len().min(5), "too few hits")
    }),
    asks("run_into", |index, query| {
        let mut hits = Vec::new();
        index.search(query).up_to(5).ef(7).run_into(&mut hits)?;
        right(hits.len() == index.len().min(5), "too few hits")
    }),
    asks("exact search", |index, query| {
        let hits = index.search(query).up_to(LEN).exact(true).run()?;
        right(hits.len() == index.len(), "too few hits")
    }),
    asks("search among", |index, query| {
        let some = index.key_set([0, u64::MAX, NEW]);
        let hits = index.search(query).up_to(5).among(&some).run()?;
        right(hits.len() == index.len().min(2), "other hits than asked for")
    }),
    asks("exact search among", |index, query| {
        let some = index.key_set([0, u64::MAX, NEW]);
        let hits = index.search(query).up_to(5).among(&some).exact(true).run()?;
        right(hits.len() == index.len().min(2), "other hits than asked for")
    }),
    asks("search with a filter", |index, query| {
        let hits = index.search(query).up_to(5).filter(&|key| key == 0).run()?;
        right(hits.len() == index.len().min(1), "other hits than asked for")
    }),
    asks("search within a distance", |index, query| {
        let hits = index.search(query).up_to(5).max_distance(0.25).run()?;
        right(hits.iter().all(|hit| hit.distance <= 0.25), "too far")
    }),
    Call {
        name: "search for k",
        makes: Use::Neighbours,
        run: |index, query| {
            let hits = index.search(query).k(5).run()?;
            right(hits.len() == 5 && hits.iter().all(|hit| !hit.distance.is_nan()), "bad hits")
        },
    },
    Call {
        name: "search_batch",
        makes: Use::Batch,
        run: |index, query| {
            let queries = between_good_ones(query);
            let batch = index.search_batch(&queries, 3, None, &Sequential)?;
            right(batch.keys.len() == queries.len() / DIM * 3, "too few hits")
        },
    },
    Call {
        name: "scan_batch",
        makes: Use::Batch,
        run: |index, query| {
            let queries = between_good_ones(query);
            let batch = index.scan_batch(&queries, 3, &Sequential)?;
            right(batch.distances.len() == queries.len() / DIM * 3, "too few hits")
        },
    },
    Call {
        name: "tune_with",
        makes: Use::Batch,
        run: |index, query| {
            let queries = between_good_ones(query);
            index.tune_with(&queries, &Sequential, &mut |_| true)?;
            right(index.tuning().is_some(), "no tuning")
        },
    },
];

const fn keeps(name: &'static str, run: fn(&Index, &[f32]) -> Given) -> Call {
    Call { name, makes: Use::Item, run }
}

const fn asks(name: &'static str, run: fn(&Index, &[f32]) -> Given) -> Call {
    Call { name, makes: Use::Query, run }
}

fn between_good_ones(vector: &[f32]) -> Vec<f32> {
    let good = [1.0, -0.5, 0.25, 0.5];
    [&good[..], vector, &good].concat()
}

/// Every value on every call on every index.
pub(crate) fn boundary_vectors(table: &mut Table) {
    for mut subject in subjects() {
        for (what, value) in VALUES {
            let vector = value();
            // Batches of millions are no boundary.
            let is_long = vector.len() > 1000;
            for Call { name, makes, run } in CALLS {
                let wanted = wanted(&subject, *makes, &vector);
                let room = ROOM + 4 * size_of_val(&vector[..]);
                let may_change = matches!(makes, Use::Item | Use::Build) || *name == "tune_with";
                if !(is_long && wanted == Wanted::Answer) {
                    let name = format!("{name} of {what}");
                    let wanted = (wanted, room, may_change);
                    cell_on(table, &name, &mut subject, wanted, |index| run(index, &vector));
                }
            }
        }
    }
}

/// What the documentation says of a vector, in 64 bits.
fn wanted(subject: &Subject, makes: Use, vector: &[f32]) -> Wanted {
    let is_empty = subject.len() == 0;
    let of_rows = |code: Option<&'static str>| code.map_or(Wanted::Answer, Wanted::Refusal);
    match makes {
        Use::Item => match item_error(subject, vector) {
            None if subject.rows == Rows::Codes => kept_as_codes(subject),
            code => of_rows(code),
        },
        Use::Build if !is_empty => Wanted::Refusal("not-empty"),
        Use::Build if vector.len() != DIM => Wanted::Refusal("shape-mismatch"),
        Use::Build => match item_error(subject, vector) {
            None if subject.rows == Rows::Codes => Wanted::AnswerOr("code-range"),
            code => of_rows(code),
        },
        Use::Query => of_rows(query_error(subject.metric, vector)),
        Use::Neighbours => {
            of_rows(query_error(subject.metric, vector).or(is_empty.then_some("empty")))
        }
        Use::Batch if !vector.len().is_multiple_of(DIM) => Wanted::Refusal("shape-mismatch"),
        Use::Batch => {
            let row = vector.chunks(DIM).find_map(|row| query_error(subject.metric, row));
            of_rows(row.or(is_empty.then_some("empty")))
        }
    }
}

fn query_error(metric: Metric, vector: &[f32]) -> Option<&'static str> {
    let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    if vector.len() != DIM {
        Some("dimension-mismatch")
    } else if vector.iter().any(|x| !x.is_finite()) {
        Some("not-finite")
    } else if squares > f64::from(f32::MAX) / 8.0 {
        Some("too-long")
    } else if metric == Metric::Cosine && vector.iter().all(|x| x.abs() < 1e-30) {
        Some("zero-vector")
    } else {
        None
    }
}

fn item_error(subject: &Subject, vector: &[f32]) -> Option<&'static str> {
    let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let is_small = subject.metric == Metric::Cosine && f64::from(largest) < 2.0_f64.powi(-14);
    query_error(subject.metric, vector).or_else(|| {
        (subject.rows == Rows::F16 && (largest > 65_504.0 || is_small)).then_some("f16-range")
    })
}

fn kept_as_codes(subject: &Subject) -> Wanted {
    use crate::subject::Life;
    match subject.life {
        Life::Empty => Wanted::Refusal("no-codes"),
        _ => Wanted::AnswerOr("code-range"),
    }
}
