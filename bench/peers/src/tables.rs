//! Figures as markdown.

use crate::engines::Engine;
use crate::figures::{Loads, Ratio, Row};
use std::fmt::Write;

/// The geometric mean, of anything at all.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = values.into_iter().map(f64::ln).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

/// Ratios of means, the way each was counted.
pub(crate) fn mean_ratio(ratios: &[Ratio]) -> Option<Ratio> {
    let paired = mean(ratios.iter().map(|ratio| ratio.paired))?;
    Some(Ratio { paired, medians: mean(ratios.iter().map(|ratio| ratio.medians))? })
}

fn cell(text: Option<String>) -> String {
    format!(" {} |", text.as_deref().unwrap_or("-"))
}

fn head(text: &mut String, first: &str, columns: impl Iterator<Item = String>, last: &str) {
    let columns: Vec<String> = columns.collect();
    let aligned = "---:|".repeat(columns.len() + usize::from(!last.is_empty()));
    let lefts = first.matches('|').count() + 1;
    let last = if last.is_empty() { String::new() } else { format!(" {last} |") };
    *text += &format!("\n| {first} | {} |{last}\n|{}{aligned}\n", columns.join(" | "), "---|".repeat(lefts));
}

/// Nanoseconds a unit, and what no figure is given for, with the reason.
pub(crate) fn times(engines: &[Engine], rows: &[Row]) -> String {
    let mut text = String::from("\n## Nanoseconds a unit of work\n");
    head(&mut text, "workload | unit", engines.iter().map(|e| e.name.clone()), "quiet rounds");
    for row in rows {
        text += &format!("| {} | {} |", row.workload.name, row.workload.unit);
        let ns = (0..engines.len()).map(|at| row.ns(at).map(|ns| format!("{ns:.2}")));
        text.extend(ns.map(cell));
        text += &format!(" {}/{} |\n", row.quiet(), row.rounds());
    }
    text += "| **geometric mean** | |";
    for at in 0..engines.len() {
        let known: Vec<f64> = rows.iter().filter_map(|row| row.ns(at)).collect();
        let count = if known.len() < rows.len() { format!(" ({})", known.len()) } else { String::new() };
        text += &cell(mean(known).map(|mean| format!("{mean:.2}{count}")));
    }
    text += " |\n\nIn brackets: of how many workloads the mean is.";
    let mut all = true;
    for row in rows {
        for (engine, place) in engines.iter().zip(&row.places) {
            if let Err(reason) = place {
                all = false;
                let _ =
                    write!(text, "\n- {} cannot express {}: {}.", engine.name, row.workload.name, reason.0);
            }
        }
    }
    text += if all { " All engines express all workloads.\n" } else { "\n" };
    text
}

/// One engine's times as parts of the others'.
pub(crate) fn ratios(engines: &[Engine], rows: &[Row], engine: usize) -> String {
    let others: Vec<usize> = (0..engines.len()).filter(|&at| at != engine).collect();
    let mut text = format!("\n## What {} takes of each other's time\n", engines[engine].name);
    text += "\nThe median of the rounds' ratios / the ratio of the medians.\n";
    head(&mut text, "workload", others.iter().map(|&at| engines[at].name.clone()), "");
    let show = |ratio: Ratio| format!("{:.3} / {:.3}", ratio.paired, ratio.medians);
    for row in rows {
        text += &format!("| {} |", row.workload.name);
        text.extend(others.iter().map(|&at| cell(row.ratio(engine, at).map(show))));
        text += "\n";
    }
    text += "| **geometric mean** |";
    for &at in &others {
        let known: Vec<Ratio> = rows.iter().filter_map(|row| row.ratio(engine, at)).collect();
        text += &cell(mean_ratio(&known).map(show));
    }
    text + "\n"
}

/// Load jobs and instances.
pub(crate) fn loads(loads: &Loads, rounds: usize) -> String {
    let mut text = String::from("\n## Loading 1000 functions of 50 operations\n");
    text +=
        &format!("\nOne thread, the same operations for all; {}/{rounds} rounds were quiet.\n", loads.quiet);
    let columns = ["ms", "ns an operation", "bytes read", "MB/s"].map(String::from);
    head(&mut text, "engine | stage", columns.into_iter(), "");
    for row in &loads.rows {
        let (ms, each, rate) = (row.ns / 1e6, row.ns / row.instrs as f64, row.bytes as f64 * 1e3 / row.ns);
        text += &format!("| {} | {} | {ms:.2} | {each:.0} |", row.engine, row.stage);
        text += &format!(" {} | {rate:.0} |\n", row.bytes);
    }
    text += "\nA further instance of a program, with what it needs to run, made and dropped:\n";
    head(&mut text, "engine", std::iter::once("ns".into()), "");
    for (engine, ns) in &loads.instances {
        text += &format!("| {engine} | {ns:.0} |\n");
    }
    text
}
