//! The end of the process: trails are ended in order, with no guard to keep.
//!
//! Exit handlers run when `main` returns and in `std::process::exit`, while the other threads still run. The standard
//! library has no hook for either, and neither has a crate without `unsafe` on its user's side.

use std::panic::catch_unwind;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// Has every open trail closed when the process exits.
pub(super) fn close_at_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        #[expect(
            unsafe_code,
            reason = "there is no safe way to run code in process::exit"
        )]
        // SAFETY: the handler has the type that `atexit` asks for, lives as long as the program, and never unwinds.
        let refused = unsafe { libc::atexit(at_exit) } != 0;
        if refused {
            super::warn("the system runs no code at exit; call close() before the process ends");
        }
        notice_forks();
        close_before_abort();
    });
}

/// The id of a process that was forked from one with a trail. 0 in all others.
static FORKED_AS: AtomicU32 = AtomicU32::new(0);

/// Tells this process from those it was forked from, without a system call. A forked child has the memory of its
/// parent, each journal with it, but none of the threads.
#[inline]
pub(crate) fn process() -> u32 {
    FORKED_AS.load(Ordering::Relaxed)
}

#[cfg(unix)]
fn notice_forks() {
    extern "C" fn in_child() {
        FORKED_AS.store(std::process::id(), Ordering::Relaxed);
    }
    #[expect(
        unsafe_code,
        reason = "there is no safe way to notice a fork without a system call an event"
    )]
    // SAFETY: the handler has the type that `pthread_atfork` asks for and lives as long as the program. It only calls
    // getpid and stores to an atomic, which is allowed in the child of a process with several threads.
    let refused = unsafe { libc::pthread_atfork(None, None, Some(in_child)) } != 0;
    if refused {
        super::warn("the system does not tell of forks; a forked child must not record");
    }
}

#[cfg(not(unix))]
fn notice_forks() {}

extern "C" fn at_exit() {
    let _ = catch_unwind(super::registry::close_all);
}

/// Where a panic aborts the process, no exit handler runs: the panic hook closes instead.
#[cfg(panic = "abort")]
fn close_before_abort() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        previous(info);
        super::registry::close_all();
    }));
}

#[cfg(not(panic = "abort"))]
fn close_before_abort() {}
