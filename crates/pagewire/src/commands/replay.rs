//! `pagewire replay`: what a journal kept, told again.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use pagewire_journal::{Moment, Stamp};
use pagewire_live::Site;
use pagewire_room::watch::{ReplayError, ReplayOptions, Replayed, Speed, replay};
use pagewire_server::parse_duration;

use super::live::{Language, ShowArguments, site, summary};
use super::watch::{Board, Overflow, Screen, start_output};
use crate::exit::{FAILED, Failed, USAGE};
use crate::serve::stop_signal;

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The folder of the journal, as `pagewire watch --journal FOLDER` makes it: FOLDER/SITE-ROOM · 日志目录
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,
    /// How fast: 1 as it was, 10 ten times as fast, max · 速度
    #[arg(long, value_name = "TIMES|max", default_value = "max")]
    speed: Speed,
    /// Begin at this time: since the journal's beginning (90s, 1h), or @ and seconds of Unix time · 开始时间
    #[arg(long, value_name = "TIME|@UNIX", value_parser = parse_moment)]
    from: Option<Moment>,
    /// End at this time · 结束时间
    #[arg(long, value_name = "TIME|@UNIX", value_parser = parse_moment)]
    to: Option<Moment>,
    /// Whose frames they are, where the journal does not say
    #[arg(long, value_name = "SITE", value_parser = site())]
    site: Option<Site>,
    #[command(flatten)]
    show: ShowArguments,
}

pub(crate) async fn run(arguments: &ReplayArguments) -> Result<(), Failed> {
    let stop = stop_signal();
    if arguments.is_backward() {
        let why = "--from is behind --to, so that nothing is between them";
        return Err(Failed::new(USAGE, why));
    }
    let printer = arguments.show.printer()?;
    let language = Language::of_user(arguments.show.events.lang);
    let remarks = printer.remarks();
    let (output, writing) = start_output(Overflow::Wait, stop)?;
    let board = Board::new(1, output.clone(), language);
    let mut screen = Screen::new(None, 0, board, printer, None);
    let options = ReplayOptions {
        site: arguments.site,
        speed: arguments.speed,
        from: arguments.from,
        to: arguments.to,
    };
    let stop = async {
        tokio::select! {
            () = output.stopped() => {}
            () = output.ended() => {}
        }
    };
    let replayed = replay(&arguments.journal, options, &mut screen, stop).await;
    let unread = screen.unread_count();
    let tally = screen.into_tally();
    let journal = arguments.journal.display();
    if let Ok(replayed) = &replayed {
        let words = summary(&journal.to_string(), &tally, language);
        let told = told(replayed, unread, language);
        output.summary(&format!("{words}\n{told}"), remarks);
    }
    drop(output);
    writing.finish().await?;
    let replayed = replayed.map_err(|error| failed(&error, language))?;
    match replayed.damaged {
        0 => Ok(()),
        // All the rest was given, and each damage was told; a script should hear of it too.
        _ => Err(Failed::silent(FAILED)),
    }
}

impl ReplayArguments {
    /// Of times by two clocks only the journal could tell.
    fn is_backward(&self) -> bool {
        match (self.from, self.to) {
            (Some(Moment::Mono(from)), Some(Moment::Mono(to)))
            | (Some(Moment::Unix(from)), Some(Moment::Unix(to))) => from > to,
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}

fn failed(error: &ReplayError, language: Language) -> Failed {
    let words = match (language, error) {
        (Language::English, _) => error.to_string(),
        (Language::Chinese, ReplayError::Journal(error)) => error.zh(),
        (Language::Chinese, ReplayError::NoSite) => {
            "日志没有说明其中的数据来自哪个网站，请用 --site 指定".to_owned()
        }
        (Language::Chinese, _) => error.to_string(),
    };
    Failed::new(FAILED, words)
}

fn told(replayed: &Replayed, unread: u64, language: Language) -> String {
    let Replayed {
        records,
        damaged,
        repeated,
        skipped,
        span,
    } = *replayed;
    let lasts = span.map_or(0, |(first, last): (Stamp, Stamp)| {
        last.mono_us.saturating_sub(first.mono_us) / 1_000_000
    });
    let mut line = match language {
        Language::English => format!(
            "journal   {} over {lasts} s, {}, {} that came again, {}",
            counted(records, "record"),
            counted(damaged, "damaged part"),
            counted(repeated, "event"),
            counted(unread, "unread message"),
        ),
        Language::Chinese => {
            format!(
                "日志      {lasts} 秒，{records} 条记录，{damaged} 处损坏，{repeated} 条重复消息，{unread} 条无法解析"
            )
        }
    };
    match (skipped.records.saturating_add(skipped.chunks), language) {
        (0, _) => {}
        (parts, Language::English) => {
            line.push_str(", ");
            line.push_str(&counted(parts, "part"));
            line.push_str(" of a newer version");
        }
        (parts, Language::Chinese) => {
            line.push_str(&format!("，{parts} 处来自更新的版本"));
        }
    }
    line
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let Some(unix) = text.strip_prefix('@') else {
        return parse_duration(text).map(|since| Moment::Mono(us(since)));
    };
    let seconds: f64 = unix.parse().map_err(|_| NO_UNIX.to_owned())?;
    let unix = Duration::try_from_secs_f64(seconds).map_err(|_| NO_UNIX.to_owned())?;
    Ok(Moment::Unix(us(unix)))
}

const NO_UNIX: &str = "behind @ there are seconds of Unix time, such as @1795212345.5";

#[cfg(test)]
mod tests {
    use pagewire_journal::Skipped;

    use super::*;

    #[test]
    fn what_a_newer_version_wrote_is_told_where_there_is_any() {
        let of = |records, chunks, language| {
            let skipped = Skipped { records, chunks };
            let replayed = Replayed {
                records: 2,
                skipped,
                ..Replayed::default()
            };
            told(&replayed, 1, language)
        };
        let line = "journal   2 records over 0 s, 0 damaged parts, 0 events that came again, 1 unread message";
        assert_eq!(of(0, 0, Language::English), line);
        let more = of(2, 1, Language::English);
        assert_eq!(more, format!("{line}, 3 parts of a newer version"));
        assert!(of(1, 0, Language::Chinese).ends_with("，1 处来自更新的版本"));
    }
}
