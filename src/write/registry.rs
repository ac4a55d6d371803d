//! The trails of this process: the current one, those to end at exit, and the one that a thread is recording in.

use std::cell::Cell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{Core, diagnostics, lock};

/// The trail that the process's events go to where no subscriber says otherwise.
static CURRENT: RwLock<Option<Arc<Core>>> = RwLock::new(None);

/// The trails that are open, to be ended in order when the process exits.
static OPEN: Mutex<Vec<Arc<Core>>> = Mutex::new(Vec::new());

/// A trail was switched off, which only development allows.
pub(super) static SWITCHED_OFF: AtomicBool = AtomicBool::new(false);

pub(crate) fn current() -> Option<Arc<Core>> {
    CURRENT
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// The current trail, if this process opened it.
pub(crate) fn current_of_process() -> Option<Arc<Core>> {
    current().filter(|core| !core.is_forked())
}

pub(super) fn remember(core: &Arc<Core>) {
    lock(&OPEN).push(core.clone());
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    match &*current {
        Some(known) if !known.is_forked() => return,
        Some(of_parent) => {
            let _ = core
                .stands_for
                .set(*of_parent.stands_for.get().unwrap_or(&of_parent.id));
        }
        None => {}
    }
    *current = Some(core.clone());
}

pub(super) fn forget(core: &Core) {
    let _closed: Vec<_> = {
        let mut open = lock(&OPEN);
        open.extract_if(.., |known| known.id == core.id).collect()
    };
    let next = lock(&OPEN).iter().find(|core| !core.is_forked()).cloned();
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    if current.as_ref().is_some_and(|known| known.id == core.id) {
        *current = next;
    }
}

/// Ends every trail that is open. Called when the process exits.
pub(super) fn close_all() {
    let open = lock(&OPEN).clone();
    for core in open {
        if let Err(error) = core.close_at_exit() {
            core.warn(format_args!("at exit: {error}"));
        }
    }
    diagnostics::flush();
}

thread_local! {
    /// The trail whose record this thread is making, while the values of the application
    /// that go into it are formatted and redacted.
    static RECORDING: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Says that the thread is making a record. Inside another record it says that of the outer one again when this is
/// dropped.
pub(super) struct Recording(Option<u64>);

impl Recording {
    #[inline]
    pub(super) fn in_trail(id: u64) -> Recording {
        Recording(
            RECORDING
                .try_with(|trail| trail.replace(Some(id)))
                .ok()
                .flatten(),
        )
    }

    /// The trail that a typed function records in when it is called by a value or a redactor
    /// that another record is being made of. `tracing` shows no subscriber there.
    pub(super) fn trail() -> Option<Arc<Core>> {
        let id = RECORDING.try_with(Cell::get).ok().flatten()?;
        lock(&OPEN).iter().find(|core| core.id == id).cloned()
    }
}

impl Drop for Recording {
    #[inline]
    fn drop(&mut self) {
        let _ = RECORDING.try_with(|trail| trail.set(self.0));
    }
}
