//! Options of all commands that show events.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use pagewire_live::{Event, Site};

/// Which events are shown, and with how much. The command has an option `--json` of its own.
#[derive(Debug, Args)]
pub(crate) struct EventArguments {
    /// Show events of these kinds only, such as chat,gift.delta; gifts are counted all the same
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', value_parser = PossibleValuesParser::new(Event::kinds()))]
    pub(crate) kinds: Vec<String>,
    /// With --json: add all that the site itself sent, as a member `site_fields` · 附上网站的原始字段
    #[arg(long, requires = "json")]
    pub(crate) site_fields: bool,
}

/// Reads the name of a site.
pub(crate) fn site() -> impl TypedValueParser<Value = Site> {
    let names = Site::ALL.iter().map(|site| site.name());
    PossibleValuesParser::new(names).map(|name| {
        let mut sites = Site::ALL.iter().copied();
        let named = sites.find(|site| site.name() == name);
        named.expect("the parser knows only names of sites")
    })
}
