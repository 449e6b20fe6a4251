//! Where links and rows of a graph lie in memory.

use std::path::Path;

use ecphory::arch::{Kernels, detected};
use ecphory_tests::words;

/// Links of a node: two cache lines.
pub(crate) const LINKS: usize = 32;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Level 0 of an index: slots from 1, the words of each, 0 for no link.
pub(crate) struct Graph {
    links: Vec<[u32; LINKS]>,
    /// Row of words20k by slot; nobody asks for that of slot 0.
    rows: Vec<usize>,
}

impl Graph {
    /// Reads the links from a snapshot (format: `src/snapshot/mod.rs`; kinds: its `layout.rs`).
    pub(crate) fn read(file: &Path) -> Self {
        const KEYS: u32 = 7;
        const LINK_ROWS: u32 = 10;
        /// The target in a link word.
        const SLOT: u32 = (1 << 26) - 1;
        let bytes = std::fs::read(file).expect("a snapshot of `prepare`");
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let section = |kind: u32| {
            let mut entries = (long(40) as usize..).step_by(32).take(word(48) as usize);
            let entry = entries.find(|&entry| word(entry) == kind).expect("a whole snapshot");
            let (start, len) = (long(entry + 8) as usize, long(entry + 16) as usize);
            start..start + len
        };
        let links = section(LINK_ROWS).step_by(LINKS * 4);
        Self {
            links: links.map(|row| std::array::from_fn(|i| word(row + 4 * i) & SLOT)).collect(),
            rows: section(KEYS).step_by(8).map(|key| long(key) as usize).collect(),
        }
    }
}

/// Where the links of a node lie, and its row.
#[derive(Clone, Copy)]
pub(crate) struct Placement {
    /// From one node's links to the next one's, without what `beside` adds.
    links: usize,
    /// Whether the row stands behind the links, and what stands behind the row.
    beside: Option<usize>,
    align: usize,
}

impl Placement {
    /// `separate`: links in one table, rows in another, both on lines of their own, as in ecphory.
    /// `packed`: count, links, row and label in one record of no alignment, as in hnswlib.
    /// `aligned`: links and row in one record that begins on a line.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let links = LINKS * 4;
        match name {
            "separate" => Some(Self { links, beside: None, align: LINE }),
            "packed" => Some(Self { links: 4 + links, beside: Some(8), align: 4 }),
            "aligned" => Some(Self { links, beside: Some(0), align: LINE }),
            _ => None,
        }
    }
}

/// What rows are made of and how they are compared.
pub(crate) trait RowKind {
    /// One component.
    type Component: Copy;

    /// The row of a vector.
    fn row(vector: &[f32]) -> Vec<Self::Component>;

    /// Compares rows with a query: lower is nearer. Distances are not negative, so that the order
    /// of their bits is theirs.
    ///
    /// # Safety
    /// The query and each row have as many readable components as vectors of words20k.
    unsafe fn score(
        kernels: &Kernels,
        query: &[Self::Component],
        rows: &[*const Self::Component],
        out: &mut [u32],
    );
}

/// 7-bit codes.
pub(crate) struct Codes;
/// 32-bit floats.
pub(crate) struct Floats;

impl RowKind for Codes {
    type Component = u8;

    fn row(vector: &[f32]) -> Vec<u8> {
        // Components of normalised vectors of this length are rarely beyond a quarter.
        vector
            .iter()
            .map(|x| (x * 256.0 + 64.0).round_ties_even().clamp(0.0, 127.0) as u8)
            .collect()
    }

    unsafe fn score(kernels: &Kernels, query: &[u8], rows: &[*const u8], out: &mut [u32]) {
        let mut distances = [0; LINKS];
        // SAFETY: the caller's promise; codes are at most 127.
        unsafe {
            (kernels.u7_l2)(query.as_ptr(), rows, query.len(), &mut distances[..rows.len()]);
        }
        out.iter_mut().zip(distances).for_each(|(out, distance)| *out = distance as u32);
    }
}

impl RowKind for Floats {
    type Component = f32;

    fn row(vector: &[f32]) -> Vec<f32> {
        vector.to_vec()
    }

    unsafe fn score(kernels: &Kernels, query: &[f32], rows: &[*const f32], out: &mut [u32]) {
        let mut distances = [0.0; LINKS];
        // SAFETY: the caller's promise.
        unsafe {
            (kernels.f32_l2)(query.as_ptr(), rows, query.len(), &mut distances[..rows.len()]);
        }
        out.iter_mut().zip(distances).for_each(|(out, distance)| *out = f32::to_bits(distance));
    }
}

/// A graph with its rows, laid out in words: both kinds of rows are whole words long.
pub(crate) struct Memory<R> {
    words: Vec<u32>,
    /// Word of the first node's links and row; words from node to node.
    links: (usize, usize),
    rows: (usize, usize),
    nodes: usize,
    kernels: &'static Kernels,
    kind: std::marker::PhantomData<R>,
}

impl<R: RowKind> Memory<R> {
    pub(crate) fn new(graph: &Graph, placement: Placement) -> Self {
        let nodes = graph.links.len();
        let row_bytes = words().vectors.dim() * size_of::<R::Component>();
        let Placement { links, beside, align } = placement;
        let (link_stride, row_stride, row_start) = match beside {
            None => (links, row_bytes.next_multiple_of(align), links * nodes),
            Some(behind) => {
                let record = (links + row_bytes + behind).next_multiple_of(align);
                (record, record, links)
            }
        };
        let end = row_start + row_stride * nodes;
        let mut words = vec![0u32; (end + LINE) / 4];
        let first = words.as_ptr().align_offset(LINE);
        // The links of a record with a count stand behind it.
        let count = (links - LINKS * 4) / 4;
        let mut memory = Self {
            links: (first + count, link_stride / 4),
            rows: (first + row_start / 4, row_stride / 4),
            nodes,
            kernels: detected(),
            kind: std::marker::PhantomData,
            words: Vec::new(),
        };
        memory.fill(graph, &mut words);
        memory.words = words;
        memory
    }

    fn fill(&self, graph: &Graph, memory: &mut [u32]) {
        for (node, links) in graph.links.iter().enumerate() {
            memory[self.links.0 + node * self.links.1..][..LINKS].copy_from_slice(links);
        }
        for (slot, &row) in graph.rows.iter().enumerate().skip(1) {
            let row = R::row(words().vectors.row(row));
            let place = memory[self.rows.0 + slot * self.rows.1..].as_mut_ptr();
            // SAFETY: a row ends before its record does, inside the words; floats and bytes are
            // plain, and a word is aligned for both.
            unsafe {
                place.cast::<R::Component>().copy_from_nonoverlapping(row.as_ptr(), row.len());
            }
        }
    }

    /// Nodes, with slot 0.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }

    /// Bytes of memory a node.
    pub(crate) fn node_bytes(&self) -> usize {
        self.words.len() * 4 / self.nodes
    }

    /// The links of a node.
    #[inline(always)]
    pub(crate) fn links(&self, node: u32) -> &[u32; LINKS] {
        let links = &self.words[self.links.0 + node as usize * self.links.1..];
        links.first_chunk().expect("a row of links")
    }

    /// Compares the rows of `nodes`, at most [`LINKS`] of them, with a query.
    #[inline(always)]
    pub(crate) fn score(&self, query: &[R::Component], nodes: &[u32], out: &mut [u32]) {
        let mut rows = [std::ptr::null(); LINKS];
        for (row, node) in rows.iter_mut().zip(nodes) {
            *row = self.words[self.rows.0 + *node as usize * self.rows.1..].as_ptr().cast();
        }
        // SAFETY: the row of every node was written by `fill` and is as long as the query.
        unsafe { R::score(self.kernels, query, &rows[..nodes.len()], &mut out[..nodes.len()]) };
    }
}
