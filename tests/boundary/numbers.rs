//! Numbers outside their bounds, or just inside, wherever a number goes in.

use ecphory::exec::{Exec, Sequential};
use ecphory::limits::{DIM_MAX, EF_MAX, K_MAX};
use ecphory::{Effort, Heap, Index, Metric, Region, Rows};
use ecphory_native::vectors::{Ids, Vectors};
use ecphory_native::{HugePages, Pool};

use crate::cell::{Fault, Given, ROOM, Wanted, cell, cell_on, refused, right};
use crate::subject::{DIM, LEN, Subject, keys, subjects};
use crate::tally::Table;

const QUERY: [f32; DIM] = [1.0, 0.5, 0.2, 0.1];

/// What a search of a few items may take: not the memory for as many as it could be asked for.
const SEARCH_ROOM: usize = 64 << 10;

const COUNTS: &[usize] = &[
    0,
    1,
    2,
    LEN - 1,
    LEN,
    LEN + 1,
    1000,
    EF_MAX - 1,
    EF_MAX,
    EF_MAX + 1,
    1 << 26,
    u32::MAX as usize,
    u32::MAX as usize + 1,
    isize::MAX as usize,
    isize::MAX as usize + 1,
    usize::MAX / DIM,
    usize::MAX - 1,
    usize::MAX,
];

const SHARES: &[f32] = &[
    f32::NAN,
    f32::NEG_INFINITY,
    f32::MIN,
    -1.0,
    -0.0,
    0.0,
    f32::from_bits(1),
    f32::MIN_POSITIVE,
    0.5,
    0.95,
    1.0_f32.next_down(),
    1.0,
    1.0_f32.next_up(),
    2.0,
    f32::MAX,
    f32::INFINITY,
];

/// A call that takes a number.
struct Call<T> {
    name: &'static str,
    wanted: fn(&Subject, T) -> Wanted,
    run: fn(&Index, T) -> Given,
}

const NEIGHBOURS: &[Call<usize>] = &[
    Call {
        name: "k",
        wanted: strict,
        run: |index, k| found(index, index.search(&QUERY).k(k).run()?.len(), k),
    },
    Call {
        name: "k of an exact search",
        wanted: strict,
        run: |index, k| found(index, index.search(&QUERY).k(k).exact(true).run()?.len(), k),
    },
    Call {
        name: "up_to",
        wanted: lenient,
        run: |index, k| found(index, index.search(&QUERY).up_to(k).run()?.len(), k),
    },
    Call {
        name: "up_to of an exact search",
        wanted: lenient,
        run: |index, k| found(index, index.search(&QUERY).up_to(k).exact(true).run()?.len(), k),
    },
    Call {
        name: "up_to among all",
        wanted: lenient,
        run: |index, k| {
            let all = index.key_set(keys());
            found(index, index.search(&QUERY).up_to(k).among(&all).run()?.len(), k)
        },
    },
    Call {
        name: "up_to with a filter",
        wanted: lenient,
        run: |index, k| {
            found(index, index.search(&QUERY).up_to(k).filter(&|_| true).run()?.len(), k)
        },
    },
    Call {
        name: "up_to within any distance",
        wanted: lenient,
        run: |index, k| {
            found(index, index.search(&QUERY).up_to(k).max_distance(f32::MAX).run()?.len(), k)
        },
    },
    Call {
        name: "k of search_batch",
        wanted: strict,
        run: |index, k| {
            let batch = index.search_batch(&[QUERY, QUERY].concat(), k, None, &Sequential)?;
            right(batch.k == k && batch.keys.len() == 2 * k, "too few hits")
        },
    },
    Call {
        name: "k of scan_batch",
        wanted: strict,
        run: |index, k| {
            let batch = index.scan_batch(&[QUERY, QUERY].concat(), k, &Sequential)?;
            right(batch.k == k && batch.distances.len() == 2 * k, "too few hits")
        },
    },
    Call {
        name: "k of Tuning::ef",
        wanted: |_, _| Wanted::Answer,
        run: |index, k| {
            let ef = index.tuning().and_then(|tuning| tuning.ef(0.9, k));
            right(ef.is_none_or(|ef| (1..=EF_MAX).contains(&ef)), "an ef out of bounds")
        },
    },
];

const BREADTHS: &[Call<usize>] = &[
    Call {
        name: "ef",
        wanted: breadth,
        run: |index, ef| found(index, index.search(&QUERY).up_to(3).ef(ef).run()?.len(), 3),
    },
    Call {
        name: "ef of an exact search",
        wanted: breadth,
        run: |index, ef| {
            found(index, index.search(&QUERY).up_to(3).ef(ef).exact(true).run()?.len(), 3)
        },
    },
    Call {
        name: "ef among all",
        wanted: breadth,
        run: |index, ef| {
            let all = index.key_set(keys());
            found(index, index.search(&QUERY).up_to(3).ef(ef).among(&all).run()?.len(), 3)
        },
    },
    Call {
        name: "ef with a filter",
        wanted: breadth,
        run: |index, ef| {
            found(index, index.search(&QUERY).up_to(3).ef(ef).filter(&|_| true).run()?.len(), 3)
        },
    },
    Call {
        name: "ef of search_batch",
        wanted: |subject, ef| {
            if subject.len() == 0 && is_breadth(ef) { EMPTY } else { breadth(subject, ef) }
        },
        run: |index, ef| {
            right(index.search_batch(&QUERY, 3, ef, &Sequential)?.keys.len() == 3, "too few hits")
        },
    },
];

const RECALLS: &[Call<f32>] = &[
    Call {
        name: "recall",
        wanted: recall,
        run: |index, share| {
            found(index, index.search(&QUERY).up_to(3).recall(share).run()?.len(), 3)
        },
    },
    Call {
        name: "recall among all",
        wanted: recall,
        run: |index, share| {
            let all = index.key_set(keys());
            found(index, index.search(&QUERY).up_to(3).recall(share).among(&all).run()?.len(), 3)
        },
    },
    Call {
        name: "recall of an exact search",
        wanted: |_, share| {
            if is_share(share) { Wanted::Answer } else { Wanted::Refusal("recall-out-of-range") }
        },
        run: |index, share| {
            found(index, index.search(&QUERY).up_to(3).recall(share).exact(true).run()?.len(), 3)
        },
    },
    Call {
        name: "recall of search_batch",
        wanted: |subject, share| {
            if subject.len() == 0 && is_share(share) { EMPTY } else { recall(subject, share) }
        },
        run: |index, share| {
            let batch = index.search_batch(&QUERY, 3, Effort::Recall(share), &Sequential)?;
            right(batch.keys.len() == 3, "too few hits")
        },
    },
    Call {
        name: "recall of Tuning::ef",
        wanted: |_, _| Wanted::Answer,
        run: |index, share| {
            let ef = index.tuning().and_then(|tuning| tuning.ef(share, usize::MAX));
            right(ef.is_none_or(|ef| (1..=EF_MAX).contains(&ef)), "an ef out of bounds")
        },
    },
];

const DISTANCES: &[Call<f32>] = &[
    Call {
        name: "max_distance",
        wanted: limit,
        run: |index, most| {
            let within = index.search(&QUERY).up_to(LEN).max_distance(most).run()?;
            let all = index.search(&QUERY).up_to(LEN).run()?;
            let near = all.into_iter().filter(|hit| hit.distance <= most);
            right(near.eq(within), "not the hits that are near enough")
        },
    },
    Call {
        name: "max_distance of an exact search",
        wanted: limit,
        run: |index, most| {
            let search = index.search(&QUERY).up_to(LEN).exact(true);
            let near = search.run()?.into_iter().filter(|hit| hit.distance <= most);
            right(near.eq(search.max_distance(most).run()?), "not the hits that are near enough")
        },
    },
    Call {
        name: "max_distance among all",
        wanted: limit,
        run: |index, most| {
            let all = index.key_set(keys());
            let search = index.search(&QUERY).up_to(LEN).among(&all);
            let near = search.run()?.into_iter().filter(|hit| hit.distance <= most);
            right(near.eq(search.max_distance(most).run()?), "not the hits that are near enough")
        },
    },
];

const EMPTY: Wanted = Wanted::Refusal("empty");
const OUT: Wanted = Wanted::Refusal("option-out-of-range");

fn strict(subject: &Subject, k: usize) -> Wanted {
    match (k, subject.len()) {
        (k, _) if !(1..=K_MAX).contains(&k) => OUT,
        (_, 0) => EMPTY,
        (k, len) if k > len => Wanted::Refusal("not-enough-items"),
        _ => Wanted::Answer,
    }
}

fn lenient(_: &Subject, k: usize) -> Wanted {
    if (1..=K_MAX).contains(&k) { Wanted::Answer } else { OUT }
}

fn is_breadth(ef: usize) -> bool {
    (1..=EF_MAX).contains(&ef)
}

fn breadth(_: &Subject, ef: usize) -> Wanted {
    if is_breadth(ef) { Wanted::Answer } else { OUT }
}

fn is_share(share: f32) -> bool {
    share > 0.0 && share < 1.0
}

fn recall(subject: &Subject, share: f32) -> Wanted {
    match share {
        share if !is_share(share) => Wanted::Refusal("recall-out-of-range"),
        _ if !subject.is_tuned() => Wanted::Refusal("not-tuned"),
        _ => Wanted::AnswerOr("recall-out-of-reach"),
    }
}

fn limit(_: &Subject, most: f32) -> Wanted {
    if most.is_nan() { Wanted::Refusal("distance-not-a-number") } else { Wanted::Answer }
}

fn found(index: &Index, hits: usize, k: usize) -> Given {
    right(hits == index.len().min(k), format_args!("{hits} hits of {}", index.len()))
}

/// Numbers that a search takes, on every index.
pub(crate) fn boundary_search_numbers(table: &mut Table) {
    for mut subject in subjects() {
        each(table, &mut subject, NEIGHBOURS, COUNTS);
        each(table, &mut subject, BREADTHS, COUNTS);
        each(table, &mut subject, RECALLS, SHARES);
        each(table, &mut subject, DISTANCES, SHARES);
    }
}

fn each<T: Copy + std::fmt::Debug>(
    table: &mut Table,
    subject: &mut Subject,
    calls: &[Call<T>],
    values: &[T],
) {
    for Call { name, wanted, run } in calls {
        for &value in values {
            let wanted = (wanted(subject, value), SEARCH_ROOM, false);
            let name = format!("{name} = {value:?}");
            cell_on(table, &name, subject, wanted, |index| run(index, value));
        }
    }
}

/// A call that makes something of a number.
struct Make {
    name: &'static str,
    /// Numbers that it takes.
    takes: fn(usize) -> bool,
    /// The code of its refusal.
    code: &'static str,
    run: fn(usize) -> Given,
}

const MAKES: &[Make] = &[
    Make {
        name: "dim",
        takes: |dim| (1..=DIM_MAX).contains(&dim),
        code: "option-out-of-range",
        run: |dim| right(Index::builder(dim).build()?.options().dim == dim, "another dimension"),
    },
    Make {
        name: "dim, m and ef_construction",
        takes: |_| false,
        code: "option-out-of-range",
        run: |n| {
            let out = n.max(DIM_MAX + 1);
            Ok(Index::builder(out).m(n).ef_construction(n).build().map(drop)?)
        },
    },
    Make {
        name: "m",
        takes: |m| (4..=64).contains(&m),
        code: "option-out-of-range",
        run: |m| grown(&Index::builder(DIM).m(m).build()?),
    },
    Make {
        name: "ef_construction",
        takes: |ef| (16..=EF_MAX).contains(&ef),
        code: "option-out-of-range",
        run: |ef| grown(&Index::builder(DIM).ef_construction(ef).build()?),
    },
    Make {
        name: "seed",
        takes: |_| true,
        code: "",
        run: |seed| grown(&Index::builder(DIM).seed(seed as u64).build()?),
    },
    Make {
        name: "m = 64, and ef_construction",
        takes: |ef| (64..=EF_MAX).contains(&ef),
        code: "option-out-of-range",
        run: |ef| grown(&Index::builder(DIM).m(64).ef_construction(ef).build()?),
    },
    Make {
        name: "Pool::new",
        takes: |threads| (1..=1024).contains(&threads),
        code: "pool",
        run: |threads| {
            let pool = Pool::new(threads).map_err(|error| refused("pool")(&error))?;
            right(pool.width() == threads, "another number of threads")
        },
    },
    Make {
        name: "the grain of a pool",
        takes: |_| true,
        code: "",
        run: |grain| {
            let pool = Pool::new(2).map_err(|error| refused("pool")(&error))?;
            let done = std::sync::atomic::AtomicUsize::new(0);
            pool.for_each(7, grain, &|range| {
                done.fetch_add(range.len(), std::sync::atomic::Ordering::Relaxed);
            });
            right(done.into_inner() == 7, "not all was done")
        },
    },
    Make {
        name: "Vectors::new, rows",
        takes: |rows| rows == 4,
        code: "none",
        run: |rows| Vectors::new(rows, DIM, vec![0.0; 4 * DIM]).map(drop).ok_or_else(none),
    },
    Make {
        name: "Ids::new, columns",
        takes: |columns| columns == 4,
        code: "none",
        run: |columns| Ids::new(DIM, columns, vec![0; 4 * DIM]).map(drop).ok_or_else(none),
    },
    Make {
        name: "Region::zeroed",
        takes: |len| len <= EF_MAX + 1,
        code: "none",
        run: |len| region(len, Region::zeroed(len)),
    },
    Make {
        name: "the heap",
        takes: |len| len <= EF_MAX + 1,
        code: "none",
        run: |len| region(len, ecphory::Allocator::zeroed(&Heap, len)),
    },
    Make {
        name: "huge pages",
        takes: |len| len <= EF_MAX + 1,
        code: "none",
        run: |len| region(len, ecphory::Allocator::zeroed(&HugePages, len)),
    },
];

fn none() -> Fault {
    refused("none")(&"nothing; as documented")
}

fn region(len: usize, region: Option<Region>) -> Given {
    let region = region.ok_or_else(none)?;
    right(region.len() == len, "another length")
}

fn grown(index: &Index) -> Given {
    for key in 0..20 {
        index.insert(key, &[key as f32, 1.0, 0.5, -1.0])?;
    }
    right(index.check().is_ok() && index.len() == 20, "a broken graph")
}

/// Numbers that something is made of.
pub(crate) fn boundary_sizes(table: &mut Table) {
    for Make { name, takes, code, run } in MAKES {
        for &value in COUNTS {
            let is_memory = *code == "none" && !name.contains("new");
            if is_memory && !takes(value) && value < isize::MAX as usize {
                // What a machine has of memory is no boundary of the code.
                continue;
            }
            let wanted = if takes(value) { Wanted::Answer } else { Wanted::Refusal(code) };
            // A row of the largest dimension is 256 KiB, and a pool has a thread's worth for each.
            let room = if ["dim", "Pool::new"].contains(name) { 16 * ROOM } else { 2 * ROOM };
            cell(table, &format!("{name} = {value}"), wanted, room, || run(value));
        }
    }
    for metric in Metric::ALL {
        for rows in [Rows::F32, Rows::F16] {
            let name = format!("one item of the largest dimension, {metric}, {rows}");
            // Tables grow by 1,024 rows at first, of vectors and of codes.
            cell(table, &name, Wanted::Answer, 336 * ROOM, || {
                let index = Index::builder(DIM_MAX).metric(metric).rows(rows).build()?;
                let vector = vec![0.25; DIM_MAX];
                index.insert(u64::MAX, &vector)?;
                right(index.search(&vector).k(1).run()?[0].key == u64::MAX, "another item")
            });
        }
    }
}
