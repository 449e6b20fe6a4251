//! What a space offers for memories: changes go through its log, all else to its index.

use super::Space;
use crate::index::{Associated, Association, Op, Recollect};
use crate::log::StoreError;
use crate::memory::Standing;
use crate::memory::retention::Retention;
use crate::memory::scoring::Confidence;

impl Space {
    /// As [`Index::set_confidence`](crate::Index::set_confidence).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn set_confidence(&self, key: u64, confidence: Confidence) -> Result<bool, StoreError> {
        self.apply(&Op::SetConfidence(key, confidence))
    }

    /// As [`Index::reinforce`](crate::Index::reinforce).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn reinforce(&self, key: u64, now: u64) -> Result<bool, StoreError> {
        self.apply(&Op::Reinforce(key, now))
    }

    /// As [`Index::set_evergreen`](crate::Index::set_evergreen).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn set_evergreen(&self, key: u64, is_evergreen: bool) -> Result<bool, StoreError> {
        self.apply(&Op::SetEvergreen(key, is_evergreen))
    }

    /// As [`Index::set_retention`](crate::Index::set_retention).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn set_retention(&self, retention: Retention) -> Result<(), StoreError> {
        self.apply(&Op::SetRetention(retention)).map(drop)
    }

    /// As [`Index::associate`](crate::Index::associate).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn associate(&self, association: &Association<'_>) -> Result<bool, StoreError> {
        self.apply(&Op::Associate(*association))
    }

    /// As [`Index::dissociate`](crate::Index::dissociate).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn dissociate(&self, from: u64, to: u64, kind: &str) -> Result<bool, StoreError> {
        self.apply(&Op::Dissociate(from, to, kind))
    }

    /// As [`Index::strengthen`](crate::Index::strengthen).
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn strengthen(&self, from: u64, to: u64, rate: f32) -> Result<bool, StoreError> {
        self.apply(&Op::Strengthen(from, to, rate))
    }

    /// As [`Index::purge`](crate::Index::purge).
    ///
    /// # Errors
    /// As for [`Self::apply`], when some may be deleted.
    pub fn purge(&self, below: f64, now: u64) -> Result<usize, StoreError> {
        let mut purged = 0;
        for key in self.forgotten(below, now) {
            if self.shared.index.is_forgotten(key, below, now) {
                purged += usize::from(self.delete(key)?);
            }
        }
        Ok(purged)
    }

    /// As [`Index::recollect`](crate::Index::recollect).
    pub fn recollect(&self) -> Recollect<'_> {
        self.shared.index.recollect()
    }

    /// As [`Index::forgotten`](crate::Index::forgotten).
    pub fn forgotten(&self, below: f64, now: u64) -> Vec<u64> {
        self.shared.index.forgotten(below, now)
    }

    /// As [`Index::standing`](crate::Index::standing).
    pub fn standing(&self, key: u64) -> Option<Standing> {
        self.shared.index.standing(key)
    }

    /// As [`Index::retention`](crate::Index::retention).
    pub fn retention(&self) -> Retention {
        self.shared.index.retention()
    }

    /// As [`Index::associations`](crate::Index::associations).
    pub fn associations(&self, key: u64) -> Vec<Associated> {
        self.shared.index.associations(key)
    }
}
