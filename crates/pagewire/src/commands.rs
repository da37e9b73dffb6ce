//! Commands that talk to a running hub, `connect` and `config`.

pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod pages;
pub(crate) mod publish;
pub(crate) mod send;
pub(crate) mod tail;
