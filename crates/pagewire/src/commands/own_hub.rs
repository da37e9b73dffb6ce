//! A hub in the process of a command that needs one.

use std::net::SocketAddr;

use pagewire_hub::Hub;
use pagewire_server::{BindError, Server, ServerOptions, Token};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::exit::{CONFIGURATION, FAILED, Failed};
use crate::serve::{HUB_DEFAULT, reachable};
use crate::settings::Settings;
use crate::{nofile, version};

/// What is done where the usual port is taken, and no other one was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortTaken {
    /// The command fails: whoever has it is asked for nothing.
    Fail,
    /// A free port is taken.
    AnyPort,
}

/// A hub that lives as long as a command.
pub(crate) struct OwnHub {
    pub(crate) hub: Hub,
    /// Where it is reached.
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl OwnHub {
    /// Begins to listen. `tokens` are those that the command makes for itself.
    pub(crate) async fn start(
        settings: &Settings,
        tokens: Vec<Token>,
        taken: PortTaken,
    ) -> Result<Self, Failed> {
        if let Some(address) = settings.open_address_without_token() {
            let why = BindError::NeedsToken(address).to_string();
            return Err(Failed::new(CONFIGURATION, why));
        }
        let open_files_max = nofile::raise();
        let options = settings.server_options(tokens);
        let options = ServerOptions {
            commit: version::commit().map(str::to_owned),
            connections_max: nofile::fit(options.connections_max, open_files_max),
            open_files_max,
            ..options
        };
        let hub = Hub::new(settings.hub_options());
        let elsewhere = (taken == PortTaken::AnyPort && settings.listens_where_everybody_looks())
            .then(|| ServerOptions {
                listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
                ..options.clone()
            });
        let server = match (Server::bind(hub.clone(), options).await, elsewhere) {
            (Err(BindError::Io { .. }), Some(options)) => Server::bind(hub.clone(), options).await,
            (bound, _) => bound,
        };
        let server = server.map_err(|error| Failed::new(FAILED, error.to_string()))?;
        let address = server.addresses().first().copied().unwrap_or(HUB_DEFAULT);
        let (stop, stopped) = oneshot::channel::<()>();
        let grace = settings.grace();
        let task = tokio::spawn(async move {
            // A dropped sender means stop as well.
            server.run(async { drop(stopped.await) }, grace).await;
        });
        Ok(Self {
            hub,
            url: format!("http://{}", reachable(address)),
            stop,
            task,
        })
    }

    /// Says goodbye to pages and programs.
    pub(crate) async fn close(self) {
        drop(self.stop);
        // It does not panic; if it did, there is nobody here to tell.
        let _ = self.task.await;
    }
}
