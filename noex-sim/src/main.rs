//! Runs the table of figures, or one scenario.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use noex_sim::scenarios::{Outcome, Run, Scenario};
use noex_sim::table::{self, Plan};

const USAGE: &str = "noex-sim table [--quick]\n\
    noex-sim run --scenario NAME [--nodes N] [--seed S] [--length SECONDS]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["table"] => verdict(table::print(Plan::Full)),
        ["table", "--quick"] => verdict(table::print(Plan::Quick)),
        ["run", options @ ..] => match parse(options) {
            Ok(run) => verdict(print_run(&run)),
            Err(what) => usage(&what),
        },
        _ => usage("say what to do"),
    }
}

fn verdict(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn usage(what: &str) -> ExitCode {
    eprintln!("{what}\n{USAGE}");
    ExitCode::from(2)
}

fn parse(options: &[&str]) -> Result<Run, String> {
    let (mut scenario, mut size, mut seed) = (None, 100, 1);
    let mut length = None;
    for pair in options.chunks(2) {
        let &[name, value] = pair else {
            return Err(format!("{} needs a value", pair[0]));
        };
        let number = || {
            value
                .parse::<u64>()
                .map_err(|error| format!("{value}: {error}"))
        };
        match name {
            "--scenario" => scenario = Some(value.parse::<Scenario>()?),
            "--nodes" => size = usize::try_from(number()?).map_err(|e| e.to_string())?,
            "--seed" => seed = number()?,
            "--length" => length = Some(Duration::from_secs(number()?)),
            _ => return Err(format!("{name} is unknown")),
        }
    }
    let run = Run::new(scenario.ok_or("--scenario is missing")?, size, seed);
    Ok(length.map_or(run, |length| run.lasting(length)))
}

#[expect(clippy::disallowed_methods, reason = "how long the run itself takes")]
fn print_run(run: &Run) -> bool {
    let begin = Instant::now();
    let Outcome {
        figures,
        violations,
        events,
        tally,
        ..
    } = run.run();
    println!("{run}");
    for (name, mut figures) in figures {
        figures.sort_by(f64::total_cmp);
        let at = |share: f64| noex_sim::percentile(&figures, share);
        println!(
            "{name:26} {:>7} figures: least {:.4}, median {:.4}, p99 {:.4}, most {:.4}",
            figures.len(),
            at(0.0),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    for (kind, count) in tally.iter() {
        println!("sent {kind:21} {count:>10}");
    }
    for violation in &violations {
        println!("violated {violation}");
    }
    println!("{events} events in {:?}", begin.elapsed());
    violations.is_empty()
}
