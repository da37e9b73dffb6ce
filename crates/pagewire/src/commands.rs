//! Commands that talk to a running hub, and `config`.

pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod pages;
pub(crate) mod publish;
pub(crate) mod send;
pub(crate) mod tail;
