//! Things that are used by one thread at a time and kept for the next.

use std::ops::{Deref, DerefMut};
use std::ptr::null_mut;

use crate::sync::atomic::{AtomicPtr, Ordering};

/// Things kept, at most; what finds no place is dropped.
const PLACES: usize = 32;

/// A shelf of reusable things: taking and putting back never waits. What one thread puts back
/// another takes, so things are `Send`.
pub(crate) struct Shelf<T, const N: usize = PLACES> {
    places: [AtomicPtr<T>; N],
}

/// A thing taken from a shelf, put back when dropped.
pub(crate) struct Taken<'a, T, const N: usize = PLACES> {
    thing: Option<Box<T>>,
    shelf: &'a Shelf<T, N>,
}

impl<T: Send, const N: usize> Shelf<T, N> {
    pub(crate) fn new() -> Self {
        Self { places: std::array::from_fn(|_| AtomicPtr::new(null_mut())) }
    }

    /// A shelf of one thing, which one thread at a time has.
    pub(crate) fn of(thing: T) -> Self {
        let shelf = Self::new();
        drop(Taken { thing: Some(Box::new(thing)), shelf: &shelf });
        shelf
    }

    /// Something from the shelf, or what `make` makes.
    pub(crate) fn take(&self, make: impl FnOnce() -> T) -> Taken<'_, T, N> {
        let thing = self.find().unwrap_or_else(|| Box::new(make()));
        Taken { thing: Some(thing), shelf: self }
    }

    /// Something from the shelf, unless it is empty.
    pub(crate) fn try_take(&self) -> Option<Taken<'_, T, N>> {
        self.find().map(|thing| Taken { thing: Some(thing), shelf: self })
    }

    fn find(&self) -> Option<Box<T>> {
        self.places.iter().find_map(|place| {
            // Relaxed first: most places are empty, and the swap decides.
            if place.load(Ordering::Relaxed).is_null() {
                return None;
            }
            // Acquire pairs with the release in `drop`: the thing is as its last user left it.
            let thing = place.swap(null_mut(), Ordering::Acquire);
            // SAFETY: the swap took the pointer out, so this box is its only owner; pointers come
            // from `Box::into_raw` in `drop`.
            (!thing.is_null()).then(|| unsafe { Box::from_raw(thing) })
        })
    }
}

impl<T, const N: usize> Drop for Taken<'_, T, N> {
    fn drop(&mut self) {
        let Some(thing) = self.thing.take() else { return };
        let thing = Box::into_raw(thing);
        let placed = self.shelf.places.iter().any(|place| {
            // Release pairs with the acquire in `take`.
            place.compare_exchange(null_mut(), thing, Ordering::Release, Ordering::Relaxed).is_ok()
        });
        if !placed {
            // SAFETY: no place took the pointer, so it is still owned here.
            drop(unsafe { Box::from_raw(thing) });
        }
    }
}

impl<T, const N: usize> Drop for Shelf<T, N> {
    fn drop(&mut self) {
        for place in &self.places {
            // Relaxed: nobody else is left.
            let thing = place.load(Ordering::Relaxed);
            if !thing.is_null() {
                // SAFETY: put here by `Taken::drop`, and taken out by nobody.
                drop(unsafe { Box::from_raw(thing) });
            }
        }
    }
}

impl<T, const N: usize> Deref for Taken<'_, T, N> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_deref().expect("held until dropped")
    }
}

impl<T, const N: usize> DerefMut for Taken<'_, T, N> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_deref_mut().expect("held until dropped")
    }
}
