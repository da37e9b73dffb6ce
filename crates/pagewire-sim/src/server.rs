//! A running simulator.

mod held;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Router, serve};
use pagewire_live::Site;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::held::HeldListener;
use crate::account::{Counters, Manifest};
use crate::fault::{Fault, FaultError};
use crate::load::{Loads, digits};
use crate::options::{Options, OptionsError};
use crate::room::Room;
use crate::signature::{sign, signed_text, stub};
use crate::site::Shared;
use crate::{access, control, lookup, page, push};

/// A running site with its rooms. It ends when this is dropped; [`Sim::shut_down`] ends it with a goodbye.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// Why there is no simulator, or not what is asked of it.
#[derive(Debug, Error)]
pub enum SimError {
    /// What is asked for cannot be served.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The port cannot be opened.
    #[error("cannot open port {port} of 127.0.0.1: {error}; port 0 is a free one")]
    Port {
        /// As asked for.
        port: u16,
        /// What the system says.
        error: std::io::Error,
    },
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] pagewire_journal::Error),
    /// A journal does not say whose frames it has.
    #[error(
        "the journal {} does not say of which site its frames are, so nothing can serve them; `pagewire watch --journal` writes journals that say it",
        .0.display()
    )]
    NoSite(PathBuf),
    /// A room that is not there.
    #[error("there is no room {0:?}")]
    NoRoom(String),
    /// A fault that the room cannot have.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl Sim {
    /// Opens the port and lets the rooms begin.
    ///
    /// # Errors
    ///
    /// Options that cannot be, a journal that cannot be read, and a port that cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future opens nothing, or closes it again.
    pub async fn start(options: Options) -> Result<Self, SimError> {
        options.check()?;
        let port = options.port;
        let failed = |error| SimError::Port { port, error };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            rooms: rooms(&options)?,
            address,
            loads: Loads::new(digits()),
            shut_down: CancellationToken::new(),
            tasks: TaskTracker::new(),
            options,
        });
        for room in shared.rooms.clone() {
            let shut_down = shared.shut_down.clone();
            shared
                .tasks
                .spawn(async move { shut_down.run_until_cancelled(room.run()).await });
        }
        let listener = HeldListener::new(listener, shared.options.connections);
        let app = router(&shared);
        let server = tokio::spawn(async move {
            // It ends by being aborted.
            let _ = serve(listener, app).await;
        });
        Ok(Self { shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The address of a room for people: its page, or at sites without one the push server.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn room_url(&self, room: &str) -> Result<String, SimError> {
        let room = self.room(room)?;
        Ok(match room.options.site {
            Site::Douyin => format!("http://{}/live/{}", self.address(), room.options.name),
            Site::Huya | Site::Bilibili | Site::Douyu | Site::Tiktok => self.push_server(room),
        })
    }

    /// The whole address of a push server: at Douyin with all parameters and a signature, as a page would open it. Others hear from the client which
    /// room it wants: see [`Sim::asked_for`].
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn push_url(&self, room: &str) -> Result<String, SimError> {
        let room = self.room(room)?;
        let server = self.push_server(room);
        if room.options.site != Site::Douyin {
            return Ok(server);
        }
        let (id, visitor) = (room.id.to_string(), digits());
        let own = [
            ("version_code", "180800"),
            ("webcast_sdk_version", "1.0.15"),
            ("room_id", &id),
            ("user_unique_id", &visitor),
        ];
        let of = |name: &str| {
            own.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let signature = sign(self.secret(), &stub(&signed_text(of)));
        let query = own.map(|(name, value)| format!("{name}={value}")).join("&");
        Ok(format!(
            "{server}?aid=6383&live_id=1&did_rule=3&device_platform=web&identity=audience&compress=gzip&cursor=&internal_ext=&{query}&signature={signature}"
        ))
    }

    fn push_server(&self, room: &Room) -> String {
        let path = match room.options.site {
            Site::Douyin | Site::Tiktok => "/webcast/im/push/v2/",
            Site::Huya => "/huya",
            Site::Bilibili => "/bilibili/sub",
            Site::Douyu => "/douyu",
        };
        format!("ws://{}{path}", self.address())
    }

    /// The number by which clients ask a push server for the room: the uid of the presenter at Huya, else the id of the broadcast.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn asked_for(&self, room: &str) -> Result<u64, SimError> {
        Ok(self.room(room)?.asked_for())
    }

    /// The token that Bilibili's push server wants for the room, as `getDanmuInfo` gives it.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn token(&self, room: &str) -> Result<String, SimError> {
        Ok(self.shared.token(self.room(room)?))
    }

    /// The secret of programs that sign by themselves, with [`sign`]. Each page has its own.
    pub fn secret(&self) -> &str {
        self.shared.loads.own()
    }

    /// What a room has sent so far.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn manifest(&self, room: &str) -> Result<Manifest, SimError> {
        Ok(self.room(room)?.manifest())
    }

    /// What happened on the connections of a room.
    ///
    /// # Errors
    ///
    /// There is no such room.
    pub fn counters(&self, room: &str) -> Result<Counters, SimError> {
        Ok(self.room(room)?.counters())
    }

    /// Lets something go wrong in a room.
    ///
    /// # Errors
    ///
    /// There is no such room, or it cannot have the fault.
    pub fn fault(&self, room: &str, fault: Fault) -> Result<(), SimError> {
        Ok(self.room(room)?.fault(fault)?)
    }

    /// Names of all rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.shared.rooms.iter().map(|room| &*room.options.name)
    }

    /// Closes all sockets with code 1001 and ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends it without waiting for goodbyes.
    pub async fn shut_down(self) {
        self.server.abort();
        self.shared.shut_down.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    fn room(&self, name: &str) -> Result<&Arc<Room>, SimError> {
        let room = self.shared.by_name(name);
        room.ok_or_else(|| SimError::NoRoom(name.to_owned()))
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.shut_down.cancel();
    }
}

fn rooms(options: &Options) -> Result<Vec<Arc<Room>>, SimError> {
    let mut rooms = Vec::<Arc<Room>>::new();
    for of_room in &options.rooms {
        let room = Room::new(of_room.clone(), options.backlog_bytes)?;
        let (site, id) = (room.options.site, room.asked_for());
        let is_same = |other: &&Arc<Room>| other.options.site == site && other.asked_for() == id;
        if let Some(other) = rooms.iter().find(is_same) {
            return Err(SimError::Options(OptionsError::SameRoom {
                site: site.name(),
                id,
                first: other.options.name.clone(),
                second: of_room.name.clone(),
            }));
        }
        rooms.push(Arc::new(room));
    }
    Ok(rooms)
}

fn router(shared: &Arc<Shared>) -> Router {
    let control = Router::new()
        .route("/sim/rooms", get(control::rooms))
        .route("/sim/rooms/{room}", get(control::room))
        .route("/sim/rooms/{room}/manifest", get(control::manifest))
        .route(
            "/sim/rooms/{room}/faults",
            get(control::faults).post(control::add_faults),
        )
        .route("/sim/sign", post(control::signed))
        .layer(DefaultBodyLimit::max(control::BODY_BYTES_MAX))
        .layer(from_fn_with_state(shared.clone(), access::control));
    Router::new()
        .route("/", get(page::home))
        .route("/login", get(page::login))
        .route("/live/{room}", get(page::page))
        .route("/live/{room}/room.js", get(page::script))
        .route("/assets/room.css", get(page::style))
        .route("/webcast/room/web/enter/", get(lookup::enter))
        .route("/webcast/im/fetch/", get(push::fetch))
        .route("/webcast/im/push/v2/", get(push::douyin))
        .route("/huya", get(push::huya))
        .route("/bilibili/sub", get(push::bilibili))
        .route(
            "/bilibili/xlive/web-room/v1/index/getDanmuInfo",
            get(lookup::danmu_info),
        )
        .route("/douyu", get(push::douyu))
        .merge(control)
        .layer(from_fn_with_state(shared.clone(), access::host))
        .with_state(shared.clone())
}
