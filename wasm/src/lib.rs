//! Bindings of the core for JavaScript: types are translated here, nothing is decided.
//!
//! ```text
//!   npm/src ──► glue (generated) ──► Engine ──► ecphory::Index
//!                                      │ describe names, tags and payloads
//!                                      │ views    typed arrays in and out, one copy each
//!                                      │ errors   JavaScript errors with the core's codes
//!                                      │ progress calls back while the core works
//!                                      └ threads  the rayon pool, or none
//! ```
//!
//! Keys are JavaScript numbers that are whole and at most 2^53 − 1, so that each of them is one
//! exact `f64`. Numbers cross as typed arrays; names, tags and filters as text.
//!
//! Absent on purpose: defaults, validation of JavaScript values and anything asynchronous, which
//! belong to the package's TypeScript.

mod describe;
mod errors;
mod progress;
mod threads;
mod views;

use ecphory::{Check, Codes, Effort, Error, Index, KeySet, Memory, Metric, Rows, Search, Tuning};
use js_sys::{Array, Float32Array, Float64Array, Function, Object, Uint8Array};
use wasm_bindgen::prelude::*;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;

/// Result of a call from JavaScript: what is thrown is an `Error` with a `code`.
type Result<T, E = JsValue> = std::result::Result<T, E>;

/// What the core takes to list a key and to put it into a set, both at the most.
const BYTES_PER_LISTED_KEY: usize = 48;
const BYTES_PER_SET_KEY: usize = 128;

/// One index.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    index: Index,
}

/// Keys among which a search may find.
#[wasm_bindgen]
#[derive(Debug)]
pub struct IdSet(KeySet);

#[wasm_bindgen]
impl Engine {
    /// An empty index; what is not given takes the core's default.
    ///
    /// # Errors
    /// An option outside its bounds, or a name that names nothing.
    pub fn create(
        dimensions: usize,
        metric: Option<String>,
        m: Option<usize>,
        ef_construction: Option<usize>,
        codes: Option<String>,
        rows: Option<String>,
        seed: Option<f64>,
    ) -> Result<Self> {
        let mut builder = Index::builder(dimensions);
        if let Some(name) = metric {
            builder = builder.metric(name.parse::<Metric>().map_err(errors::unknown_name)?);
        }
        if let Some(m) = m {
            builder = builder.m(m);
        }
        if let Some(candidates) = ef_construction {
            builder = builder.ef_construction(candidates);
        }
        if let Some(name) = codes {
            builder = builder.codes(name.parse::<Codes>().map_err(errors::unknown_name)?);
        }
        if let Some(name) = rows {
            builder = builder.rows(name.parse::<Rows>().map_err(errors::unknown_name)?);
        }
        if let Some(seed) = seed {
            builder = builder.seed(views::key(seed)?);
        }
        Ok(Self { index: builder.build().map_err(errors::of)? })
    }

    /// The index in a snapshot, which is copied once and checked in full.
    ///
    /// # Errors
    /// Bytes that are no snapshot, a damaged one, or one with keys above 2^53 − 1.
    pub fn load(snapshot: &Uint8Array) -> Result<Self> {
        let region = views::region(snapshot)?;
        let index = Index::open(region, Check::Full).map_err(errors::of)?;
        if let Some(&largest) = index.keys().map_err(errors::of)?.last() {
            views::number(largest)?;
        }
        Ok(Self { index })
    }

    /// Builds an empty index from flat, row-major vectors, one per key. `progress` is called with
    /// (phase, done, total); anything but `true` from it cancels.
    ///
    /// # Errors
    /// Input that the core refuses, or what `progress` throws.
    #[wasm_bindgen(js_name = bulkBuild)]
    pub fn bulk_build(
        &self,
        keys: &Float64Array,
        vectors: &Float32Array,
        progress: &Function,
    ) -> Result<()> {
        let (keys, vectors) = (views::keys(keys)?, views::floats(vectors)?);
        progress::reporting(progress, |report| {
            self.index.bulk_build(&keys, &vectors, &threads::exec(), report)
        })
    }

    /// Measures which searches reach which recall, on flat queries or on ones made from the items.
    /// `progress` as for `bulkBuild`.
    ///
    /// # Errors
    /// Input that the core refuses, an empty index, or what `progress` throws.
    #[expect(clippy::needless_pass_by_value, reason = "optional arguments cross by value")]
    pub fn tune(&self, queries: Option<Float32Array>, progress: &Function) -> Result<Float64Array> {
        let queries = queries.as_ref().map(views::floats).transpose()?;
        let tuning = progress::reporting(progress, |report| match &queries {
            Some(queries) => self.index.tune_with(queries, &threads::exec(), report),
            None => self.index.tune(&threads::exec(), report),
        });
        tuning.map(|tuning| found(&tuning))
    }

    /// Puts items, given as for `bulkBuild`; answers how many of them there were before. `progress`
    /// is called with (done, total), as there.
    ///
    /// # Errors
    /// Input that the core refuses, before anything is changed; what stops a later item, or what
    /// `progress` asks for, with the number of items `done` before.
    pub fn upsert(
        &self,
        keys: &Float64Array,
        vectors: &Float32Array,
        progress: &Function,
    ) -> Result<usize> {
        let (keys, vectors) = (views::keys(keys)?, views::floats(vectors)?);
        self.check_items(&keys, &vectors)?;
        let dim = self.index.options().dim;
        progress::each(progress, keys.len(), &mut |at| {
            self.index.upsert(keys[at], &vectors[at * dim..(at + 1) * dim])
        })
    }

    /// Deletes the items of these keys; answers how many there were. `progress` as for `upsert`.
    ///
    /// # Errors
    /// A number that is no key, before anything is changed; what `progress` asks for, as for
    /// `upsert`.
    pub fn delete(&self, keys: &Float64Array, progress: &Function) -> Result<usize> {
        let keys = views::keys(keys)?;
        progress::each(progress, keys.len(), &mut |at| self.index.delete(keys[at]))
    }

    /// Whether an item has this key.
    ///
    /// # Errors
    /// A number that is no key.
    pub fn contains(&self, key: f64) -> Result<bool> {
        Ok(self.index.contains(views::key(key)?))
    }

    /// The vector of a key, as it was kept.
    ///
    /// # Errors
    /// A number that is no key.
    pub fn get(&self, key: f64) -> Result<Option<Float32Array>> {
        Ok(self.index.get(views::key(key)?).map(|vector| Float32Array::from(&vector[..])))
    }

    /// All keys in ascending order.
    ///
    /// # Errors
    /// No memory for them.
    pub fn keys(&self) -> Result<Float64Array> {
        views::has_room(self.index.len(), BYTES_PER_LISTED_KEY)?;
        views::numbers(self.index.keys().map_err(errors::of)?)
    }

    /// Prepares keys for searches among their items.
    ///
    /// # Errors
    /// A number that is no key; no memory for them.
    #[wasm_bindgen(js_name = idSet)]
    pub fn id_set(&self, keys: &Float64Array) -> Result<IdSet> {
        let keys = views::keys(keys)?;
        views::has_room(keys.len(), BYTES_PER_SET_KEY)?;
        Ok(IdSet(self.index.key_set(keys)))
    }

    /// The `k` nearest items: `[Float64Array of keys, Float32Array of distances]`; where `within`
    /// or `filter` is given, as many of them as are no farther and have these tags.
    ///
    /// # Errors
    /// Input that the core refuses; fewer than `k` items.
    #[expect(clippy::needless_pass_by_value, reason = "optional texts cross by value")]
    pub fn search(
        &self,
        query: &Float32Array,
        k: usize,
        ef: Option<usize>,
        recall: Option<f32>,
        within: Option<f32>,
        filter: Option<String>,
    ) -> Result<Array> {
        let query = views::floats(query)?;
        let filter = filter.as_deref().map(str::parse).transpose().map_err(errors::of)?;
        let mut search = self.index.search(&query).effort(effort(ef, recall)).k(k);
        if let Some(filter) = &filter {
            search = search.up_to(k).tagged(filter);
        }
        if let Some(distance) = within {
            search = search.up_to(k).max_distance(distance);
        }
        hits(search)
    }

    /// As `search`, for as many of the `k` nearest as there are among the items of the set.
    ///
    /// # Errors
    /// As for `search`, but for fewer items.
    #[wasm_bindgen(js_name = searchAmong)]
    pub fn search_among(
        &self,
        query: &Float32Array,
        k: usize,
        ef: Option<usize>,
        recall: Option<f32>,
        within: Option<f32>,
        among: &IdSet,
    ) -> Result<Array> {
        let query = views::floats(query)?;
        let search = self.index.search(&query).effort(effort(ef, recall)).up_to(k);
        hits(search.among(&among.0).max_distance(within.unwrap_or(f32::INFINITY)))
    }

    /// The `k` nearest items of each of the flat queries, `k` per query, as for `search`.
    ///
    /// # Errors
    /// As for `search`.
    #[wasm_bindgen(js_name = searchBatch)]
    pub fn search_batch(
        &self,
        queries: &Float32Array,
        k: usize,
        ef: Option<usize>,
        recall: Option<f32>,
    ) -> Result<Array> {
        let queries = views::floats(queries)?;
        let batch = self.index.search_batch(&queries, k, effort(ef, recall), &threads::exec());
        let batch = batch.map_err(errors::of)?;
        pair(batch.keys, &batch.distances)
    }

    /// The index as a snapshot, written straight into a JavaScript buffer.
    ///
    /// # Errors
    /// No memory for the buffer.
    pub fn export(&self) -> Result<Uint8Array> {
        let len = self.index.snapshot_len().map_err(errors::of)?;
        views::written(len, |output| self.index.write_snapshot(output))
    }

    /// Number of items.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> usize {
        self.index.len()
    }

    /// The options it was created with.
    #[wasm_bindgen(getter)]
    pub fn options(&self) -> Object {
        let options = self.index.options();
        views::object([
            ("dimensions", number(options.dim).into()),
            ("metric", options.metric.name().into()),
            ("m", number(options.m).into()),
            ("efConstruction", number(options.ef_construction).into()),
            ("codes", options.codes.name().into()),
            ("rows", options.rows.name().into()),
            ("seed", (options.seed as f64).into()),
        ])
    }

    /// What the last tuning found, if there was one.
    #[wasm_bindgen(getter)]
    pub fn tuning(&self) -> Option<Float64Array> {
        self.index.tuning().as_ref().map(found)
    }

    /// Bytes held by vectors, codes, links and items, and in total.
    #[wasm_bindgen(getter)]
    pub fn memory(&self) -> Float64Array {
        let Memory { vectors, codes, links, items, total, .. } = self.index.memory();
        Float64Array::from(&[vectors, codes, links, items, total].map(number)[..])
    }

    /// The instruction set its kernels use.
    #[wasm_bindgen(getter)]
    pub fn isa(&self) -> String {
        self.index.isa().name().to_owned()
    }
}

impl Engine {
    /// Refuses keys and vectors that could not become items of this index, all at once.
    fn check_items(&self, keys: &[u64], vectors: &[f32]) -> Result<()> {
        let options = self.index.options();
        let like = Index::builder(options.dim).metric(options.metric).rows(options.rows);
        // A build checks all of its input first; this one is not let any further.
        let trial = like.build().map_err(errors::of)?;
        match trial.bulk_build(keys, vectors, &threads::exec(), &mut |_| false) {
            Ok(()) | Err(Error::Cancelled) => {}
            Err(error) => return Err(errors::of(error)),
        }
        match views::twin(keys)? {
            Some(key) => Err(errors::of(Error::DuplicateKey { key })),
            None => Ok(()),
        }
    }
}

/// A recall where one is asked for, else candidates.
fn effort(ef: Option<usize>, recall: Option<f32>) -> Effort {
    recall.map_or(Effort::from(ef), Effort::Recall)
}

/// A tuning: `k`, items and samples, then ef, recall and at least that of each point.
fn found(tuning: &Tuning) -> Float64Array {
    let mut all = [tuning.k, tuning.items, tuning.samples].map(number).to_vec();
    for point in &tuning.points {
        all.extend([number(point.ef), f64::from(point.recall), f64::from(point.at_least)]);
    }
    Float64Array::from(&all[..])
}

/// What a search finds.
fn hits(search: Search<'_>) -> Result<Array> {
    let hits = search.run().map_err(errors::of)?;
    let distances: Vec<f32> = hits.iter().map(|hit| hit.distance).collect();
    pair(hits.iter().map(|hit| hit.key).collect(), &distances)
}

fn pair(keys: Vec<u64>, distances: &[f32]) -> Result<Array> {
    let keys = views::numbers(keys)?;
    Ok(Array::of2(&keys, &Float32Array::from(distances)))
}

/// A count as JavaScript's only kind of number; counts stay below 2^32 here.
fn number(count: usize) -> f64 {
    count as f64
}
