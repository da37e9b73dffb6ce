//! In which language people read of rooms.

use clap::ValueEnum;

use crate::terminal::prefers_chinese;

/// In which language lines, states and summaries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    #[value(name = "en")]
    English,
    /// 中文
    #[value(name = "zh")]
    Chinese,
}

impl Language {
    /// The one that was asked for, or that of the user's system.
    pub(crate) fn of_user(named: Option<Self>) -> Self {
        named.unwrap_or_else(|| {
            if prefers_chinese() {
                Self::Chinese
            } else {
                Self::English
            }
        })
    }

    /// Which of both is read.
    pub(crate) const fn of<'w>(self, english: &'w str, chinese: &'w str) -> &'w str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}
