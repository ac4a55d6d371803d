//! Syncs a file on a thread of its own, while the worker goes on writing to it: to wait for the medium takes as long as
//! thousands of records.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::{self, Thread};

use super::seal_key::KeyWrite;

/// A thread that syncs, one file after the other.
pub(crate) struct Syncer(Sender<Order>);

struct Order {
    file: Arc<File>,
    /// The seal keys, which are written after the sync.
    keys: Option<KeyWrite>,
    outcome: SyncSender<io::Result<()>>,
    /// The thread to unpark then.
    from: Thread,
}

/// A sync that is underway.
pub(crate) struct BackgroundSync(Receiver<io::Result<()>>);

impl Syncer {
    /// `None`: the system gives no thread.
    pub(crate) fn start() -> Option<Syncer> {
        let (sender, orders) = channel::<Order>();
        let work = move || {
            for order in orders {
                let synced = order.file.sync_data();
                let keys = order.keys.filter(|_| synced.is_ok());
                // Nobody may wait for it any more.
                let _ = order.outcome.send(synced);
                order.from.unpark();
                if let Some(keys) = keys {
                    keys.run();
                }
            }
        };
        let thread = thread::Builder::new().name("stinger-audit-sync".into());
        thread.spawn(work).ok()?;
        Some(Syncer(sender))
    }

    /// Begins to sync a file. If that succeeds, the seal keys are written after it. `Err`: the thread is gone.
    pub(crate) fn begin(
        &self,
        file: Arc<File>,
        keys: Option<KeyWrite>,
    ) -> Result<BackgroundSync, Option<KeyWrite>> {
        let (outcome, receiver) = sync_channel(1);
        let order = Order {
            file,
            keys,
            outcome,
            from: thread::current(),
        };
        self.0.send(order).map_err(|refused| refused.0.keys)?;
        Ok(BackgroundSync(receiver))
    }
}

impl BackgroundSync {
    /// `None`: it is still underway.
    pub(crate) fn outcome(&self) -> Option<io::Result<()>> {
        match self.0.try_recv() {
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(lost())),
            Ok(outcome) => Some(outcome),
        }
    }

    pub(crate) fn wait(self) -> io::Result<()> {
        self.0.recv().unwrap_or_else(|_| Err(lost()))
    }
}

fn lost() -> io::Error {
    io::Error::other("the thread that syncs has panicked")
}
