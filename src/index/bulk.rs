//! Building a whole index at once.

use super::codes::chosen;
use super::describe::Item;
use super::keys::Keys;
use super::root::Root;
use super::{Codes, Index, Options};
use crate::distance::{Metric, Rows, check_denormals, norm};
use crate::error::{Error, Result};
use crate::exec::{Exec, for_each_item, map_ranges};
use crate::graph::{Graph, OrderedCodes, Plan, build, spatial_order, upper_rows};
use crate::limits::SLOTS_MAX;
use crate::quantize::{Quantizer, fit};
use crate::store::{Coded, Space};

/// Rows per piece of parallel work that only streams over them.
const GRAIN: usize = 256;

/// A step of a bulk build, or of a tuning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Vectors and keys are checked.
    Check,
    /// Codes are fitted.
    Fit,
    /// Items are ordered in space.
    Order,
    /// Items are linked: most of the time.
    Link,
    /// Recall is measured, by [`Index::tune`].
    Tune,
}

/// How far a bulk build or a tuning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The current step.
    pub phase: Phase,
    /// Items done in this step, or steps of a tuning.
    pub done: usize,
    /// Items of the whole build; steps of the whole tuning.
    pub total: usize,
}

impl Index {
    /// Builds the index from `keys.len()` vectors, one after the other in `vectors`, on the threads
    /// of `exec`. The same input, options and seed give the same bytes on every target and for any
    /// number of threads.
    ///
    /// `progress` is called now and then from this thread; returning `false` cancels. Readers go on
    /// seeing the empty index until the build has ended.
    ///
    /// O(n · log n) distance computations of about `ef_construction · m` each; memory of the rows
    /// plus one code per row while it runs.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if the index holds items, [`Error::Busy`] beside another writer,
    /// [`Error::ShapeMismatch`], [`Error::NotFinite`], [`Error::TooLong`], [`Error::ZeroVector`],
    /// [`Error::F16Range`], [`Error::CoarseCodes`] and
    /// [`Error::DuplicateKey`] for bad input, [`Error::Full`], [`Error::OutOfMemory`],
    /// [`Error::Cancelled`]. The index stays empty then.
    pub fn bulk_build(
        &self,
        keys: &[u64],
        vectors: &[f32],
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<()> {
        self.build(Given::Rows { keys, vectors, dim: self.options.dim }, exec, progress)
    }

    /// As [`Self::bulk_build`], with names, tags and payloads.
    ///
    /// # Errors
    /// As for [`Self::bulk_build`] and [`Self::insert_item`].
    pub fn bulk_build_items(
        &self,
        items: &[Item<'_>],
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<()> {
        self.build(Given::Items(items), exec, progress)
    }

    fn build(
        &self,
        given: Given<'_>,
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<()> {
        check_denormals()?;
        let _alone = self.gate.own()?;
        let len = self.len();
        if len > 0 {
            return Err(Error::NotEmpty { len });
        }
        let input = self.checked(given, exec)?;
        let total = given.len();
        if total == 0 {
            return Ok(());
        }
        let mut step = |phase, done| {
            let go_on = progress(Progress { phase, done, total });
            if go_on { Ok(()) } else { Err(Error::Cancelled) }
        };
        step(Phase::Check, total)?;
        let fit = fit(total, self.options.dim, &|i| (input.row(i), input.norm(i)), exec);
        step(Phase::Fit, total)?;
        let Options { codes, rows, .. } = self.options;
        if rows == Rows::Codes && codes == Codes::Auto && !fit.is_fine {
            return Err(Error::CoarseCodes);
        }
        let order = self.order(&input, &fit.quantizer, exec)?;
        step(Phase::Order, total)?;
        let coded = chosen(codes, fit).map_or(Coded::Never, Coded::By);
        let root =
            self.link(&input, coded, &order, exec, &mut |done| step(Phase::Link, done).is_ok())?;
        self.root.swap(root);
        Ok(())
    }

    /// Refuses bad vectors, and keeps their norms.
    fn checked<'a>(&self, given: Given<'a>, exec: &dyn Exec) -> Result<Input<'a>> {
        given.check()?;
        let rows = given.len();
        if rows >= SLOTS_MAX as usize {
            return Err(Error::Full { limit: SLOTS_MAX - 1 });
        }
        let mut input = Input { given, norms: Vec::new() };
        let blocks = map_ranges(exec, rows, GRAIN, |range| {
            let mut scaled = Vec::new();
            let norm = |row| {
                self.check_item(row, input.row(row))?;
                Ok(if self.options.metric == Metric::Cosine {
                    norm(self.kernels, input.row(row), &mut scaled)
                } else {
                    1.0
                })
            };
            range.map(norm).collect::<Result<Vec<f32>>>()
        });
        for norms in blocks {
            input.norms.extend(norms?);
        }
        Ok(input)
    }

    /// The input's positions in spatial order.
    fn order(&self, input: &Input<'_>, quantizer: &Quantizer, exec: &dyn Exec) -> Result<Vec<u32>> {
        // As rows of whole codes.
        let stride = self.options.dim.next_multiple_of(64);
        // Saturated, it is more than any reservation gets.
        let bytes = stride.saturating_mul(input.given.len());
        let mut codes = Vec::new();
        codes.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
        codes.resize(bytes, 0);
        let blocks = codes.chunks_mut(GRAIN * stride).enumerate().collect();
        for_each_item(exec, blocks, |(block, codes): (usize, &mut [u8])| {
            for (i, code) in (block * GRAIN..).zip(codes.chunks_exact_mut(stride)) {
                quantizer.encode(input.row(i), input.norm(i), code);
            }
        });
        let codes = OrderedCodes { bytes: &codes, stride, kernels: self.kernels };
        Ok(spatial_order(&codes, input.given.len(), exec))
    }

    fn link(
        &self,
        input: &Input<'_>,
        coded: Coded,
        order: &[u32],
        exec: &dyn Exec,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Root> {
        let options = &self.options;
        let allocator = &self.allocator;
        let item = |i: usize| {
            let position = order[i] as usize;
            (input.given.key(position), input.row(position))
        };
        let mut pairs: Vec<_> = (1..).zip(0..order.len()).map(|(s, i)| (item(i).0, s)).collect();
        let keys = Keys::sorted(&mut pairs, allocator)?;
        drop(pairs);
        let rows = order.len() as u32 + 1;
        let Options { dim, metric, rows: kept, .. } = *options;
        let mut space = Space::zeroed(dim, metric, kept, self.kernels, coded, rows, allocator)?;
        space.fill(order.len(), &item, exec);
        for (slot, &position) in (1..).zip(order) {
            if let Some(item) = input.given.described(position as usize) {
                space.describe(slot, &item.description())?;
            }
        }
        if kept == Rows::Codes && options.codes == Codes::Auto && space.has_drifted() {
            return Err(Error::CoarseCodes);
        }
        let plan =
            Plan { m: options.m, ef_construction: options.ef_construction, seed: options.seed };
        let upper_rows = upper_rows(plan, order.len());
        let mut graph = Graph::zeroed(options.m, rows, upper_rows, allocator)?;
        let step = |slot| space.standings.step(slot);
        let surety = space.standings.surety(&step);
        if !build(&space, &mut graph, plan, order, surety, exec, progress)? {
            return Err(Error::Cancelled);
        }
        let root = Root::new(space, graph, keys, order.len() as u32);
        root.retention.swap(*self.root().retention.pin());
        Ok(root)
    }
}

/// What the caller of a bulk build gives.
#[derive(Clone, Copy)]
enum Given<'a> {
    /// Keys, and as many vectors one after the other.
    Rows {
        keys: &'a [u64],
        vectors: &'a [f32],
        dim: usize,
    },
    Items(&'a [Item<'a>]),
}

impl<'a> Given<'a> {
    fn len(self) -> usize {
        match self {
            Self::Rows { keys, .. } => keys.len(),
            Self::Items(items) => items.len(),
        }
    }

    /// Refuses what can be refused without a look at the vectors.
    fn check(self) -> Result<()> {
        match self {
            Self::Items(items) => items.iter().try_for_each(Item::check),
            Self::Rows { keys, vectors, dim } => {
                let (rows, got) = (keys.len(), vectors.len());
                let expected = rows.saturating_mul(dim);
                let fits = got == expected;
                if fits { Ok(()) } else { Err(Error::ShapeMismatch { expected, rows, got }) }
            }
        }
    }

    fn key(self, i: usize) -> u64 {
        match self {
            Self::Rows { keys, .. } => keys[i],
            Self::Items(items) => items[i].key,
        }
    }

    fn row(self, i: usize) -> &'a [f32] {
        match self {
            Self::Rows { vectors, dim, .. } => &vectors[i * dim..(i + 1) * dim],
            Self::Items(items) => items[i].vector,
        }
    }

    fn described(self, i: usize) -> Option<&'a Item<'a>> {
        match self {
            Self::Rows { .. } => None,
            Self::Items(items) => Some(&items[i]),
        }
    }
}

/// Checked input of a bulk build.
struct Input<'a> {
    given: Given<'a>,
    norms: Vec<f32>,
}

impl<'a> Input<'a> {
    fn row(&self, i: usize) -> &'a [f32] {
        self.given.row(i)
    }

    /// What a row is divided by before it is encoded: its norm under cosine, else 1.
    fn norm(&self, i: usize) -> f32 {
        self.norms[i]
    }
}
