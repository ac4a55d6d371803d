//! The pager: what is too long for a screen is read there, and Ctrl-C is its.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// The pager of `PAGER`, else `less`, which ends by itself where everything fits on the screen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pager {
    program: String,
    arguments: Vec<String>,
    /// The options of `less` that the environment has.
    less: Option<String>,
}

/// A pager that runs.
pub(super) struct Running {
    stdin: ChildStdin,
    waits: JoinHandle<()>,
    is_complete: Arc<AtomicBool>,
}

impl Pager {
    /// The one to use, where stdout is a terminal that can be written all over.
    pub(super) fn here() -> Option<Pager> {
        let variable = |name: &str| std::env::var(name).ok();
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        match io::stdout().is_terminal() && !is_dumb {
            true => Pager::of(variable("PAGER"), variable("LESS")),
            false => None,
        }
    }

    fn of(pager: Option<String>, less: Option<String>) -> Option<Pager> {
        let pager = pager.unwrap_or_else(|| "less".to_owned());
        let mut words = pager.split_whitespace().map(str::to_owned);
        let program = words.next().filter(|program| program != "cat")?;
        Some(Pager {
            program,
            arguments: words.collect(),
            less,
        })
    }

    /// Whether it hands colours on. `less` shows their codes unless it was told to.
    pub(super) fn takes_colours(&self) -> bool {
        let is_less = self.program == "less" || self.program.ends_with("/less");
        let Some(less) = self.less.as_ref().filter(|_| is_less) else {
            return true;
        };
        let options = less.split_whitespace();
        let mut options = options.chain(self.arguments.iter().map(String::as_str));
        options.any(|option| match option.strip_prefix("--") {
            Some(long) => long.eq_ignore_ascii_case("raw-control-chars"),
            None => option.contains(['R', 'r']),
        })
    }

    pub(super) fn start(&self) -> io::Result<Running> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped());
        if self.less.is_none() {
            // Colours, no clearing, and an end where it fits.
            command.env("LESS", "FRX");
        }
        leave_interrupts(true);
        let mut child = command.spawn().inspect_err(|_| leave_interrupts(false))?;
        let Some(stdin) = child.stdin.take() else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let is_complete = Arc::<AtomicBool>::default();
        let complete = is_complete.clone();
        let waits = thread::spawn(move || {
            let _ = child.wait();
            // Its reader has left, and nobody waits for what is still being looked for.
            if !complete.load(Ordering::SeqCst) {
                std::process::exit(0);
            }
        });
        Ok(Running {
            stdin,
            waits,
            is_complete,
        })
    }
}

/// Ctrl-C goes to all processes of a terminal. The pager knows what to do with it, and does not end.
fn leave_interrupts(is_left: bool) {
    #[cfg(unix)]
    {
        // Not ignored: that would be the pager's, too, while a handler is none of the program that it becomes.
        extern "C" fn nothing(_signal: libc::c_int) {}
        let nothing = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
        let handler = if is_left { nothing } else { libc::SIG_DFL };
        #[expect(
            unsafe_code,
            reason = "signal dispositions have no safe interface in std"
        )]
        // SAFETY: the handler does nothing, and what it interrupts is begun again.
        unsafe {
            libc::signal(libc::SIGINT, handler);
        }
    }
}

impl Running {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdin.write(bytes)
    }

    /// Waits for the reader to leave.
    pub(super) fn finish(self) {
        self.is_complete.store(true, Ordering::SeqCst);
        drop(self.stdin);
        // It waits for a process and does not panic.
        let _ = self.waits.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_to_pagers_that_take_them() {
        let takes = |pager: &str, less: Option<&str>| {
            let pager = Pager::of(Some(pager.to_owned()), less.map(str::to_owned));
            pager.map(|pager| pager.takes_colours())
        };
        assert_eq!(takes("less", None), Some(true));
        assert_eq!(takes("less", Some("FRX")), Some(true));
        assert_eq!(takes("/usr/bin/less -R", Some("FX")), Some(true));
        assert_eq!(takes("less", Some("-F --RAW-CONTROL-CHARS")), Some(true));
        assert_eq!(takes("less", Some("FX")), Some(false));
        assert_eq!(takes("less -F", Some("")), Some(false));
        assert_eq!(takes("more", Some("FX")), Some(true));
        assert_eq!(takes("cat", None), None);
        assert_eq!(takes("", None), None);
    }
}
