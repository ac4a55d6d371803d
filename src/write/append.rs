//! Lines are appended to the file beside the worker, while it makes the next ones.
//!
//! To copy them to the system is a quarter of what the worker does for a record. It goes to the thread that hashes, where
//! there is one; whatever that has not begun with when the worker comes back to it, the worker does itself.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex};

use super::helper::Task;
use super::lock;

/// An attempt to append lines. Only one of them may be underway.
pub(super) struct Append {
    order: Arc<Mutex<Option<Order>>>,
    outcome: Receiver<io::Result<usize>>,
    /// The outcome, where it was looked for before it is needed.
    seen: Option<io::Result<usize>>,
    #[cfg(test)]
    is_patient: bool,
}

/// Whoever takes it carries it out.
struct Order {
    attempt: Box<dyn FnOnce() -> io::Result<usize> + Send>,
    tell: SyncSender<io::Result<usize>>,
}

impl Append {
    /// What makes the attempt, which says how many bytes it has written, and how to learn of it.
    pub(super) fn new(
        attempt: impl FnOnce() -> io::Result<usize> + Send + 'static,
    ) -> (Arc<dyn Task>, Append) {
        let (tell, outcome) = sync_channel(1);
        let attempt = Box::new(attempt);
        let order = Arc::new(Mutex::new(Some(Order { attempt, tell })));
        let append = Append {
            order: order.clone(),
            outcome,
            seen: None,
            #[cfg(test)]
            is_patient: false,
        };
        (order, append)
    }

    /// Whether somebody has begun with it, and is not done.
    pub(super) fn is_underway(&mut self) -> bool {
        if self.seen.is_none() {
            self.seen = match self.outcome.try_recv() {
                Ok(outcome) => Some(outcome),
                Err(TryRecvError::Disconnected) => Some(Err(gone())),
                Err(TryRecvError::Empty) => None,
            };
        }
        self.seen.is_none() && lock(&self.order).is_none()
    }

    /// The outcome, for which it waits. `None`: nobody has begun, and nobody will.
    pub(super) fn outcome(self) -> Option<io::Result<usize>> {
        #[cfg(test)]
        self.wait_until_begun();
        if lock(&self.order).take().is_some() {
            return None;
        }
        let wait = || self.outcome.recv().unwrap_or_else(|_| Err(gone()));
        Some(self.seen.unwrap_or_else(wait))
    }

    /// Has the worker of a test come back to it later, as where there are cores enough.
    #[cfg(test)]
    pub(super) fn patient(mut self) -> Append {
        self.is_patient = true;
        self
    }

    #[cfg(test)]
    fn wait_until_begun(&self) {
        let begun = std::time::Instant::now();
        while self.is_patient && lock(&self.order).is_some() && begun.elapsed().as_secs() < 5 {
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread beside the worker is gone")
}

impl Task for Mutex<Option<Order>> {
    fn run(&self) {
        let order = lock(self).take();
        if let Some(Order { attempt, tell }) = order {
            // Nobody listens where the worker panicked.
            let _ = tell.send(attempt());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_makes_the_attempt_and_nobody_else() {
        let count = Arc::new(Mutex::new(0));
        let attempt = || {
            let count = count.clone();
            Append::new(move || {
                *lock(&count) += 1;
                Ok(7)
            })
        };
        let (task, mut append) = attempt();
        assert!(!append.is_underway());
        task.run();
        task.run();
        assert!(!append.is_underway());
        assert_eq!(append.outcome().and_then(Result::ok), Some(7));
        assert_eq!(*lock(&count), 1);

        let (task, append) = attempt();
        assert!(append.outcome().is_none());
        task.run();
        assert_eq!(*lock(&count), 1, "the worker makes it");
    }

    #[test]
    fn the_worker_waits_for_an_attempt_that_was_begun() {
        let (go, wait) = sync_channel::<io::Result<usize>>(0);
        let (task, mut append) = Append::new(move || wait.recv().expect("told"));
        let thread = std::thread::spawn(move || task.run());
        while !append.is_underway() {
            std::thread::yield_now();
        }
        let teller = std::thread::spawn(move || go.send(Err(io::ErrorKind::StorageFull.into())));
        let outcome = append.outcome().expect("begun").expect_err("a failure");
        assert_eq!(outcome.kind(), io::ErrorKind::StorageFull);
        thread.join().expect("whole");
        teller.join().expect("whole").expect("taken");
    }

    #[test]
    fn a_thread_that_dies_over_it_is_an_error() {
        let (task, mut append) = Append::new(|| panic!("a bug below the write"));
        let died = std::thread::spawn(move || task.run()).join();
        assert!(died.is_err());
        assert!(!append.is_underway());
        assert!(append.outcome().is_some_and(|told| told.is_err()));
    }
}
