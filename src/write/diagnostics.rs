//! Warnings to the operator, on stderr, by a thread of their own: stderr may hang, and neither the application nor the
//! trail waits for it.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::fork::process;
use super::lock;

/// Messages that may wait. More are dropped; `status()` says what is wrong, too.
const WAITING: usize = 64;

/// How long the end of the process waits for messages that are not printed yet.
const FLUSH_WITHIN: Duration = Duration::from_millis(200);

static PENDING: AtomicUsize = AtomicUsize::new(0);

/// Prints a message. No audited text goes here.
pub(crate) fn warn(message: &str) {
    // A forked child has the channel of its parent, and no thread behind it.
    static PRINTER: Mutex<Option<(u32, Option<SyncSender<String>>)>> = Mutex::new(None);
    let mut printer = lock(&PRINTER);
    if printer.as_ref().is_none_or(|(of, _)| *of != process()) {
        PENDING.store(0, Ordering::SeqCst);
        let (sender, receiver) = sync_channel::<String>(WAITING);
        let print = move || {
            for message in receiver {
                // A process without a working stderr has nobody to tell.
                let _ = writeln!(std::io::stderr(), "stinger-audit: {message}");
                PENDING.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let thread = std::thread::Builder::new().name("stinger-audit-diagnostics".to_owned());
        *printer = Some((process(), thread.spawn(print).is_ok().then_some(sender)));
    }
    PENDING.fetch_add(1, Ordering::SeqCst);
    let sent = printer
        .as_ref()
        .and_then(|(_, sender)| sender.as_ref())
        .is_some_and(|sender| sender.try_send(message.to_owned()).is_ok());
    if !sent {
        PENDING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits a little for messages that are not printed yet.
pub(super) fn flush() {
    let deadline = Instant::now() + FLUSH_WITHIN;
    while PENDING.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}
