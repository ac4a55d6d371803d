//! The thread beside the worker. It does what the worker would do itself if nobody else came to it.
//!
//! It takes what is left of the cores: it preempts no thread of the application's, which might hold the journal's
//! lock, and the worker would wait for it. Under full load it is not woken either. A system call to wake it costs
//! the worker 5 µs, and the system likes to put who is woken on the core of who wakes, in front of or behind him.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

/// Where the next task comes soon, it looks for it so many times, this far apart, before it has itself woken.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_micros(100);

/// Something that can be done beside the worker. It is done once more where somebody could not wait for it.
pub(super) trait Task: Send + Sync {
    fn run(&self);
}

/// A task, and whether the next comes soon.
type Given = (Arc<dyn Task>, bool);

/// It ends when this is dropped.
pub(super) struct Helper(SyncSender<Given>);

impl Helper {
    /// So many tasks may wait for it. `None`: the system gives no thread.
    pub(super) fn start(tasks: usize) -> Option<Helper> {
        let (to, tasks) = sync_channel(tasks);
        let work = move || {
            give_way();
            let mut more_comes = false;
            while let Some((task, soon)) = next(&tasks, more_comes) {
                task.run();
                more_comes = soon;
            }
        };
        let named = thread::Builder::new().name("stinger-audit-hash".into());
        named.spawn(work).ok()?;
        Some(Helper(to))
    }

    /// Has something done, if there is room for more.
    pub(super) fn give(&self, task: Arc<dyn Task>, more_comes: bool) {
        let _ = self.0.try_send((task, more_comes));
    }
}

/// `None`: nobody gives any more.
fn next(tasks: &Receiver<Given>, soon: bool) -> Option<Given> {
    for _ in 0..if soon { LOOKS } else { 0 } {
        match tasks.try_recv() {
            Ok(given) => return Some(given),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => thread::sleep(PAUSE),
        }
    }
    tasks.recv().ok()
}

/// Has the system let whoever runs go on when this thread wakes. Where it refuses, all works as well, only slower.
#[cfg(target_os = "linux")]
fn give_way() {
    const CALLING_THREAD: libc::c_int = 0;
    let priority: libc::c_int = 0;
    #[expect(unsafe_code, reason = "the system reads through a pointer")]
    // SAFETY: the pointer is to a number of this function's own, which is all that the system's sched_param holds.
    unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            CALLING_THREAD,
            libc::SCHED_BATCH,
            &raw const priority,
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Told(Mutex<Sender<u32>>, u32);

    impl Task for Told {
        fn run(&self) {
            let to = self.0.lock().expect("whole");
            to.send(self.1).expect("somebody listens");
        }
    }

    #[test]
    fn tasks_are_done_in_their_order_whether_it_sleeps_or_looks() {
        let (to, told) = channel();
        let helper = Helper::start(1).expect("a thread");
        for number in 0..40 {
            // It is woken, or comes to look, or has looked in vain.
            let more_comes = number % 3 > 0;
            if number % 5 == 0 {
                thread::sleep(2 * LOOKS * PAUSE);
            }
            helper.give(Arc::new(Told(Mutex::new(to.clone()), number)), more_comes);
            assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(number));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_a_thread_that_gives_way() {
        struct Policy(Mutex<Sender<libc::c_long>>);
        impl Task for Policy {
            fn run(&self) {
                #[expect(unsafe_code, reason = "a call of the system")]
                // SAFETY: it takes a number and returns one.
                let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) };
                let to = self.0.lock().expect("whole");
                to.send(policy).expect("somebody listens");
            }
        }
        let (to, told) = channel();
        let helper = Helper::start(1).expect("a thread");
        helper.give(Arc::new(Policy(Mutex::new(to))), false);
        let policy = told.recv_timeout(Duration::from_secs(60)).expect("it runs");
        assert_eq!(policy, libc::c_long::from(libc::SCHED_BATCH));
    }
}
