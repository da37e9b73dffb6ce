//! Pages of a real browser that are attached through DevTools, in this process.

use std::path::Path;

use pagewire_browser::{
    AttachOptions, Browser, Detached, HubPort, LaunchOptions, Report, Transport, attach,
};
use pagewire_rpc::{GroupName, PageId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{TestHub, soon};

/// Reports that wait for the test; one more is left out.
const REPORTS_MAX: usize = 8_192;

/// A browser whose pages are pages of a hub. It ends when this is dropped.
#[derive(Debug)]
pub struct Attached {
    /// The hub.
    pub hub: TestHub,
    /// What attaching tells.
    pub reports: mpsc::Receiver<Report>,
    /// The browser, where it is this one's own.
    pub browser: Option<Browser>,
    task: JoinHandle<Detached>,
}

impl Attached {
    /// A headless Chromium and a hub with default limits. `adjust` says what is wanted, above all [`AttachOptions::pages`].
    pub async fn start(chromium: &Path, adjust: impl FnOnce(&mut AttachOptions)) -> Self {
        Self::start_with(LaunchOptions::new(chromium), TestHub::start().await, adjust)
    }

    /// A browser launched in this way, and this hub.
    pub fn start_with(
        launch: LaunchOptions,
        hub: TestHub,
        adjust: impl FnOnce(&mut AttachOptions),
    ) -> Self {
        let (browser, transport) = Browser::launch(&launch).expect("Chromium starts");
        let mut attached = Self::over(transport, hub, adjust);
        attached.browser = Some(browser);
        attached
    }

    /// A browser that this connection goes to.
    pub fn over(
        transport: Transport,
        hub: TestHub,
        adjust: impl FnOnce(&mut AttachOptions),
    ) -> Self {
        let (sender, reports) = mpsc::channel(REPORTS_MAX);
        let group = GroupName::new("page").expect("a name");
        let mut options = AttachOptions::new(group, &hub.http_url());
        adjust(&mut options);
        let port = HubPort::Local(hub.hub.clone());
        let task = tokio::spawn(attach(transport, port, options, sender));
        Self {
            hub,
            reports,
            browser: None,
            task,
        }
    }

    /// Waits for the next page that is attached, and gives its id.
    pub async fn page(&mut self) -> PageId {
        self.report("a page", |report| {
            let Report::PageAttached { page, .. } = report else {
                return None;
            };
            Some(page)
        })
        .await
    }

    /// Waits for a report that `pick` takes; those before it are passed over.
    pub async fn report<T>(&mut self, what: &str, mut pick: impl FnMut(Report) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let report = self.reports.recv().await;
                if let Some(picked) = pick(report.expect("attach goes on")) {
                    return picked;
                }
            }
        })
        .await
    }

    /// Waits until attaching ends by itself, as when the browser is gone.
    pub async fn detached(&mut self) -> Detached {
        soon("the end of attaching", &mut self.task)
            .await
            .expect("attach does not panic")
    }

    /// Closes the browser, if it is this one's own, and waits for the end.
    pub async fn close(mut self) {
        if let Some(browser) = self.browser.take() {
            soon("the end of the browser", browser.close()).await;
        } else {
            self.task.abort();
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.task.abort();
    }
}
