//! Why a signer gave nothing, in English (`Display`) and Chinese ([`SignError::zh`]).

use std::path::PathBuf;
use std::time::Duration;

use pagewire_hub::show_duration;
use pagewire_live::SignAnswerError;
use pagewire_rpc::{FunctionName, GroupName};

use super::script::ScriptFault;

/// So much is shown of what a page, a script or a server says, in characters.
pub(crate) const WORDS_CHARS_MAX: usize = 300;

/// Why a signer gave nothing. It is rested, whatever the reason: each may pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No page could be asked.
    #[error(
        "no page of group {group} exposes function {function}: is the tab open and attached? ({why})"
    )]
    NoPage {
        /// The group.
        group: GroupName,
        /// The function.
        function: FunctionName,
        /// What the hub says.
        why: String,
    },
    /// The page went away before it answered.
    #[error("the page went away while it signed ({0}): open the tab again")]
    PageGone(String),
    /// The page's function threw.
    #[error("the page's function threw: {0}")]
    PageThrew(String),
    /// The page took too long.
    #[error("the page did not answer within {}{}", show_duration(*.after), bracketed(.cause))]
    PageSlow {
        /// How long it may take.
        after: Duration,
        /// What keeps it, where the hub knows.
        cause: String,
    },
    /// The hub did not make the call, or not to its end.
    #[error("the call of the page's function failed: {0}")]
    PageCall(String),
    /// A list of more signers than that.
    #[error("more than {limit} signers; leave out those that are not needed")]
    TooMany {
        /// The most there may be.
        limit: usize,
    },
    /// The cargo feature `script` is off.
    #[error(
        "this build has no script signers: build it with the cargo feature `full`, or use command: with a JavaScript engine"
    )]
    NoScripts,
    /// The file of a script cannot be read.
    #[error("cannot read {}: {why}", .file.display())]
    ScriptUnread {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The script was stopped, or gave nothing.
    #[error("{}#{function}: {fault}", .file.display())]
    Script {
        /// The file.
        file: PathBuf,
        /// The function.
        function: String,
        /// What happened.
        fault: ScriptFault,
    },
    /// The process that scripts run in cannot be started, or ended.
    #[error("{}#{function}: the process that runs it {how}{}", .file.display(), quoted(.stderr))]
    ScriptProcess {
        /// The file.
        file: PathBuf,
        /// The function.
        function: String,
        /// What became of it.
        how: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// The program cannot be started.
    #[error("cannot start {program}: {why}")]
    CommandUnstarted {
        /// The program.
        program: String,
        /// What the system says.
        why: String,
    },
    /// The program ended with a failure.
    #[error("{program} {how}{}", quoted(.stderr))]
    CommandFailed {
        /// The program.
        program: String,
        /// Exit code or signal.
        how: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// The program took too long; it and its children were killed.
    #[error("{program} did not end within {} and was stopped{}", show_duration(*.after), quoted(.stderr))]
    CommandSlow {
        /// The program.
        program: String,
        /// How long it may take.
        after: Duration,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// A program or server sent more than an answer can be.
    #[error("its answer is longer than {limit} bytes")]
    TooLong {
        /// The most that is read.
        limit: usize,
    },
    /// There is no way to the address.
    #[error("cannot reach it: {0}")]
    Unreachable(String),
    /// The address took too long.
    #[error("it did not answer within {}", show_duration(*.0))]
    Slow(Duration),
    /// The address answered with something other than 200.
    #[error("it answered {status}{}: {advice}", bracketed(.body))]
    Status {
        /// Number and words.
        status: String,
        /// What may help.
        advice: &'static str,
        /// The beginning of the body.
        body: String,
    },
    /// What came is of no use.
    #[error("{0}")]
    Answer(#[from] SignAnswerError),
}

impl SignError {
    /// The same in Chinese. What others said (a page, a script, the system) stays in its own words.
    pub fn zh(&self) -> String {
        match self {
            Self::NoPage {
                group,
                function,
                why,
            } => {
                format!("组 {group} 中没有页面提供函数 {function}：标签页是否已打开并连接？（{why}）")
            }
            Self::PageGone(why) => format!("页面在签名时离开（{why}）：请重新打开标签页"),
            Self::PageThrew(message) => format!("页面函数抛出异常：{message}"),
            Self::PageSlow { after, cause } => {
                format!("页面在 {} 内没有回答{}", show_duration(*after), bracketed(cause))
            }
            Self::PageCall(why) => format!("调用页面函数失败：{why}"),
            Self::TooMany { limit } => format!("签名器超过 {limit} 个；请去掉不需要的"),
            Self::NoScripts => {
                "此版本不含脚本签名器：请启用 cargo feature `full` 构建，或用 command: 调用 JavaScript 引擎"
                    .to_owned()
            }
            Self::ScriptUnread { file, why } => format!("无法读取 {}：{why}", file.display()),
            Self::Script {
                file,
                function,
                fault,
            } => format!("{}#{function}：{}", file.display(), fault.zh()),
            Self::ScriptProcess {
                file,
                function,
                how,
                stderr,
            } => format!("{}#{function}：运行脚本的进程 {how}{}", file.display(), quoted(stderr)),
            Self::CommandUnstarted { program, why } => format!("无法启动 {program}：{why}"),
            Self::CommandFailed {
                program,
                how,
                stderr,
            } => format!("{program} {how}{}", quoted(stderr)),
            Self::CommandSlow {
                program,
                after,
                stderr,
            } => format!("{program} 在 {} 内没有结束，已被终止{}", show_duration(*after), quoted(stderr)),
            Self::TooLong { limit } => format!("回答超过 {limit} 字节"),
            Self::Unreachable(why) => format!("无法连接：{why}"),
            Self::Slow(after) => format!("在 {} 内没有回答", show_duration(*after)),
            Self::Status { status, body, .. } => format!("回答状态为 {status}{}", bracketed(body)),
            Self::Answer(error) => error.zh(),
        }
    }
}

/// The beginning of a text that somebody else wrote, of so many characters.
pub(crate) fn excerpt(text: &str, chars: usize) -> String {
    let mut cut: String = text.chars().take(chars).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// ` (text)`, or nothing.
fn bracketed(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(" ({text})"),
    }
}

/// What a process wrote to standard error, on lines of its own.
fn quoted(stderr: &str) -> String {
    match stderr.trim_end() {
        "" => String::new(),
        text => format!("; it wrote:\n    {}", text.replace('\n', "\n    ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_shown_up_to_a_limit() {
        let whole = "价".repeat(WORDS_CHARS_MAX);
        assert_eq!(excerpt(&whole, WORDS_CHARS_MAX), whole);
        assert_eq!(
            excerpt(&format!("{whole}价"), WORDS_CHARS_MAX),
            format!("{whole}…")
        );
    }
}
