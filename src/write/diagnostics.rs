//! Talk to whoever runs the process, on stderr, by a thread of its own: stderr may hang, and
//! neither the application nor the trail waits for it.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Messages that may wait; what comes beyond them is not said. `status()` has it.
const WAITING: usize = 64;

/// How long the end of the process waits for what is still to be said.
const LAST_WORDS: Duration = Duration::from_millis(200);

static UNSAID: AtomicUsize = AtomicUsize::new(0);

/// Says something. No audited text goes here.
pub(crate) fn say(message: &str) {
    static SPEAKER: OnceLock<Option<SyncSender<String>>> = OnceLock::new();
    let speaker = SPEAKER.get_or_init(|| {
        let (sender, receiver) = sync_channel::<String>(WAITING);
        let speak = move || {
            for message in receiver {
                // A process without a working stderr has nobody to tell.
                let _ = writeln!(std::io::stderr(), "stinger-audit: {message}");
                UNSAID.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let thread = std::thread::Builder::new().name("stinger-audit-say".to_owned());
        thread.spawn(speak).is_ok().then_some(sender)
    });
    UNSAID.fetch_add(1, Ordering::SeqCst);
    let sent = speaker
        .as_ref()
        .is_some_and(|speaker| speaker.try_send(message.to_owned()).is_ok());
    if !sent {
        UNSAID.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits a little for what is still to be said.
pub(super) fn finish() {
    let deadline = Instant::now() + LAST_WORDS;
    while UNSAID.load(Ordering::SeqCst) > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}
