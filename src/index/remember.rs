//! How items stand as memories: confidence, and what time leaves of them.
//!
//! Nothing fades by itself: a reader passes the time, and an index that stands still answers alike at
//! equal times. What was forgotten is only listed; it goes when somebody purges it.

use super::Index;
use super::root::Root;
use crate::error::Result;
use crate::memory::Standing;
use crate::memory::retention::Retention;
use crate::memory::scoring::Confidence;

impl Index {
    /// How the item of a key stands as a memory: its confidence, and when it was used. O(log n).
    ///
    /// ```
    /// use ecphory::memory::scoring::Confidence;
    /// use ecphory::{Index, Item, Metric};
    ///
    /// let index = Index::builder(2).metric(Metric::L2).build()?;
    /// let unsure = Confidence::new(0.4)?;
    /// index.insert_item(&Item::new(1, &[0.0, 1.0]).confidence(unsure).at(1_000))?;
    /// index.reinforce(1, 5_000)?;
    ///
    /// let standing = index.standing(1).expect("it is there");
    /// assert_eq!((standing.confidence, standing.trace.last()), (unsure, 5_000));
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn standing(&self, key: u64) -> Option<Standing> {
        let root = self.root();
        root.find(key).map(|slot| root.space.standings.get(slot))
    }

    /// Says how sure an item is; false if no item has this key. O(log n), lock-free.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory); [`Error::Busy`](crate::Error::Busy) as for
    /// [`Self::tag`].
    pub fn set_confidence(&self, key: u64, confidence: Confidence) -> Result<bool> {
        self.restand(key, &|_, standing| standing.confidence = confidence)
    }

    /// Notes a use of an item at `now`, in milliseconds: it lasts longer then, as
    /// [`Retention::reinforce`] says; false if no item has this key. Beside an update of the item a
    /// use may count twice. A time far ahead keeps the item from fading until then, as later uses
    /// are dated no earlier. O(log n), lock-free.
    ///
    /// # Errors
    /// As for [`Self::set_confidence`].
    pub fn reinforce(&self, key: u64, now: u64) -> Result<bool> {
        self.restand(key, &|retention, standing| retention.reinforce(&mut standing.trace, now))
    }

    /// Keeps an item from fading, or lets it fade again; false if no item has this key.
    ///
    /// # Errors
    /// As for [`Self::set_confidence`].
    pub fn set_evergreen(&self, key: u64, is_evergreen: bool) -> Result<bool> {
        self.restand(key, &|_, standing| standing.trace = standing.trace.evergreen(is_evergreen))
    }

    /// How items fade. They do not unless [set](Self::set_retention).
    pub fn retention(&self) -> Retention {
        *self.root().retention.pin()
    }

    /// Says how items fade, from now on and also those that are there.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) beside a bulk build or snapshot.
    pub fn set_retention(&self, retention: Retention) -> Result<()> {
        let _beside_others = self.gate.share()?;
        self.root().retention.swap(retention);
        Ok(())
    }

    /// The keys of the items of which less than `below` is left at `now`, most forgotten first. O(n).
    ///
    /// ```
    /// # use ecphory::{Index, Item, Metric};
    /// use ecphory::memory::retention::{Curve, Retention};
    ///
    /// const DAY: u64 = 86_400_000;
    /// let index = Index::builder(2).metric(Metric::L2).build()?;
    /// index.set_retention(Retention::new(Curve::Exponential { stability: 1.0 })?)?;
    /// index.insert_item(&Item::new(1, &[0.0, 1.0]).at(20_000 * DAY))?;
    /// index.insert_item(&Item::new(2, &[1.0, 1.0]).at(20_002 * DAY))?;
    ///
    /// let now = 20_003 * DAY;
    /// assert_eq!(index.forgotten(0.1, now), [1]);
    /// assert_eq!(index.purge(0.1, now)?, 1);
    /// assert!(!index.contains(1) && index.contains(2));
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn forgotten(&self, below: f64, now: u64) -> Vec<u64> {
        // What has not faded at all is not forgotten. (NaN stays, and nothing is below it.)
        let below = below.clamp(0.0, 1.0);
        let root = self.root();
        let retention = *root.retention.pin();
        if retention.is_off() {
            return Vec::new();
        }
        let left = |slot: u32| {
            let standing = root.space.standings.find(slot)?;
            let left = retention.at(&standing.trace, now);
            (left < below).then(|| (retention.strength(&standing.trace, now), root.space.key(slot)))
        };
        let mut forgotten: Vec<_> = root.items().into_iter().filter_map(left).collect();
        forgotten.sort_unstable();
        forgotten.into_iter().map(|(_, key)| key).collect()
    }

    /// Deletes the items that [`Self::forgotten`] lists; how many. Each is looked at again just before
    /// it goes, so that one that was of use meanwhile stays.
    ///
    /// # Errors
    /// As for [`Self::delete`], when some may be deleted.
    pub fn purge(&self, below: f64, now: u64) -> Result<usize> {
        let mut purged = 0;
        for key in self.forgotten(below, now) {
            if self.is_forgotten(key, below, now) {
                purged += usize::from(self.delete(key)?);
            }
        }
        Ok(purged)
    }

    /// Whether less than `below` is left of the item of a key.
    pub(crate) fn is_forgotten(&self, key: u64, below: f64, now: u64) -> bool {
        let root = self.root();
        let retention: Retention = *root.retention.pin();
        root.find(key).is_some_and(|slot| root.stands(slot, &retention, now).1 < below)
    }

    fn restand(&self, key: u64, change: &dyn Fn(&Retention, &mut Standing)) -> Result<bool> {
        let _beside_others = self.gate.share()?;
        let root = self.root();
        let retention: Retention = *root.retention.pin();
        root.retag(key, |slot| {
            root.space.standings.change(slot, &root, |standing| change(&retention, standing))
        })
    }
}

impl Root {
    /// How sure the item of a slot is, and what is left of it at `now`.
    pub(super) fn stands(&self, slot: u32, retention: &Retention, now: u64) -> (Confidence, f64) {
        let Some(standing) = self.space.standings.find(slot) else {
            return (Confidence::CERTAIN, 1.0);
        };
        (standing.confidence, retention.at(&standing.trace, now))
    }
}
