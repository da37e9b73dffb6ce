//! Why what a signer gave does not do, in English and in Chinese.

use std::fmt;

/// Why what a signer gave does not do: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignAnswerError {
    /// The member, such as `headers.Cookie`; empty for the answer itself.
    pub path: String,
    /// What is wrong there.
    pub fault: SignAnswerFault,
}

/// What is wrong with an answer, or with a member of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignAnswerFault {
    /// Neither a text nor JSON: why.
    NotJson(String),
    /// Of a type that it cannot have.
    Type {
        /// What it is.
        got: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Nothing is in it.
    Empty,
    /// Over a limit.
    TooLong {
        /// Bytes of it.
        got: usize,
        /// The most there may be.
        max: usize,
    },
    /// Too many members.
    TooMany {
        /// Members of it.
        got: usize,
        /// The most there may be.
        max: usize,
    },
    /// A signature and an address.
    Both,
    /// Neither of them, but these members.
    Nothing(String),
    /// The signer says that it failed.
    Failed(String),
    /// It has characters that no signature has.
    NoSignature,
    /// It is no address of a WebSocket.
    NoAddress,
    /// It is no name of a header.
    HeaderName,
    /// No header has such a value.
    HeaderValue,
    /// A header that the handshake sets itself, or must not have.
    OfHandshake,
}

impl SignAnswerError {
    /// Of a member.
    pub fn at(path: &str, fault: SignAnswerFault) -> Self {
        let path = path.to_owned();
        Self { path, fault }
    }

    pub(super) fn whole(fault: SignAnswerFault) -> Self {
        Self::at("", fault)
    }

    /// In Chinese. What others say stays in its own words.
    pub fn zh(&self) -> String {
        let Self { path, fault } = self;
        let place = match path.as_str() {
            "" => "签名器的回答".to_owned(),
            path => format!("签名器回答中的 {path:?} "),
        };
        let what = match fault {
            SignAnswerFault::NotJson(why) => format!("不是 JSON：{why}"),
            SignAnswerFault::Type { wanted, .. } => format!("类型错误，应为 {wanted}"),
            SignAnswerFault::Empty => "为空".into(),
            SignAnswerFault::TooLong { got, max } => format!("有 {got} 字节，超过 {max}"),
            SignAnswerFault::TooMany { got, max } => format!("有 {got} 项，超过 {max}"),
            SignAnswerFault::Both => "同时含有 signature 和 url，只能给出其中之一".into(),
            SignAnswerFault::Nothing(has) => format!("既没有 signature 也没有 url，只有 {has}"),
            SignAnswerFault::Failed(said) => format!("是一个错误：{said}"),
            SignAnswerFault::NoSignature => "含有签名中不会出现的字符".into(),
            SignAnswerFault::NoAddress => "不是 WebSocket 地址（wss:// 或 ws://）".into(),
            SignAnswerFault::HeaderName => "不是合法的请求头名称".into(),
            SignAnswerFault::HeaderValue => "的值含有控制字符".into(),
            SignAnswerFault::OfHandshake => "会破坏握手，不能指定".into(),
        };
        format!("{place}{what}")
    }
}

impl std::error::Error for SignAnswerError {}

impl fmt::Display for SignAnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, fault } = self;
        match path.as_str() {
            "" => write!(f, "the signer's answer {fault}"),
            path => write!(f, "the member {path:?} of the signer's answer {fault}"),
        }
    }
}

impl fmt::Display for SignAnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(why) => write!(f, "is no JSON: {why}"),
            Self::Type { got, wanted } => write!(f, "is {got}, and should be {wanted}"),
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { got, max } => write!(f, "has {got} bytes, more than {max}"),
            Self::TooMany { got, max } => write!(f, "has {got} members, more than {max}"),
            Self::Both => f.write_str("has both a signature and a url; give one of them"),
            Self::Nothing(has) => write!(f, "has neither \"signature\" nor \"url\", but {has}"),
            Self::Failed(said) => write!(f, "is an error: {said}"),
            Self::NoSignature => f.write_str(
                "has characters that no signature has; give it alone, without other words",
            ),
            Self::NoAddress => f.write_str(
                "is not the address of a WebSocket: it has to begin with wss:// or ws://, and to have no white space",
            ),
            Self::HeaderName => f.write_str("is no name of a header"),
            Self::HeaderValue => f.write_str("holds control characters, which no header may have"),
            Self::OfHandshake => f.write_str(
                "would break the handshake, which sets it itself or must not have it; leave it out",
            ),
        }
    }
}
