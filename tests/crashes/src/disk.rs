//! A disk in memory that remembers what was asked of it, fails on demand, and can lose its power.
//!
//! ```text
//!   calls ──► live files        what the process reads back
//!         └─► trace ──► Crash   for each place in the trace: what was synced (`Image`), and what
//!                               was not (`pending`), of which any part may have reached the disk
//! ```
//! Writes, lengths and names that were not synced survive each for itself: any subset of them, a
//! write torn at any sector with anything in the sector that it was torn in.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use ecphory::log::{File, Storage};

use crate::Numbers;

/// Bytes that reach a disk together, or not.
const SECTOR: usize = 512;
/// Of so many pending changes, every subset is tried.
const EXHAUSTIVE: usize = 7;
/// Of more, so many subsets at random.
const RANDOM: usize = 24;

/// Something that was asked of the disk.
#[derive(Clone, Debug)]
pub enum Call {
    /// A name for a new file.
    Create(String, usize),
    /// A name less.
    Remove(String),
    /// Bytes of a file, from an offset on.
    Write(usize, u64, Arc<[u8]>),
    /// Another length of a file.
    SetLen(usize, u64),
    /// A file is to be durable.
    SyncFile(usize),
    /// Names are to be durable.
    SyncNames,
    /// What was to be durable never will be.
    Lost(usize),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Half of a write beyond the end of its file is written, and the rest finds no room.
    Full,
    /// Nothing happens, and an error is returned.
    Io,
    /// What a sync was asked for is lost, and said to be; the next sync says that all is well.
    LostSync,
    /// As before, but what is lost is read back as long as the power is on, as from a cache whose
    /// pages count as written.
    LostUnseen,
}

/// Files and their names, as a disk holds them.
#[derive(Clone, Debug, Default)]
pub struct Image {
    names: BTreeMap<String, usize>,
    files: BTreeMap<usize, Vec<u8>>,
}

#[derive(Default)]
struct State {
    live: Image,
    trace: Vec<Call>,
    next_file: usize,
    /// Calls that change something, so far.
    calls: usize,
    /// The call at which a fault begins, and whether it goes on.
    fault: Option<(usize, Fault, bool)>,
    /// What a sync of a file would make durable, and is lost when it fails.
    unsynced: BTreeMap<usize, Vec<u8>>,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

struct Open {
    disk: SimDisk,
    file: usize,
}

impl Image {
    fn apply(&mut self, call: &Call) {
        match call {
            Call::Create(name, file) => {
                self.names.insert(name.clone(), *file);
                self.files.entry(*file).or_default();
            }
            Call::Remove(name) => {
                self.names.remove(name);
            }
            Call::Write(file, offset, bytes) => {
                let (content, start) = (self.files.entry(*file).or_default(), *offset as usize);
                let end = start + bytes.len();
                content.resize(content.len().max(end), 0);
                content[start..end].copy_from_slice(bytes);
            }
            Call::SetLen(file, len) => {
                self.files.entry(*file).or_default().resize(*len as usize, 0);
            }
            Call::SyncFile(_) | Call::SyncNames | Call::Lost(_) => {}
        }
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    /// The bytes of a file.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn bytes(&mut self, name: &str) -> &mut Vec<u8> {
        self.files.get_mut(&self.names[name]).expect("a named file is there")
    }

    /// The same for the same names and bytes.
    pub fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (name, file) in &self.names {
            (name, &self.files[file]).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The power goes behind each call of a trace in turn.
pub struct Crashes<'a> {
    trace: &'a [Call],
    /// Calls before the crash.
    done: usize,
    durable: Image,
    pending: Vec<Call>,
}

impl<'a> Crashes<'a> {
    /// Crashes of a disk that held `before` when the trace began.
    pub fn new(before: Image, trace: &'a [Call]) -> Self {
        Self { trace, done: 0, durable: before, pending: Vec::new() }
    }

    /// Goes on by one call; how many were made, or `None` at the end.
    pub fn step(&mut self) -> Option<usize> {
        let call = self.trace.get(self.done)?;
        self.done += 1;
        let is_synced = |pending: &Call| match (call, pending) {
            (Call::SyncFile(synced), Call::Write(file, ..) | Call::SetLen(file, _)) => {
                synced == file
            }
            (Call::SyncNames, Call::Create(..) | Call::Remove(_)) => true,
            _ => false,
        };
        if let Call::Lost(lost) = call {
            self.pending.retain(|pending| match pending {
                Call::Write(file, ..) | Call::SetLen(file, _) => file != lost,
                _ => true,
            });
            return Some(self.done);
        }
        let (synced, rest) = std::mem::take(&mut self.pending).into_iter().partition(is_synced);
        self.pending = rest;
        let synced: Vec<Call> = synced;
        for call in &synced {
            self.durable.apply(call);
        }
        if !matches!(call, Call::SyncFile(_) | Call::SyncNames) {
            self.pending.push(call.clone());
        }
        Some(self.done)
    }

    /// The images that have all that was not synced, and nothing of it.
    pub fn extremes(&self) -> [Image; 2] {
        let all: Vec<&Call> = self.pending.iter().collect();
        [self.with(&all), self.durable.clone()]
    }

    /// Tells of each image that the disk may hold now.
    pub fn images(&self, numbers: &mut Numbers, seen: &mut dyn FnMut(Image)) {
        let count = self.pending.len();
        let all = (1u64 << count.min(63)) - 1;
        let mut subsets = Vec::new();
        if count <= EXHAUSTIVE {
            subsets.extend(0..=all);
        } else {
            subsets.extend((0..=count).map(|first| (1u64 << first.min(63)) - 1));
            subsets.extend((0..count.min(63)).map(|one| 1 << one));
            subsets.extend((0..count.min(63)).map(|one| all & !(1 << one)));
            subsets.extend((0..RANDOM).map(|_| numbers.bits() & all));
        }
        for subset in subsets {
            let kept: Vec<&Call> = (0..)
                .zip(&self.pending)
                .filter(|&(i, _)| i >= 63 || subset >> i & 1 == 1)
                .map(|(_, call)| call)
                .collect();
            seen(self.with(&kept));
            self.torn(&kept, numbers, seen);
        }
    }

    /// The images in which the last write that is kept was torn.
    fn torn(&self, kept: &[&Call], numbers: &mut Numbers, seen: &mut dyn FnMut(Image)) {
        let is_write = |call: &&Call| matches!(call, Call::Write(..));
        let Some(last) = kept.iter().rposition(is_write) else { return };
        let Call::Write(file, offset, bytes) = kept[last] else { return };
        // Of the sectors of the file that it touches: what else is in them stays, as disks promise.
        let first = SECTOR - *offset as usize % SECTOR;
        let sectors = 1 + bytes.len().saturating_sub(first).div_ceil(SECTOR);
        let start_of = |sector: usize| if sector == 0 { 0 } else { first + (sector - 1) * SECTOR };
        let mut cuts = vec![0, numbers.below(sectors), sectors - 1];
        cuts.dedup();
        for cut in cuts {
            for garbage in [false, true] {
                let whole = start_of(cut).min(bytes.len());
                let end = if garbage { bytes.len().min(start_of(cut + 1)) } else { whole };
                let mut torn = bytes[..end].to_vec();
                torn[whole..].iter_mut().for_each(|byte| *byte = numbers.bits() as u8);
                let torn = Call::Write(*file, *offset, torn.into());
                let mut calls = kept.to_vec();
                calls[last] = &torn;
                seen(self.with(&calls));
            }
        }
    }

    fn with(&self, kept: &[&Call]) -> Image {
        let mut image = self.durable.clone();
        for call in kept {
            image.apply(call);
        }
        image
    }
}

impl SimDisk {
    /// A disk that holds an image, all of it durable.
    pub fn holding(image: Image) -> Self {
        let next_file = image.files.keys().last().map_or(0, |last| last + 1);
        Self(Arc::new(Mutex::new(State { live: image, next_file, ..State::default() })))
    }

    /// What the process would read back.
    pub fn image(&self) -> Image {
        self.state().live.clone()
    }

    /// What was asked so far.
    pub fn trace(&self) -> Vec<Call> {
        self.state().trace.clone()
    }

    /// How many of [`Self::trace`].
    pub fn traced(&self) -> usize {
        self.state().trace.len()
    }

    /// Calls that change something, so far, failed ones among them.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Lets the `call`-th call that changes something fail, and all after it if it `lasts`.
    pub fn fail(&self, call: usize, fault: Fault, lasts: bool) {
        self.state().fault = Some((call, fault, lasts));
    }

    /// Lets everything succeed again.
    pub fn heal(&self) {
        self.state().fault = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no call panics")
    }

    /// Does what is asked, or what a fault makes of it.
    fn call(&self, call: Call) -> io::Result<()> {
        let mut state = self.state();
        let number = state.calls;
        state.calls += 1;
        let fault = state.fault.filter(|&(at, _, lasts)| at == number || (lasts && at < number));
        let call = match (fault.map(|(_, fault, _)| fault), call) {
            (Some(Fault::Full), Call::Write(file, offset, bytes))
                if state.live.files[&file].len() < offset as usize + bytes.len() =>
            {
                let half = bytes[..bytes.len() / 2].into();
                state.take(Call::Write(file, offset, half));
                return Err(ErrorKind::StorageFull.into());
            }
            (Some(Fault::Full), Call::Create(..)) => return Err(ErrorKind::StorageFull.into()),
            (Some(Fault::Io), _) => return Err(io::Error::other("the disk does not answer")),
            (Some(Fault::LostSync), Call::SyncFile(file)) => {
                // As if nothing had been written since the last sync.
                if let Some(bytes) = state.unsynced.remove(&file) {
                    state.live.files.insert(file, bytes);
                }
                state.trace.push(Call::Lost(file));
                return Err(io::Error::other("the sync failed"));
            }
            (Some(Fault::LostUnseen), Call::SyncFile(file)) => {
                state.unsynced.remove(&file);
                state.trace.push(Call::Lost(file));
                return Err(io::Error::other("the sync failed"));
            }
            (Some(Fault::LostSync | Fault::LostUnseen), Call::SyncNames) => {
                return Err(io::Error::other("the sync failed"));
            }
            (_, call) => call,
        };
        state.take(call);
        Ok(())
    }
}

impl State {
    fn take(&mut self, call: Call) {
        match &call {
            Call::Write(file, ..) | Call::SetLen(file, _) => {
                let bytes = self.live.files.get(file).cloned().unwrap_or_default();
                self.unsynced.entry(*file).or_insert(bytes);
            }
            Call::SyncFile(file) => _ = self.unsynced.remove(file),
            _ => {}
        }
        self.live.apply(&call);
        self.trace.push(call);
    }
}

impl Storage for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().live.names())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = {
            let mut state = self.state();
            if state.live.names.contains_key(name) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.next_file += 1;
            state.next_file
        };
        self.call(Call::Create(name.to_owned(), file))?;
        Ok(Box::new(Open { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = self.state().live.names.get(name).copied().ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(Open { disk: self.clone(), file }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        if !self.state().live.names.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        self.call(Call::Remove(name.to_owned()))
    }

    fn sync(&self) -> io::Result<()> {
        self.call(Call::SyncNames)
    }
}

impl File for Open {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().live.files[&self.file].len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        let bytes = &state.live.files[&self.file];
        let found = bytes.get(offset as usize..offset as usize + into.len());
        into.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.call(Call::Write(self.file, offset, bytes.into()))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.call(Call::SetLen(self.file, len))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.call(Call::SyncFile(self.file))
    }
}
