//! Pages of the hub on the browser's side: who a context is, and its link while it has one.

use std::sync::Arc;

use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{ContextId, FrameId, SessionId, TargetId};
use pagewire_hub::CarrierError;
use pagewire_rpc::{Input, PageId};
use tokio::sync::mpsc;

use super::carrier::Outbox;
use super::links::Lane;

/// What stays the same over navigations: a target's main frame or worker, or a frame inside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    pub(super) target: TargetId,
    /// `None`: the target itself.
    pub(super) frame: Option<FrameId>,
}

/// Who a page is, over all its documents.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) page: PageId,
    /// Of its last document.
    pub(super) epoch: u64,
}

/// The link of one document.
#[derive(Debug)]
pub(super) struct OpenLink {
    pub(super) page: PageId,
    pub(super) session: SessionId,
    pub(super) context: ContextId,
    pub(super) inputs: mpsc::Sender<Result<Input, CarrierError>>,
    pub(super) outbox: Arc<Outbox>,
    /// Messages beside those of the page link that wait for an evaluation.
    pub(super) controls: Vec<String>,
    /// Calls of tools under way.
    pub(super) tool_calls: usize,
    /// Evaluations that the browser has not answered.
    pub(super) under_way: UnderWay,
    pub(super) kind: TargetKind,
    pub(super) epoch: u64,
    pub(super) greeting: Greeting,
}

/// How far a link has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// The page was told who it is.
    Opened,
    /// It said hello, so that notes may follow.
    Hello,
    /// The hub answered.
    Welcome,
}

/// Evaluations that the browser has not answered, of each lane.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    pub(super) messages: usize,
    pub(super) frames: usize,
}

impl UnderWay {
    pub(super) fn all(&self) -> usize {
        self.messages + self.frames
    }

    pub(super) fn of(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Messages => &mut self.messages,
            Lane::Frames => &mut self.frames,
        }
    }
}
