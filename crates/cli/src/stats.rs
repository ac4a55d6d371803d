//! `stats`: counts, with bars.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;

use super::exit::{Answer, CommandResult};
use super::filters::Filters;
use super::source::{ReadErrors, Source};
use super::style::{DisplayOptions, Out, Style, Tone, stdout};
use super::suggest;
use super::text::{count, one_line};
use stinger_audit_trail::format::internal::json;
use stinger_audit_trail::read::{Histogram, Stats};

#[derive(Args)]
pub(super) struct StatsArguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    filters: Filters,
    /// Name at most N tenants, users and models
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output")]
    top: usize,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    display: DisplayOptions,
}

pub(super) fn run(arguments: &StatsArguments) -> CommandResult {
    let input = arguments.source.open()?;
    let stats = input.stats(arguments.filters.query(arguments.display.zone())?);
    let mut read_errors = ReadErrors::of(&input);
    stats
        .unreadable
        .iter()
        .for_each(|error| read_errors.report(error));
    if stats.records == 0 {
        return suggest::finish(0, &input, &arguments.filters, read_errors);
    }
    if arguments.json {
        let mut out = stdout();
        json::write_safely(&mut out, &stats)?;
        writeln!(out)?;
        out.flush()?;
    } else {
        let style = Style::new(&arguments.display);
        let mut out = stdout();
        let mut table = Table {
            style: &style,
            out: &mut out,
        };
        table.stats(&stats, arguments.top)?;
        out.flush()?;
    }
    read_errors.finish()?;
    Ok(Answer::Match)
}

struct Table<'s> {
    style: &'s Style,
    out: &'s mut Out,
}

/// The longest bar, in columns.
const BAR: u64 = 30;
const NAME: usize = 28;

impl Table<'_> {
    fn stats(&mut self, stats: &Stats, top: usize) -> io::Result<()> {
        let zone = self.style.zone;
        if let (Some(from), Some(to)) = (stats.from, stats.to) {
            let head = format!(
                "{}, {} to {}; not counting the trail's own",
                count(stats.records, "record"),
                zone.full(from),
                zone.full(to)
            );
            writeln!(self.out, "{}", self.style.paint(Tone::Strong, &head))?;
        }
        if !stats.decisions.is_empty() {
            self.heading("decisions by guardrail")?;
            for (filter, decisions) in &stats.decisions {
                let counts: Vec<String> = decisions
                    .iter()
                    .map(|(decision, count)| {
                        let word = format!("{} {count}", one_line(decision));
                        let tone = match decision.as_str() {
                            "allow" => Tone::Good,
                            "block" => Tone::Bad,
                            "skipped" => Tone::Faint,
                            _ => Tone::Doubtful,
                        };
                        self.style.paint(tone, &word)
                    })
                    .collect();
                let latency = match stats.guardrail_latency_ms.get(filter) {
                    Some(spread) => format!(
                        "   p50 {} p99 {} ms",
                        percentile_text(spread.percentile(50.0)),
                        percentile_text(spread.percentile(99.0))
                    ),
                    None => String::new(),
                };
                let name = one_line(filter);
                writeln!(self.out, "  {name:<NAME$} {}{latency}", counts.join("  "))?;
            }
        }
        self.counts("events by type", &stats.event_types, usize::MAX)?;
        self.counts("records by tenant", &stats.tenants, top)?;
        self.counts("records by user", &stats.users, top)?;
        self.counts("responses by model", &stats.models, top)?;
        self.counts("redacted values by kind", &stats.redactions, usize::MAX)?;
        self.hours(stats)?;
        self.spread("processing time, ms", &stats.processing_time_ms)?;
        if stats.tokens > 0 {
            self.heading("tokens")?;
            writeln!(self.out, "  {:<NAME$} {:>9}", "processed", stats.tokens)?;
        }
        Ok(())
    }

    fn heading(&mut self, heading: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.style.paint(Tone::Strong, heading))
    }

    /// The most frequent first.
    fn counts(
        &mut self,
        heading: &str,
        counts: &BTreeMap<String, u64>,
        top: usize,
    ) -> io::Result<()> {
        if counts.is_empty() {
            return Ok(());
        }
        self.heading(heading)?;
        let mut sorted: Vec<_> = counts.iter().collect();
        sorted.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let most = sorted.first().map_or(1, |(_, count)| **count);
        for (name, count) in sorted.iter().take(top) {
            let bar = self.bar(**count, most, Tone::Good);
            writeln!(self.out, "  {:<NAME$} {count:>9}  {bar}", one_line(name))?;
        }
        if let Some(others) = sorted.get(top..).filter(|others| !others.is_empty()) {
            let sum: u64 = others.iter().map(|(_, count)| **count).sum();
            let name = format!("{} others", others.len());
            writeln!(
                self.out,
                "  {}",
                self.style
                    .paint(Tone::Faint, &format!("{name:<NAME$} {sum:>9}"))
            )?;
        }
        Ok(())
    }

    fn hours(&mut self, stats: &Stats) -> io::Result<()> {
        self.heading("by hour: records, blocked")?;
        let most = stats
            .hours
            .values()
            .map(|hour| hour.records)
            .max()
            .unwrap_or(1);
        for (time, hour) in &stats.hours {
            let blocked = self.bar(hour.blocked, most, Tone::Bad);
            let rest = self.bar(
                hour.records - hour.blocked.min(hour.records),
                most,
                Tone::Good,
            );
            let name = self.style.zone.hour(*time);
            writeln!(
                self.out,
                "  {name:<NAME$} {:>9} {:>6}  {blocked}{rest}",
                hour.records, hour.blocked
            )?;
        }
        Ok(())
    }

    fn spread(&mut self, heading: &str, spread: &Histogram) -> io::Result<()> {
        if spread.count() == 0 {
            return Ok(());
        }
        self.heading(heading)?;
        writeln!(
            self.out,
            "  {:<NAME$} p50 {}  p90 {}  p99 {}  max {}",
            format!("of {}", count(spread.count(), "record")),
            percentile_text(spread.percentile(50.0)),
            percentile_text(spread.percentile(90.0)),
            percentile_text(spread.percentile(99.0)),
            figure_text(spread.max()),
        )
    }

    fn bar(&self, count: u64, most: u64, tone: Tone) -> String {
        // In eighths of a column; what there is at all is seen.
        let eighths = (count * BAR * 8).div_ceil(most.max(1));
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let bar = "█".repeat((eighths / 8) as usize) + parts[(eighths % 8) as usize];
        self.style.paint(tone, &bar)
    }
}

/// A percentile, which is within 3 %, in the two digits that it has.
fn percentile_text(value: f64) -> String {
    if value < 0.001 {
        return "<0.001".to_owned();
    }
    // It reads what was just written.
    let value: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    let decimals = (1.0 - value.log10().floor()).max(0.0) as usize;
    format!("~{value:.decimals$}")
}

/// A figure with as many digits as say something.
fn figure_text(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_have_two_digits() {
        for (value, shown) in [
            (0.0, "<0.001"),
            (0.0123, "~0.012"),
            (0.2, "~0.20"),
            (1.776, "~1.8"),
            (9.96, "~10"),
            (14.6, "~15"),
            (306.3, "~310"),
            (1_234.0, "~1200"),
        ] {
            assert_eq!(percentile_text(value), shown);
        }
    }
}
