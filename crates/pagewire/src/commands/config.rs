//! `pagewire config`.

use crate::cli::ConfigArguments;
use crate::exit::Failed;
use crate::settings::Settings;
use crate::terminal::print_text;

pub(crate) fn run(arguments: &ConfigArguments) -> Result<(), Failed> {
    let settings = Settings::load(&arguments.settings, &arguments.config)?.effective();
    let text =
        toml::to_string(&settings).map_err(|error| Failed::from(anyhow::Error::from(error)))?;
    print_text(text.trim_end())
}
