//! The thread beside the worker, of a trail that is sealed: it hashes lines, makes seals and appends batches. It does
//! what the worker would do itself if nobody else came to it.
//!
//! It sleeps where there is nothing to do, and keeps the scheduler's usual policy. Under full load it was tried to let
//! it look for work by the clock, which spares the worker the 5 µs of waking it: it then preempted the worker
//! himself. That it gives way to others by a policy of its own helps, but services are run under filters that kill a
//! process that asks for one.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

pub(super) const NAME: &str = "stinger-audit-helper";

/// Something that can be done beside the worker.
pub(super) trait Task: Send + Sync {
    fn run(&self);
}

/// It ends when this is dropped.
pub(super) struct Helper(SyncSender<Arc<dyn Task>>);

impl Helper {
    /// So many tasks may wait for it. `None`: the system gives no thread.
    pub(super) fn start(tasks: usize) -> Option<Helper> {
        let (to, tasks) = sync_channel::<Arc<dyn Task>>(tasks);
        let work = move || tasks.into_iter().for_each(|task| task.run());
        let named = thread::Builder::new().name(NAME.into());
        named.spawn(work).ok()?;
        Some(Helper(to))
    }

    /// Has something done. `false`: there is no room for more.
    pub(super) fn give(&self, task: Arc<dyn Task>) -> bool {
        self.0.try_send(task).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Says its number when it has got the lock.
    struct Waits(Arc<Mutex<()>>, Mutex<Sender<u32>>, u32);

    impl Task for Waits {
        fn run(&self) {
            let _waited = self.0.lock();
            let to = self.1.lock().expect("whole");
            to.send(self.2).expect("somebody listens");
        }
    }

    #[test]
    fn tasks_are_done_in_their_order_and_what_there_is_no_room_for_is_refused() {
        let (to, told) = channel();
        let lock = Arc::new(Mutex::new(()));
        let helper = Helper::start(2).expect("a thread");
        let held = lock.lock().expect("whole");
        let task = |number| Waits(lock.clone(), Mutex::new(to.clone()), number);
        let taken = (0..9).filter(|number| helper.give(Arc::new(task(*number))));
        let taken: Vec<u32> = taken.collect();
        drop(held);
        // Two wait, and one may be underway.
        assert!((2..=3).contains(&taken.len()), "{taken:?}");
        drop(helper);
        drop(to);
        assert_eq!(told.iter().collect::<Vec<_>>(), taken);
    }
}
