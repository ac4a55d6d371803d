//! Syncs a file beside the worker, which goes on writing to it meanwhile: to wait for the medium takes as
//! long as thousands of records, and those behind it would wait too.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, Thread};

use super::seal_key::KeyWrite;

/// A thread that syncs, one order at a time.
pub(crate) struct Syncer {
    to: SyncSender<Order>,
    done: Receiver<io::Result<()>>,
    /// An order was given, and its outcome not taken.
    is_busy: bool,
}

struct Order {
    file: Arc<File>,
    /// What the file of the seal keys is to say then.
    behind: Option<KeyWrite>,
    /// Who gave the order, to be woken.
    from: Thread,
}

impl Syncer {
    /// `None`: the system gives no thread.
    pub(crate) fn start() -> Option<Syncer> {
        let (to, orders) = sync_channel::<Order>(1);
        let (tell, done) = sync_channel(1);
        let work = move || {
            for order in orders {
                let outcome = order.file.sync_data();
                let is_synced = outcome.is_ok();
                if tell.send(outcome).is_err() {
                    return;
                }
                order.from.unpark();
                if let Some(behind) = order.behind.filter(|_| is_synced) {
                    behind.run();
                }
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

    /// Has a file synced, and the seal keys written behind it. No sync may be underway. The other: the thread is gone.
    pub(crate) fn begin(
        &mut self,
        file: Arc<File>,
        behind: Option<KeyWrite>,
    ) -> Result<(), Option<KeyWrite>> {
        debug_assert!(!self.is_busy);
        let order = Order {
            file,
            behind,
            from: thread::current(),
        };
        self.to.send(order).map_err(|refused| refused.0.behind)?;
        self.is_busy = true;
        Ok(())
    }

    /// The outcome, when there is one.
    pub(crate) fn outcome(&mut self) -> Option<io::Result<()>> {
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
    pub(crate) fn wait(&mut self) -> Option<io::Result<()>> {
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

fn gone() -> io::Error {
    io::Error::other("the thread that syncs is gone")
}
