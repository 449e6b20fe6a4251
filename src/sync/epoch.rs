//! What the crate uses of `crossbeam-epoch`, for models: its promise, kept as meanly as it allows.
//!
//! What is put off happens as soon as everybody who was pinned then has let go, on whichever thread
//! comes by. What is dropped then keeps its memory until the collector goes, so that a model can
//! tell that somebody still looks at it.

use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};

use loom::sync::atomic::{AtomicUsize, fence};

use super::atomic::{AtomicPtr, Ordering};

/// Something put off, and how that is done and given back.
struct Later {
    /// Those who have to let go first.
    pinned: Vec<usize>,
    what: *mut (),
    run: unsafe fn(*mut ()),
    free: unsafe fn(*mut ()),
}

#[derive(Default)]
struct State {
    handed_out: usize,
    pinned: Vec<usize>,
    later: Vec<Later>,
    done: Vec<Later>,
}

// SAFETY: models run on one thread of the system.
unsafe impl Send for State {}

struct Shared {
    /// Never held where loom could switch.
    state: Mutex<State>,
    /// Counts those who let go: what is put off comes after all that they did.
    gone: AtomicUsize,
}

impl Shared {
    fn state<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn run_what_may(&self) {
        let next = |state: &mut State| {
            let State { pinned, later, .. } = state;
            let may = |l: &Later| l.pinned.iter().all(|number| !pinned.contains(number));
            later.iter().position(may).map(|place| later.remove(place))
        };
        while let Some(later) = self.state(next) {
            // Pairs with the release of all who have let go; an exchange sees the last.
            self.gone.fetch_add(0, Ordering::Acquire);
            // SAFETY: run once, as it was put off.
            unsafe { (later.run)(later.what) };
            self.state(|state| state.done.push(later));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.state(|state| {
            state.pinned.clear();
        });
        self.run_what_may();
        for later in self.state(|state| std::mem::take(&mut state.done)) {
            // SAFETY: it has run, and nobody is left who could look at it.
            unsafe { (later.free)(later.what) };
        }
    }
}

pub(crate) struct Collector(Arc<Shared>);

impl Collector {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), gone: AtomicUsize::new(0) }))
    }

    pub(crate) fn register(&self) -> LocalHandle {
        LocalHandle(Self(Arc::clone(&self.0)))
    }
}

impl PartialEq for Collector {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

pub(crate) struct LocalHandle(Collector);

impl LocalHandle {
    pub(crate) fn collector(&self) -> &Collector {
        &self.0
    }

    pub(crate) fn pin(&self) -> Guard {
        let shared = Arc::clone(&self.0.0);
        let number = shared.state(|state| {
            state.handed_out += 1;
            state.pinned.push(state.handed_out);
            state.handed_out
        });
        // Of this and the one in `put_off` one is first: who is not waited for sees what was taken
        // away before.
        fence(Ordering::SeqCst);
        shared.run_what_may();
        Guard { shared, number }
    }
}

pub(crate) struct Guard {
    shared: Arc<Shared>,
    number: usize,
}

impl Guard {
    fn put_off(&self, what: *mut (), run: unsafe fn(*mut ()), free: unsafe fn(*mut ())) {
        fence(Ordering::SeqCst);
        self.shared.state(|state| {
            let pinned = state.pinned.clone();
            state.later.push(Later { pinned, what, run, free });
        });
    }

    pub(crate) fn defer<F: FnOnce() + Send + 'static>(&self, call: F) {
        unsafe fn run<F: FnOnce()>(call: *mut ()) {
            // SAFETY: a box of `F`, run once.
            (unsafe { Box::from_raw(call.cast::<F>()) })();
        }
        unsafe fn free(_: *mut ()) {}
        self.put_off(Box::into_raw(Box::new(call)).cast(), run::<F>, free);
    }

    /// # Safety
    /// The value is out of reach of all who pin from now on, and retired once.
    pub(crate) unsafe fn defer_destroy<T>(&self, old: Pointer<T>) {
        unsafe fn run<T>(value: *mut ()) {
            // SAFETY: dropped once; its memory stays.
            unsafe { value.cast::<T>().drop_in_place() };
        }
        unsafe fn free<T>(value: *mut ()) {
            // SAFETY: a box of `T`, which was dropped.
            drop(unsafe { Box::from_raw(value.cast::<ManuallyDrop<T>>()) });
        }
        self.put_off(old.0.cast(), run::<T>, free::<T>);
    }

    pub(crate) fn flush(&self) {
        self.shared.run_what_may();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Release pairs with the acquire in `run_what_may`.
        self.shared.gone.fetch_add(1, Ordering::Release);
        self.shared.state(|state| state.pinned.retain(|&number| number != self.number));
        self.shared.run_what_may();
    }
}

/// A value in a box.
pub(crate) struct Owned<T>(Box<T>);

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Box::new(value))
    }

    pub(crate) fn into_box(self) -> Box<T> {
        self.0
    }
}

/// A pointer to a value that others have too.
pub(crate) struct Pointer<T>(*mut T);

impl<T> Pointer<T> {
    pub(crate) fn as_raw(&self) -> *const T {
        self.0
    }
}

pub(crate) struct Atomic<T>(AtomicPtr<T>);

impl<T> Atomic<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(AtomicPtr::new(Box::into_raw(Box::new(value))))
    }

    pub(crate) fn null() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    pub(crate) fn load(&self, order: Ordering, _: &Guard) -> Pointer<T> {
        Pointer(self.0.load(order))
    }

    pub(crate) fn swap(&self, new: Owned<T>, order: Ordering, _: &Guard) -> Pointer<T> {
        Pointer(self.0.swap(Box::into_raw(new.0), order))
    }

    /// # Safety
    /// Nobody else has the value, and there is one.
    pub(crate) unsafe fn into_owned(self) -> Owned<T> {
        // SAFETY: the caller's promise.
        Owned(unsafe { Box::from_raw(self.0.load(Ordering::Relaxed)) })
    }

    /// # Safety
    /// Nobody else has the value, if there is one.
    pub(crate) unsafe fn try_into_owned(self) -> Option<Owned<T>> {
        let value = self.0.load(Ordering::Relaxed);
        // SAFETY: the caller's promise.
        (!value.is_null()).then(|| Owned(unsafe { Box::from_raw(value) }))
    }
}
