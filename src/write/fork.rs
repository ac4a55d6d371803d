//! Which process this is: a child that was forked must not write into the trail of its parent.

use std::sync::atomic::{AtomicU32, Ordering};

/// The id of a process that was forked from one with a trail. 0 in all others.
static FORKED_AS: AtomicU32 = AtomicU32::new(0);

/// Tells this process from those it was forked from, without a system call. A forked child has the memory of its
/// parent, each journal with it, but none of the threads.
#[inline]
pub(crate) fn process() -> u32 {
    FORKED_AS.load(Ordering::Relaxed)
}

/// Has forks noticed from now on. False: the system refuses.
#[cfg(unix)]
pub(super) fn notice_forks() -> bool {
    extern "C" fn in_child() {
        FORKED_AS.store(std::process::id(), Ordering::Relaxed);
    }
    #[expect(
        unsafe_code,
        reason = "there is no safe way to notice a fork without a system call an event"
    )]
    // SAFETY: the handler has the type that `pthread_atfork` asks for and lives as long as the program. It only calls
    // getpid and stores to an atomic, which is allowed in the child of a process with several threads.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child)) == 0
    }
}

#[cfg(not(unix))]
pub(super) fn notice_forks() -> bool {
    true
}
