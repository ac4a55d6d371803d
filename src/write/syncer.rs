//! Syncs a file beside the worker, which goes on writing to it meanwhile: to wait for the medium takes as
//! long as thousands of records, and those behind it would wait too.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, Thread};

use super::say;

/// A thread that syncs, one order at a time.
pub(super) struct Syncer {
    to: SyncSender<Order>,
    done: Receiver<io::Result<()>>,
    /// An order was given, and its outcome not taken.
    is_busy: bool,
}

struct Order {
    /// The seal keys, which go first: no seal may name a key that is not on the medium.
    first: Option<Arc<File>>,
    file: Arc<File>,
    /// Who gave the order, to be woken.
    from: Thread,
}

impl Syncer {
    /// `None`: the system gives no thread.
    pub(super) fn start() -> Option<Syncer> {
        let (to, orders) = sync_channel::<Order>(1);
        let (tell, done) = sync_channel(1);
        let work = move || {
            for Order { first, file, from } in orders {
                sync_key(first);
                if tell.send(file.sync_data()).is_err() {
                    return;
                }
                from.unpark();
            }
        };
        let named = thread::Builder::new().name("stinger-audit-sync".into());
        named.spawn(work).ok()?;
        Some(Syncer {
            to,
            done,
            is_busy: false,
        })
    }

    /// Has a file synced, and another one before it. Nothing may be underway. `false`: the thread is gone.
    pub(super) fn begin(&mut self, first: Option<Arc<File>>, file: Arc<File>) -> bool {
        debug_assert!(!self.is_busy);
        let from = thread::current();
        self.is_busy = self.to.send(Order { first, file, from }).is_ok();
        self.is_busy
    }

    /// The outcome, when there is one.
    pub(super) fn outcome(&mut self) -> Option<io::Result<()>> {
        if !self.is_busy {
            return None;
        }
        match self.done.try_recv() {
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(self.take(Err(gone()))),
            Ok(outcome) => Some(self.take(outcome)),
        }
    }

    /// Waits until nothing is underway. `None`: nothing was.
    pub(super) fn wait(&mut self) -> Option<io::Result<()>> {
        if !self.is_busy {
            return None;
        }
        let outcome = self.done.recv().unwrap_or_else(|_| Err(gone()));
        Some(self.take(outcome))
    }

    fn take(&mut self, outcome: io::Result<()>) -> io::Result<()> {
        self.is_busy = false;
        outcome
    }
}

/// Syncs the file of the seal keys. Where it cannot be, the trail goes on.
pub(super) fn sync_key(file: Option<Arc<File>>) {
    if let Some(Err(error)) = file.map(|file| file.sync_data()) {
        say(&format!(
            "the file of the seal keys could not be synced: {error}"
        ));
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that syncs is gone")
}
