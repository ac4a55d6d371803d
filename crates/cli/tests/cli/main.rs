//! The command, run as a process.
//!
//! `tests/cli/trail` is a trail with something of everything, `tests/cli/*.txt` is what the command
//! prints of it. `STINGER_TEST_BLESS=1` writes these files anew; read the difference.

mod check;
mod diagnostics;
mod export;
mod fixtures;
mod hostile_text;
mod index;
mod input;
mod output;
mod process;
mod query;
mod redact;
mod show;
#[path = "../../../../tests/common/skip.rs"]
mod skip;
#[path = "../../../../tests/common/strace.rs"]
mod strace;
mod tail;
mod verify;
