//! `pagewire doctor`: what is reachable, who is attached, and why not, in plain words.

mod access;
mod attached;
mod browser;
mod csp;
mod hub;
mod machine;
mod meta;
mod owner;
mod page;
mod probe;
mod report;
mod site;

use self::browser::Trial;
use self::hub::{Found, Hub, Look};
use self::probe::Probe;
use self::report::Report;
use crate::cli::DoctorArguments;
use crate::exit::Failed;

/// Looks at everything, one thing after the other, and prints what it found.
///
/// # Errors
///
/// Arguments that mean nothing, or silently where something is bad.
pub(crate) async fn run(arguments: &DoctorArguments) -> Result<(), Failed> {
    let probe = Probe::new(arguments.hub.ca.as_deref())?;
    let hub = Hub::new(&arguments.hub, &probe)?;
    let mut report = Report::default();
    let Look {
        found,
        clock,
        checks,
    } = hub.look().await;
    report.add(checks);
    let status = match &found {
        Found::Open(status) => Some(&**status),
        Found::Nothing | Found::Hub => None,
    };
    if !matches!(found, Found::Nothing) {
        report.add(machine::loopback(&hub).await);
        report.add(attached::pages(&hub).await);
    }
    if let Some(status) = status {
        report.add(access::checks(&hub, &status.access).await);
        report.add(attached::refusals(status));
    }
    report.add(page::check(arguments, &hub, status).await?);
    report.add([machine::proxy(&hub)]);
    report.add(machine::settings(&arguments.config));
    report.add(machine::files(status));
    report.add([machine::clock(&hub, clock)]);
    let trial = if arguments.browser {
        Trial::Start
    } else {
        Trial::Find
    };
    report.add(browser::check(trial).await);
    report.conclude(arguments.json)
}
