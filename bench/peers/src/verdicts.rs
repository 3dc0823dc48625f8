//! What the figures must show.

use crate::engines::Engine;
use crate::figures::{Loads, Ratio, Row};
use crate::tables::mean_ratio;

/// The interpreter that the requirements are about.
const OURS: &str = "opforge-interp";
const WASMI: &str = "wasmi+fuel";
const TAPE: &str = "execution_tape";
/// The last stage of its loading.
const LOADED: &str = "decode + verify + lower + words";
/// How many workloads there are.
const WORKLOADS: usize = 10;

/// What is measured against what is required.
struct Verdict {
    what: String,
    figure: Option<String>,
    required: String,
    met: bool,
}

/// The table of all requirements; those that this run did not measure are in it as such.
pub(crate) fn table(engines: &[Engine], rows: &[Row], loads: Option<&Loads>) -> String {
    let place = |name| engines.iter().position(|engine| engine.name == name);
    let ratio = |row: &Row, to| row.ratio(place(OURS)?, place(to)?);
    let of = |name: &str| rows.iter().find(|row| row.workload.name == name).and_then(|row| ratio(row, WASMI));
    let against_wasmi: Vec<(&str, Ratio)> =
        rows.iter().filter_map(|row| Some((row.workload.name, ratio(row, WASMI)?))).collect();
    let whole = against_wasmi.len() == WORKLOADS;
    let all: Vec<Ratio> = against_wasmi.iter().map(|(_, ratio)| *ratio).filter(|_| whole).collect();
    let worst = against_wasmi.iter().max_by(|(_, a), (_, b)| greater(a).total_cmp(&greater(b)));
    let worst = worst.filter(|_| whole);
    let named = worst.map_or(String::new(), |(name, _)| format!(": {name}"));
    let mut verdicts = vec![
        at_most(format!("{OURS} / {WASMI}, geometric mean of all ten"), mean_ratio(&all), 0.6),
        at_most(
            format!("{OURS} / {WASMI}, the worst of the ten{named}"),
            worst.map(|(_, worst)| *worst),
            1.05,
        ),
    ];
    for (name, limit) in [("fib", 0.5), ("host_call", 0.4), ("call_in", 0.2)] {
        verdicts.push(at_most(format!("{OURS} / {WASMI}, {name}"), of(name), limit));
    }
    // Turned around: how many times faster.
    let tape: Vec<Ratio> = rows.iter().filter_map(|row| row.ratio(place(TAPE)?, place(OURS)?)).collect();
    let times = mean_ratio(&tape).filter(|_| rows.len() == WORKLOADS);
    verdicts.push(Verdict {
        what: format!("{TAPE} / {OURS}, geometric mean of the {} it can run", tape.len()),
        figure: times.map(shown),
        required: "at least 12".into(),
        met: times.is_some_and(|times| times.paired.min(times.medians) >= 12.0),
    });
    verdicts.push(loading(loads));
    let mut text = String::from("\n## Verdicts\n\n| what | figure | required | met |\n|---|---:|---:|---|\n");
    for verdict in verdicts {
        let (figure, met) = match verdict.figure {
            Some(figure) => (figure, if verdict.met { "yes" } else { "**no**" }),
            None => ("not measured".into(), "-"),
        };
        text += &format!("| {} | {figure} | {} | {met} |\n", verdict.what, verdict.required);
    }
    text + "\nRatios both ways, as above; the worse of the two counts.\n"
}

fn loading(loads: Option<&Loads>) -> Verdict {
    const LIMIT: f64 = 100.0;
    let row = loads.and_then(|loads| loads.rows.iter().find(|row| row.engine == OURS && row.stage == LOADED));
    let each = row.map(|row| row.ns / row.instrs as f64);
    Verdict {
        what: format!("{OURS}, {LOADED}, ns a source operation"),
        figure: each.map(|each| format!("{each:.0}")),
        required: format!("at most {LIMIT}"),
        met: each.is_some_and(|each| each <= LIMIT),
    }
}

fn greater(ratio: &Ratio) -> f64 {
    ratio.paired.max(ratio.medians)
}

fn shown(ratio: Ratio) -> String {
    format!("{:.3} / {:.3}", ratio.paired, ratio.medians)
}

fn at_most(what: String, ratio: Option<Ratio>, limit: f64) -> Verdict {
    Verdict {
        what,
        figure: ratio.map(shown),
        required: format!("at most {limit}"),
        met: ratio.is_some_and(|ratio| greater(&ratio) <= limit),
    }
}
