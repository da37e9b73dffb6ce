//! `pagewire completions SHELL` and `pagewire man`: both are made from the command line's own definition.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::{Cli, CompletionsArguments, ManArguments};
use crate::exit::{FAILED, Failed};
use crate::terminal::write_bytes;

pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<(), Failed> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "pagewire",
        &mut script,
    );
    write_bytes(&script)
}

/// One page for the program and one for each subcommand (`man pagewire-call`).
pub(crate) fn man(arguments: &ManArguments) -> Result<(), Failed> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let subcommands: Vec<_> = program.get_subcommands().cloned().collect();
    let mut pages = std::iter::once(program).chain(subcommands).map(Man::new);
    match &arguments.out {
        None => pages.try_for_each(|page| write_bytes(&text(&page)?)),
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
            pages.try_for_each(|page| {
                let file = folder.join(page.get_filename());
                std::fs::write(&file, text(&page)?).map_err(|error| failed(&file, &error))
            })
        }
    }
}

fn text(page: &Man) -> Result<Vec<u8>, Failed> {
    let mut text = Vec::new();
    page.render(&mut text)
        .map_err(|error| Failed::new(FAILED, error.to_string()))?;
    Ok(text)
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(FAILED, format!("{}: {error}", path.display()))
}
