//! How the worker rests without missing what there is to do.
//!
//! A thread that has work for the worker makes the work visible and then calls [`Parking::wake`]. The worker first sets its
//! flag and then looks for work. Both fence in between, so that one of the two sees what the other did. An event costs
//! the emitting thread a fence and a read; only where the worker rests it costs a system call.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Parking {
    /// The worker rests, or is about to.
    is_parked: AtomicBool,
    worker: OnceLock<Thread>,
}

impl Parking {
    /// The calling thread is the one that rests here.
    pub(crate) fn register(&self) {
        let _ = self.worker.set(std::thread::current());
    }

    /// Rests until somebody wakes the worker, at most so long, unless there is something to do.
    pub(crate) fn rest(&self, at_most: Duration, has_work: impl FnOnce() -> bool) {
        self.is_parked.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !has_work() {
            std::thread::park_timeout(at_most);
        }
        self.is_parked.store(false, Ordering::SeqCst);
    }

    /// Wakes the worker if it rests.
    #[inline]
    pub(crate) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.is_parked.load(Ordering::Relaxed) && self.is_parked.swap(false, Ordering::SeqCst) {
            self.unpark();
        }
    }

    /// Ends the worker's present pause, whatever it waits for.
    pub(crate) fn unpark(&self) {
        if let Some(worker) = self.worker.get() {
            worker.unpark();
        }
    }

    #[cfg(test)]
    pub(crate) fn is_parked(&self) -> bool {
        self.is_parked.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use super::*;

    #[test]
    fn no_wake_up_is_lost_between_the_last_look_and_the_rest() {
        const ROUNDS: usize = 200_000;
        const LONG: Duration = Duration::from_secs(5);
        let shared = Arc::new((Parking::default(), AtomicUsize::new(0), AtomicUsize::new(0)));
        let worker = {
            let shared = shared.clone();
            std::thread::spawn(move || {
                let (parking, work, done) = &*shared;
                parking.register();
                let mut slept_through = 0;
                while done.load(Ordering::Relaxed) < ROUNDS {
                    let begun = Instant::now();
                    parking.rest(LONG, || {
                        work.load(Ordering::Relaxed) > done.load(Ordering::Relaxed)
                    });
                    slept_through += usize::from(begun.elapsed() >= LONG);
                    done.store(work.load(Ordering::Relaxed), Ordering::Relaxed);
                }
                slept_through
            })
        };
        let (parking, work, done) = &*shared;
        for round in 1..=ROUNDS {
            work.store(round, Ordering::Relaxed);
            parking.wake();
            // Now and then the worker comes to rest.
            while round % 8 == 0 && done.load(Ordering::Relaxed) < round {
                std::hint::spin_loop();
            }
        }
        assert_eq!(worker.join().expect("no panic"), 0);
    }
}
