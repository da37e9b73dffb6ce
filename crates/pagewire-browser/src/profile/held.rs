//! A profile that is in use by us, and what is left of those whose Pagewire was killed.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Profile, ProfileError, ProfileUser};
use crate::find::data_folders;

/// What the names of throw-away profiles begin with.
const PREFIX: &str = "pagewire-profile-";
/// Locked in each profile for as long as its Pagewire lives; the system frees it even after `kill -9`.
const LOCK: &str = "pagewire.lock";

/// A profile that is ours until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    /// Deletes a throw-away folder. Comes before the lock, so that no sweep runs into the deleting.
    throw_away: Option<TempDir>,
    _lock: File,
}

impl Held {
    /// Makes or takes the folder.
    pub(crate) fn new(profile: &Profile) -> Result<Self, ProfileError> {
        match profile {
            Profile::ThrowAway => Self::throw_away(&env::temp_dir()),
            Profile::Named(folder) => Self::named(folder),
        }
    }

    fn throw_away(below: &Path) -> Result<Self, ProfileError> {
        let refused = |error| ProfileError::Folder {
            folder: below.to_owned(),
            error,
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        builder.permissions(of_this_user_alone());
        let folder = builder.tempdir_in(below).map_err(refused)?;
        // A sweep takes a folder whose lock is free. So the file gets its name when it is locked already.
        let (unnamed, named) = (folder.path().join("pagewire.new"), folder.path().join(LOCK));
        let lock = File::create_new(&unnamed).map_err(refused)?;
        lock.try_lock()
            .map_err(|error| refused(error.into()))
            .and_then(|()| fs::rename(&unnamed, &named).map_err(refused))?;
        Ok(Self {
            path: folder.path().to_owned(),
            throw_away: Some(folder),
            _lock: lock,
        })
    }

    fn named(folder: &Path) -> Result<Self, ProfileError> {
        let refused = |error| ProfileError::Folder {
            folder: folder.to_owned(),
            error,
        };
        let in_use = |user| ProfileError::InUse {
            folder: folder.to_owned(),
            user,
        };
        fs::create_dir_all(folder).map_err(refused)?;
        // Chromium wants an absolute path, and compares them.
        let path = folder.canonicalize().map_err(refused)?;
        let is_browsers_own = |own: PathBuf| own.canonicalize().is_ok_and(|own| own == path);
        if data_folders().into_iter().any(is_browsers_own) {
            return Err(ProfileError::BrowsersOwn { folder: path });
        }
        fs::set_permissions(&path, of_this_user_alone()).map_err(refused)?;
        let mut open = File::options();
        let lock = open.create(true).truncate(false).write(true);
        let lock = lock.open(path.join(LOCK)).map_err(refused)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => in_use(ProfileUser::Pagewire),
            TryLockError::Error(error) => refused(error),
        })?;
        if let Some(user) = browser_in(&path) {
            return Err(in_use(user));
        }
        Ok(Self {
            path,
            throw_away: None,
            _lock: lock,
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes a throw-away folder; a named one stays.
    pub(crate) fn close(self) -> io::Result<()> {
        self.throw_away.map_or(Ok(()), TempDir::close)
    }
}

fn of_this_user_alone() -> fs::Permissions {
    fs::Permissions::from_mode(0o700)
}

/// The browser that runs on a profile, by the marks that Chromium leaves in it: `SingletonLock` points to `HOST-PID`, `SingletonSocket` to a socket on which it
/// listens. A mark of this machine without a listener is left over, and Chromium takes it over by itself; one of another machine it does not.
fn browser_in(profile: &Path) -> Option<ProfileUser> {
    let lock = profile.join("SingletonLock");
    let target = fs::read_link(&lock).ok()?;
    // The path in the mark is short; that of the mark may be longer than an address of a socket.
    let socket = fs::read_link(profile.join("SingletonSocket"));
    if socket.is_ok_and(|socket| UnixStream::connect(socket).is_ok()) {
        return Some(ProfileUser::Browser);
    }
    let target = target.to_string_lossy();
    let (host, _pid) = target.rsplit_once('-')?;
    if host.as_bytes() == rustix::system::uname().nodename().to_bytes() {
        return None;
    }
    Some(ProfileUser::Elsewhere {
        host: host.to_owned(),
        lock,
    })
}

/// Deletes throw-away profiles of this user whose Pagewire is gone, and says how many. A folder counts only when it is named like ours, is a real folder of this
/// user that nobody else can write to, holds our lock file, that lock is free, and no browser is still ending in it.
pub(crate) fn sweep() -> usize {
    sweep_in(&env::temp_dir())
}

fn sweep_in(below: &Path) -> usize {
    let Ok(entries) = fs::read_dir(below) else {
        return 0;
    };
    let ours = entries.flatten().filter(|entry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
    });
    ours.filter(|entry| sweep_one(&entry.path()).is_some())
        .count()
}

/// `None` where it is not to be deleted, or cannot be.
fn sweep_one(folder: &Path) -> Option<()> {
    if !is_private(folder) {
        return None;
    }
    let lock = folder.join(LOCK);
    if !lock.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let lock = File::options().write(true).open(lock).ok()?;
    lock.try_lock().ok()?;
    if browser_in(folder).is_some() {
        return None;
    }
    let deleted = fs::remove_dir_all(folder);
    tracing::debug!(folder = %folder.display(), ?deleted, "swept a left-over profile");
    deleted.ok()
}

/// True for a folder, no link to one, that belongs to this user and that nobody else can write to: so nobody can have put links into it.
fn is_private(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o077 == 0
    })
}
