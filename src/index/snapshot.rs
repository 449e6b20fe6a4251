//! An index as a file, and back.
//!
//! Every table of the root is one section, as it lies in memory; the numbers beside them are the
//! sections of `meta`. Opening reads those and takes the others as the first chunks of the tables,
//! so its time grows with tags and associations, and not with the number of items.

use std::io;
use std::sync::Arc;

use super::keys::Keys;
use super::meta::{Meta, decode_tuning, encode_tuning};
use super::remembered::{Remembered, read_associations, read_retention, read_standings};
use super::root::Root;
use super::sections::{Described, read_payloads, read_tags};
use super::{Builder, Index, codes};
use crate::distance::check_denormals;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::snapshot::{Check, FieldsWriter, Kind, Place, Snapshot, Source};
use crate::snapshot::{encoded_len, places, write};
use crate::store::{Alone, Chunks, CodeRows, Coded, Region, Space, Store};

impl Index {
    /// Opens a snapshot: a file that was mapped privately or read into memory.
    ///
    /// Time is flat in the number of items under [`Check::Header`], but for their tags and
    /// associations, which are read, and O(n · dim) under [`Check::Full`]. Whatever the bytes, nothing but wrong answers can follow: searches follow no
    /// link out of the file's slots, and an index opened with [`Check::Header`] verifies its links
    /// once, in O(n · m), before the first [insert](Self::insert) changes anything.
    ///
    /// # Errors
    /// [`Error::Snapshot`] names what is damaged, [`Error::UnsupportedSnapshot`] what is newer than
    /// this release, [`Error::Busy`] means that someone else holds the region.
    pub fn open(snapshot: Region, check: Check) -> Result<Self> {
        Self::builder(1).open(snapshot, check)
    }

    /// Bytes that [`Self::write_snapshot`] would write now.
    ///
    /// # Errors
    /// [`Error::Busy`] beside a writer.
    pub fn snapshot_len(&self) -> Result<u64> {
        self.with_sources(encoded_len)
    }

    /// Writes the index in a form that [`Self::open`] takes on every target. Equal indexes give
    /// equal bytes.
    ///
    /// # Errors
    /// Those of `out`; [`Error::Busy`] (as an `io::Error` of kind `ResourceBusy`) beside a writer.
    pub fn write_snapshot(&self, out: &mut dyn io::Write) -> io::Result<()> {
        // Without the error itself, which would bring its debugging into the WebAssembly library.
        let busy = |_| io::ErrorKind::ResourceBusy;
        self.with_sources(|sources| write(out, sources)).map_err(busy)?
    }

    /// The snapshot in memory.
    ///
    /// # Errors
    /// [`Error::Busy`] beside a writer, [`Error::OutOfMemory`].
    pub fn to_snapshot(&self) -> Result<Vec<u8>> {
        self.with_sources(|sources| {
            let bytes = encoded_len(sources) as usize;
            let full = Error::OutOfMemory { bytes };
            let mut out = Vec::new();
            out.try_reserve_exact(bytes).map_err(|_| full.clone())?;
            write(&mut out, sources).map_err(|_| full)?;
            Ok(out)
        })?
    }

    /// Where [`Self::write_snapshot`] would write its sections.
    ///
    /// # Errors
    /// [`Error::Busy`] beside a writer.
    pub(crate) fn snapshot_places(&self) -> Result<Vec<Place>> {
        self.with_sources(places)
    }

    fn with_sources<T>(&self, then: impl FnOnce(&[Source<'_>]) -> T) -> Result<T> {
        let alone = self.gate.own()?;
        let root = self.root();
        root.sort_free(&alone);
        let (space, store, graph) = (&root.space, &root.space.store, &root.graph);
        let rows = space.end();
        let heads = graph.heads();
        let pairs = root.keys.pairs();
        let meta = Meta::of(&self.options, &root, pairs.len() as u32);
        let (meta, mean) = meta.encode(space.quantizer());
        let (mut keys, mut slots) = (FieldsWriter::default(), FieldsWriter::default());
        for &(key, slot) in &pairs {
            keys.put_u64(key);
            slots.put_u32(slot);
        }
        // Codes that are still to come are not there when the file is opened.
        let coded = if space.are_coded() { rows } else { 0 };
        let tuning = root.tuning.pin().as_ref().map(encode_tuning);
        let mut sources = vec![
            Source { kind: Kind::Meta, parts: vec![meta.bytes()] },
            Source { kind: Kind::Mean, parts: vec![mean.bytes()] },
            table(&alone, Kind::Vectors, &store.vectors, rows),
            table(&alone, Kind::Codes, &store.codes, coded),
            table(&alone, Kind::Norms, &store.norms, rows),
            table(&alone, Kind::Biases, &store.biases, coded),
            table(&alone, Kind::Keys, &store.keys, rows),
            table(&alone, Kind::Nodes, &store.nodes, rows),
            table(&alone, Kind::Parents, &store.parents, rows),
            table(&alone, Kind::Links, &graph.links, rows),
            table(&alone, Kind::UpperRows, &graph.upper_links, heads.upper_next),
            table(&alone, Kind::UpperSlots, &graph.upper_slots, heads.upper_next),
            Source { kind: Kind::SortedKeys, parts: vec![keys.bytes()] },
            Source { kind: Kind::SortedSlots, parts: vec![slots.bytes()] },
        ];
        if let Some(tuning) = &tuning {
            sources.push(Source { kind: Kind::Tuning, parts: vec![tuning.bytes()] });
        }
        let mut slots: Vec<u32> = pairs.iter().map(|&(_, slot)| slot).collect();
        slots.sort_unstable();
        let described = Described::of(&root, &slots, &alone);
        sources.extend(described.sources());
        let remembered = Remembered::of(&root, &slots, &alone);
        sources.extend(remembered.sources());
        Ok(then(&sources))
    }

    pub(super) fn open_with(builder: Builder, region: Region, check: Check) -> Result<Self> {
        check_denormals()?;
        let mut snapshot = Snapshot::open(region, check)?;
        let meta = Meta::decode(&mut snapshot.fields(Kind::Meta)?)?;
        let quantizer = meta.quantizer(&mut snapshot.fields(Kind::Mean)?)?;
        let has_tuning = snapshot.has(Kind::Tuning);
        let tuning = has_tuning.then(|| decode_tuning(&mut snapshot.fields(Kind::Tuning)?));
        let tuning = tuning.transpose()?;
        let Builder { kernels, allocator, .. } = builder;
        let Meta { options, rows, heads, .. } = meta;
        let coded = quantizer.map_or_else(|| codes::of_items(&options, meta.len), Coded::By);
        let is_later = matches!(coded, Coded::Later);
        let payloads = read_payloads(&mut snapshot, rows, &allocator)?;
        let standings = read_standings(&mut snapshot, rows, &allocator)?;
        let mut table = |kind, stride: usize, rows: u32| -> Result<Chunks> {
            let region = snapshot.expect(kind, stride as u64 * u64::from(rows))?;
            Ok(Chunks::over(stride, rows, region, Arc::clone(&allocator)))
        };
        let code_rows =
            if is_later { CodeRows::of(options.dim, options.rows) } else { meta.code_rows };
        let shape = Space::shape(options.dim, options.metric, options.rows, code_rows);
        let wanted = |wanted: bool, stride| if wanted { stride } else { 0 };
        // Before a number of rows that lies takes memory for their codes.
        let (vectors, keys) =
            (table(Kind::Vectors, shape.vector_stride(), rows)?, table(Kind::Keys, 8, rows)?);
        let mut table_of_codes = |kind, stride: usize| {
            let saved = table(kind, stride, if is_later { 0 } else { rows })?;
            let empty = || Chunks::zeroed(stride, rows, Arc::clone(&allocator));
            if is_later { empty() } else { Ok(saved) }
        };
        let codes = table_of_codes(Kind::Codes, shape.code_stride())?;
        let biases = table_of_codes(Kind::Biases, wanted(shape.biases, 4))?;
        let store = Store::over(
            shape,
            [
                vectors,
                codes,
                table(Kind::Norms, wanted(shape.norms, 4), rows)?,
                biases,
                keys,
                table(Kind::Nodes, 8, rows)?,
                table(Kind::Parents, 4, rows)?,
            ],
            rows,
        );
        let metric = options.metric;
        let described = (payloads, standings);
        let space = Space::over(metric, kernels, coded, store, rows, meta.blurred, described);
        let (m, upper) = (options.m, heads.upper_next);
        let links = table(Kind::Links, Graph::row_stride(m), rows)?;
        let upper_links = table(Kind::UpperRows, Graph::upper_stride(m), upper)?;
        let upper_slots = table(Kind::UpperSlots, 4, upper)?;
        let graph = Graph::over(m, links, upper_links, upper_slots, upper, heads);
        let sorted = table(Kind::SortedKeys, 8, meta.len)?;
        let sorted_slots = table(Kind::SortedSlots, 4, meta.len)?;
        let keys = Keys::over(sorted, sorted_slots, meta.len, &allocator)?;
        read_tags(&snapshot, &space.tags, rows)?;
        read_associations(&snapshot, &space.associations, rows)?;
        let retention = read_retention(&snapshot)?;
        let root = Root::unverified(space, graph, keys, meta.len, tuning, retention);
        if check == Check::Full {
            root.verify()?;
        }
        Ok(Self::over(options, kernels, allocator, root))
    }
}

/// The section of one table.
fn table<'a>(alone: &'a Alone<'_>, kind: Kind, table: &'a Chunks, rows: u32) -> Source<'a> {
    Source { kind, parts: table.parts(rows, alone) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distance::{Metric, Rows};
    use crate::exec::Sequential;

    fn index(metric: Metric, count: u64) -> Index {
        let index = Index::builder(9).metric(metric).m(4).build().unwrap();
        let mut state = 1u64;
        let mut number = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f32 / 1e6 - 8.0
        };
        let vectors: Vec<f32> = (0..count * 9).map(|_| number()).collect();
        let keys: Vec<u64> = (0..count).map(|i| i * 7 % 10_007).collect();
        index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
        for key in 20_000..20_050 {
            let vector: Vec<f32> = (0..9).map(|_| number()).collect();
            index.insert(key, &vector).unwrap();
        }
        index
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        for metric in Metric::ALL {
            for count in [0, 1, 2, 1500] {
                let before = index(metric, count);
                let bytes = before.to_snapshot().unwrap();
                assert_eq!(bytes.len() as u64, before.snapshot_len().unwrap());
                let after = Index::open(Region::copy_of(&bytes).unwrap(), Check::Full).unwrap();
                assert_eq!(after.check(), before.check());
                assert_eq!(after.keys(), before.keys());
                let query = before.get(20_010).unwrap();
                let hits = |index: &Index| index.search(&query).up_to(10).run().unwrap();
                assert_eq!(hits(&after), hits(&before));
                assert!(after.to_snapshot().unwrap() == bytes, "the same bytes again");
                after.insert(77_777, &query).unwrap();
                assert!(after.check().is_ok() && after.contains(77_777));
            }
        }
    }
    /// A built index as bytes that a test can change section by section.
    struct Forged(Vec<u8>);

    impl Forged {
        fn new() -> Self {
            let forged = Self(index(Metric::L2, 200).to_snapshot().unwrap());
            let open = Index::open(forged.region(), Check::Full).unwrap();
            assert_eq!(open.options().m, 4);
            forged
        }

        fn region(&self) -> Region {
            Region::copy_of(&self.0).unwrap()
        }

        /// The words of a section, by the directory that the header names.
        fn section(&mut self, kind: Kind) -> &mut [[u8; 4]] {
            let number = |at: usize| u64::from_le_bytes(self.0[at..at + 8].try_into().unwrap());
            let mut entry = number(40) as usize;
            while number(entry) as u32 != kind as u32 {
                entry += 32;
            }
            let (start, len) = (number(entry + 8) as usize, number(entry + 16) as usize);
            self.0[start..start + len].as_chunks_mut().0
        }

        fn word(&mut self, kind: Kind, place: usize) -> u32 {
            u32::from_le_bytes(self.section(kind)[place])
        }

        fn set(&mut self, kind: Kind, place: usize, word: u32) {
            self.section(kind)[place] = word.to_le_bytes();
        }

        /// Changes the used words of all level-0 rows.
        fn map_links(&mut self, change: impl Fn(u32) -> u32) {
            for row in self.section(Kind::Links).chunks_exact_mut(16).skip(1) {
                for word in &mut row[..8] {
                    *word = change(u32::from_le_bytes(*word)).to_le_bytes();
                }
            }
        }

        /// Gives all nodes this many pins.
        fn set_pins(&mut self, pins: u8) {
            for word in self.section(Kind::Nodes).chunks_exact_mut(2).skip(1) {
                word[0][0] = 1 | pins << 2;
            }
        }

        /// Where the first upper row is that has two links.
        fn upper_row(&mut self) -> usize {
            let rows = self.section(Kind::UpperRows);
            let full = |row: &&[[u8; 4]]| row[..2].iter().all(|word| *word != [0; 4]);
            16 * rows.chunks_exact(16).position(|row| full(&row)).unwrap()
        }

        /// The upper id of a node that has another row after the first.
        fn tall(&mut self) -> u32 {
            let slots: Vec<_> = self.section(Kind::UpperSlots).to_vec();
            (1..slots.len() - 1).find(|&id| slots[id] == slots[id + 1]).unwrap() as u32
        }
    }

    const PIN: u32 = 1 << 26;
    const ENTRY: usize = 12;
    const RANKS: usize = 14;

    /// Changes that only the links know of: a file with any of them opens under `Check::Header`.
    fn forgeries() -> Vec<(&'static str, Forged)> {
        let forgery = |reason, change: fn(&mut Forged)| {
            let mut forged = Forged::new();
            change(&mut forged);
            (reason, forged)
        };
        vec![
            forgery("a node counts its pins", |file| {
                file.map_links(|link| if link == 0 { 0 } else { link | PIN });
                file.set_pins(0);
            }),
            forgery("pins leave a word free", |file| {
                file.map_links(|link| link & !PIN);
                file.set_pins(63);
            }),
            forgery("links name linked nodes", |file| {
                file.map_links(|link| if link == 0 { 1 << 31 } else { link });
            }),
            forgery("links name linked nodes", |file| {
                file.map_links(|link| if link & PIN == 0 { 0x3ff_f000 } else { link });
            }),
            forgery("a node's rank was drawn", |file| file.set(Kind::Meta, RANKS, 0)),
            forgery("ranks are left to be drawn", |file| file.set(Kind::Meta, RANKS, u32::MAX)),
            forgery("the upper rows of a slot are consecutive", |file| {
                for (id, word) in file.section(Kind::UpperSlots).iter_mut().enumerate().skip(1) {
                    *word = (1 + id as u32 % 2).to_le_bytes();
                }
            }),
            forgery("the entry names its first upper row", |file| {
                let bits = file.word(Kind::Meta, ENTRY);
                // Upper id and slot overlap in the low word: one upper id more is bit 28.
                file.set(Kind::Meta, ENTRY, bits + (1 << 28));
            }),
            forgery("the backbone is on level 0", |file| {
                let row = file.upper_row();
                let link = file.word(Kind::UpperRows, row);
                file.set(Kind::UpperRows, row, link | PIN);
            }),
            forgery("a row names a node once", |file| {
                let row = file.upper_row();
                let link = file.word(Kind::UpperRows, row);
                file.set(Kind::UpperRows, row + 1, link);
            }),
            forgery("an upper link names a node of its level", |file| {
                let middle = file.tall() + 1;
                let other = if middle > 2 { 1 } else { middle + 20 };
                file.set(Kind::UpperRows, 16 * other as usize, middle);
            }),
        ]
    }

    #[test]
    fn no_writer_touches_links_that_do_not_hold_together() {
        for (wanted, forged) in forgeries() {
            let index = Index::open(forged.region(), Check::Header).unwrap();
            assert!(index.search(&[0.5; 9]).up_to(5).run().is_ok(), "{wanted}");
            assert_eq!(index.check().expect_err(wanted).invariant, wanted);
            let before = (index.len(), index.memory());
            match index.insert(77_777, &[0.5; 9]) {
                Err(Error::Snapshot { reason, .. }) => assert_eq!(reason, wanted),
                other => panic!("{wanted}: {other:?}"),
            }
            assert_eq!(index.insert(77_777, &[0.5; 9]).expect_err(wanted).code(), "snapshot");
            assert_eq!((index.len(), index.memory()), before, "{wanted}");
            assert!(!index.contains(77_777));
        }
    }

    /// 200 items in 16-bit floats, and one component of the fifth changed to these bits.
    fn with_half(bits: u16) -> Region {
        let index = Index::builder(9).metric(Metric::L2).m(4).rows(Rows::F16).build().unwrap();
        let vectors: Vec<f32> = (0..200 * 9).map(|i| (i * 7919 % 1009) as f32).collect();
        let keys: Vec<u64> = (0..200).collect();
        index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).unwrap();
        let mut file = Forged(index.to_snapshot().unwrap());
        let stride = Space::shape(9, Metric::L2, Rows::F16, CodeRows::Whole).vector_stride();
        let word = 5 * stride / 4;
        let kept = file.word(Kind::Vectors, word);
        file.set(Kind::Vectors, word, kept & 0xffff_0000 | u32::from(bits));
        // Written again, it has checksums that fit.
        let damaged = Index::open(file.region(), Check::Header).unwrap();
        Region::copy_of(&damaged.to_snapshot().unwrap()).unwrap()
    }

    #[test]
    fn rows_that_are_no_numbers_are_found_or_do_no_harm() {
        assert!(Index::open(with_half(0x4d00), Check::Full).is_ok(), "20 is a number");
        for bits in [0x7c00, 0xfc00, 0x7c01, 0x7e00, 0xffff] {
            let refused = Index::open(with_half(bits), Check::Full).map(drop);
            let reason = "a row is out of range";
            assert_eq!(refused, Err(Error::Snapshot { reason, offset: 5 }), "{bits:#x}");
            let index = Index::open(with_half(bits), Check::Header).unwrap();
            for exact in [false, true] {
                let hits = index.search(&[500.0; 9]).up_to(200).ef(200).exact(exact).run().unwrap();
                assert_eq!(hits.len(), 200);
                let finite = hits.iter().filter(|hit| hit.distance.is_finite());
                assert!(finite.is_sorted_by(|a, b| a.distance <= b.distance), "{bits:#x}");
            }
        }
    }

    #[test]
    fn first_writers_that_race_find_a_sound_file_sound() {
        for _ in 0..20 {
            let file = Forged::new();
            let index = Index::open(file.region(), Check::Header).unwrap();
            std::thread::scope(|scope| {
                for writer in 0..4 {
                    let index = &index;
                    scope.spawn(move || {
                        for key in 0..25 {
                            index.insert(30_000 + 25 * writer + key, &[key as f32; 9]).unwrap();
                        }
                    });
                }
            });
            assert_eq!((index.len(), index.check().unwrap().nodes), (350, 350));
        }
    }
}
