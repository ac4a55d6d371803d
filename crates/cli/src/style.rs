//! Colors, each with a word beside it that means the same; the width of the terminal; the buffer for stdout.

use std::io::{self, IsTerminal as _};

use clap::{Args, ColorChoice};

use super::time::Zone;

/// How output looks.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(super) struct DisplayOptions {
    /// Show times in the time zone of this machine instead of UTC, and read times without a zone as such
    #[arg(long)]
    pub(super) local: bool,
    /// When to print colors. NO_COLOR turns them off; use `always` with `| less -R`
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: ColorChoice,
}

impl DisplayOptions {
    pub(super) fn zone(&self) -> Zone {
        Zone { local: self.local }
    }
}

/// What a color means.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    /// What stopped something, or is wrong.
    Bad,
    /// What somebody should look at.
    Doubtful,
    /// What passed.
    Good,
    /// A name, a heading.
    Strong,
    /// What is of less weight.
    Faint,
    /// What stands in the place of a redacted value.
    Hidden,
}

/// How output looks here.
pub(super) struct Style {
    color: bool,
    pub(super) width: usize,
    pub(super) zone: Zone,
}

/// Where there is no terminal to fit, lines are as long as they are.
const UNBOUNDED: usize = usize::MAX;

impl Style {
    pub(super) fn new(display: &DisplayOptions) -> Style {
        let is_terminal = io::stdout().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style {
            color: match display.color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => is_terminal && !no_color && !is_dumb,
            },
            width: match terminal_size::terminal_size() {
                Some((terminal_size::Width(width), _)) if is_terminal => usize::from(width.max(40)),
                _ => UNBOUNDED,
            },
            zone: display.zone(),
        }
    }

    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Doubtful => "33",
            Tone::Good => "32",
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Hidden => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A text with its placeholders in their own color. The text must be safe already.
    pub(super) fn with_placeholders(&self, text: &str) -> String {
        if !self.color || !text.contains('[') {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let (before, behind) = rest.split_at(open);
            shown.push_str(before);
            let name = behind[1..]
                .bytes()
                .take_while(|byte| {
                    byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'
                })
                .count();
            let end = behind.find(']').filter(|end| *end <= 64);
            let is_placeholder =
                name >= 2 && matches!(behind.as_bytes().get(1 + name), Some(b':' | b']'));
            match end {
                Some(end) if is_placeholder => {
                    shown.push_str(&self.paint(Tone::Hidden, &behind[..=end]));
                    rest = &behind[end + 1..];
                }
                _ => {
                    shown.push('[');
                    rest = &behind[1..];
                }
            }
        }
        shown.push_str(rest);
        shown
    }
}

/// Standard output, with a buffer that is flushed at the end.
pub(super) type Out = io::BufWriter<io::Stdout>;

pub(super) fn stdout() -> Out {
    io::BufWriter::with_capacity(64 << 10, io::stdout())
}
