//! A profile that is in use by us, and what is left of those whose Pagewire was killed.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Profile, ProfileError, ProfileUser};
use crate::find::data_folders;

/// What the names of throw-away profiles begin with.
const PREFIX: &str = "pagewire-profile-";
/// Locked in each profile for as long as its Pagewire lives; the system frees it even after `kill -9`.
const LOCK: &str = "pagewire.lock";
/// A folder without a lock for so long is none that is being made: a browser that was still ending when it was deleted made it again.
const LOCKLESS_AGE: Duration = Duration::from_secs(60 * 60);
/// What Chromium has of a throw-away folder.
const DATA: &str = "data";

/// A profile that is ours until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    /// The folder to delete.
    throw_away: Option<PathBuf>,
    _lock: File,
}

impl Held {
    /// Makes or takes the folder.
    pub(crate) fn new(profile: &Profile) -> Result<Self, ProfileError> {
        match profile {
            Profile::ThrowAway => Self::throw_away(&env::temp_dir()),
            Profile::Named(folder) => Self::named(folder, &data_folders()),
        }
    }

    fn throw_away(below: &Path) -> Result<Self, ProfileError> {
        let refused = |error| ProfileError::Folder {
            folder: below.to_owned(),
            error,
        };
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(of_this_user_alone())
            .tempdir_in(below)
            .map_err(refused)?;
        // A sweep takes a folder whose lock is free. So the file gets its name when it is locked already.
        let unnamed = folder.path().join("pagewire.new");
        let lock = File::create_new(&unnamed).map_err(refused)?;
        lock.try_lock().map_err(|error| refused(error.into()))?;
        fs::rename(&unnamed, folder.path().join(LOCK)).map_err(refused)?;
        let path = folder.path().join(DATA);
        fs::create_dir(&path).map_err(refused)?;
        Ok(Self {
            path,
            throw_away: Some(folder.keep()),
            _lock: lock,
        })
    }

    fn named(folder: &Path, browsers_own: &[PathBuf]) -> Result<Self, ProfileError> {
        let refused = |error| ProfileError::Folder {
            folder: folder.to_owned(),
            error,
        };
        fs::create_dir_all(folder).map_err(refused)?;
        // Chromium wants an absolute path.
        let path = folder.canonicalize().map_err(refused)?;
        let is_this = |own: &PathBuf| own.canonicalize().is_ok_and(|own| own == path);
        if browsers_own.iter().any(is_this) {
            return Err(ProfileError::BrowsersOwn { folder: path });
        }
        fs::set_permissions(&path, of_this_user_alone()).map_err(refused)?;
        let in_use = |user| ProfileError::InUse {
            folder: folder.to_owned(),
            user,
        };
        let mut options = File::options();
        let lock = options.create(true).truncate(false).write(true);
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

    /// The folder for Chromium.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes a throw-away folder, as dropping does; a named one stays.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.delete()
    }

    fn delete(&mut self) -> io::Result<()> {
        self.throw_away
            .take()
            .map_or(Ok(()), |folder| delete(&folder))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Err(error) = self.delete() {
            // A process that is still ending wrote to it. The next launch sweeps it.
            tracing::debug!(%error, "the browser's profile is not deleted yet");
        }
    }
}

/// Deletes a throw-away profile, the lock last: what cannot be deleted now stays for a sweep.
fn delete(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder.join(DATA)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => fs::remove_dir_all(folder),
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
/// user that nobody else can write to, its lock is free (or it has none any more and was not touched for an hour), and no browser is still ending in it.
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
    // Freed when this is done.
    let _lock = match lock.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {
            let lock = File::options().write(true).open(lock).ok()?;
            lock.try_lock().ok()?;
            Some(lock)
        }
        Ok(_) => return None,
        Err(_) if is_untouched(folder) => None,
        Err(_) => return None,
    };
    if browser_in(&folder.join(DATA)).is_some() {
        return None;
    }
    let deleted = delete(folder);
    tracing::debug!(folder = %folder.display(), ?deleted, "swept a left-over profile");
    deleted.ok()
}

fn is_untouched(folder: &Path) -> bool {
    let touched = folder.metadata().and_then(|metadata| metadata.modified());
    let age = touched.map(|touched| touched.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > LOCKLESS_AGE)
}

/// True for a folder, no link to one, that belongs to this user and that nobody else can write to: so nobody can have put links into it.
fn is_private(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o077 == 0
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    /// What a Pagewire leaves behind that is killed.
    fn left_over(below: &Path, name: &str) -> PathBuf {
        let folder = below.join(name);
        fs::create_dir_all(folder.join(DATA).join("Default")).unwrap();
        fs::write(folder.join(DATA).join("Default").join("Cookies"), "secret").unwrap();
        fs::write(folder.join(LOCK), "").unwrap();
        fs::set_permissions(&folder, of_this_user_alone()).unwrap();
        folder
    }

    /// The marks of a browser that runs on a profile.
    fn mark(profile: &Path, host: &str, socket: &Path) {
        symlink(format!("{host}-4711"), profile.join("SingletonLock")).unwrap();
        symlink(socket, profile.join("SingletonSocket")).unwrap();
    }

    fn this_host() -> String {
        let name = rustix::system::uname();
        name.nodename().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_throw_away_profile_is_of_this_user_alone_and_goes_when_it_is_dropped() {
        let below = tempfile::tempdir().unwrap();
        let held = Held::throw_away(below.path()).unwrap();
        let folder = held.path().parent().unwrap().to_owned();
        assert_eq!(folder.parent().unwrap(), below.path());
        assert_eq!(mode(&folder), 0o700);
        fs::write(held.path().join("Cookies"), "secret").unwrap();
        assert_eq!(sweep_in(below.path()), 0, "it is in use");
        assert!(held.path().join("Cookies").exists());
        drop(held);
        assert!(!folder.exists());
        let held = Held::throw_away(below.path()).unwrap();
        let folder = held.path().parent().unwrap().to_owned();
        held.close().unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn a_sweep_takes_left_over_profiles_and_nothing_else() {
        let below = tempfile::tempdir().unwrap();
        let below = below.path();
        let (first, second) = (
            left_over(below, "pagewire-profile-1"),
            left_over(below, "pagewire-profile-2"),
        );
        let elsewhere = tempfile::tempdir().unwrap();
        let target = left_over(elsewhere.path(), "pagewire-profile-0");
        let link = below.join("pagewire-profile-link");
        symlink(&target, &link).unwrap();
        let other_name = left_over(below, "pagewire-other");
        let without_lock = left_over(below, "pagewire-profile-3");
        fs::remove_file(without_lock.join(LOCK)).unwrap();
        let long_without_lock = left_over(below, "pagewire-profile-9");
        fs::remove_file(long_without_lock.join(LOCK)).unwrap();
        let before = std::time::SystemTime::now() - LOCKLESS_AGE - Duration::from_secs(1);
        File::open(&long_without_lock)
            .unwrap()
            .set_modified(before)
            .unwrap();
        let lock_is_a_link = left_over(below, "pagewire-profile-4");
        fs::remove_file(lock_is_a_link.join(LOCK)).unwrap();
        symlink(target.join(LOCK), lock_is_a_link.join(LOCK)).unwrap();
        let others_may_write = left_over(below, "pagewire-profile-5");
        fs::set_permissions(&others_may_write, fs::Permissions::from_mode(0o770)).unwrap();
        let browser_is_ending = left_over(below, "pagewire-profile-6");
        let socket = below.join("socket");
        let _browser = UnixListener::bind(&socket).unwrap();
        mark(&browser_is_ending.join(DATA), &this_host(), &socket);
        let of_somebody_else = left_over(below, "pagewire-profile-7");
        let nobody = Some(rustix::process::Uid::from_raw(65_534));
        // Only root can give a folder away.
        let given = rustix::fs::chown(&of_somebody_else, nobody, None).is_ok();
        let inside = below.join("pagewire-profile-8");
        fs::write(&inside, "a file").unwrap();

        assert_eq!(sweep_in(below), if given { 3 } else { 4 });
        assert!(!first.exists() && !second.exists() && !long_without_lock.exists());
        assert_eq!(of_somebody_else.exists(), given);
        for stays in [
            &target,
            &link,
            &other_name,
            &without_lock,
            &lock_is_a_link,
            &others_may_write,
            &browser_is_ending,
            &inside,
        ] {
            assert!(stays.exists(), "{}", stays.display());
        }
        assert!(target.join(DATA).join("Default").join("Cookies").exists());
    }

    #[test]
    fn a_link_in_a_left_over_profile_is_deleted_and_not_followed() {
        let below = tempfile::tempdir().unwrap();
        let mine = tempfile::tempdir().unwrap();
        fs::write(mine.path().join("letter"), "mine").unwrap();
        let folder = left_over(below.path(), "pagewire-profile-1");
        symlink(mine.path(), folder.join(DATA).join("Downloads")).unwrap();
        assert_eq!(sweep_in(below.path()), 1);
        assert!(!folder.exists());
        assert!(mine.path().join("letter").exists());
    }

    #[test]
    fn a_named_profile_is_made_for_this_user_alone_and_stays() {
        let below = tempfile::tempdir().unwrap();
        let folder = below.path().join("profiles").join("shop");
        let held = Held::named(&folder, &[]).unwrap();
        assert_eq!(mode(held.path()), 0o700);
        fs::write(held.path().join("Cookies"), "kept").unwrap();
        held.close().unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let held = Held::named(&folder, &[]).unwrap();
        assert_eq!(mode(held.path()), 0o700, "one that was there, too");
        assert!(held.path().join("Cookies").exists());
    }

    #[test]
    fn a_profile_in_use_is_refused_and_says_who_has_it() {
        let below = tempfile::tempdir().unwrap();
        let folder = below.path().join("shop");
        let user = || match Held::named(&folder, &[]) {
            Err(ProfileError::InUse { user, .. }) => Some(user),
            Err(error) => unreachable!("{error}"),
            Ok(_) => None,
        };
        let held = Held::named(&folder, &[]).unwrap();
        assert_eq!(user(), Some(ProfileUser::Pagewire));
        drop(held);
        assert_eq!(user(), None, "it is free again");

        let socket = below.path().join("socket");
        let browser = UnixListener::bind(&socket).unwrap();
        mark(&folder, &this_host(), &socket);
        assert_eq!(user(), Some(ProfileUser::Browser));
        drop(browser);
        assert_eq!(
            user(),
            None,
            "marks of a browser that crashed here do no harm"
        );

        let lock = folder.canonicalize().unwrap().join("SingletonLock");
        fs::remove_file(&lock).unwrap();
        symlink("other-box-4711", &lock).unwrap();
        let host = "other-box".to_owned();
        let there = ProfileUser::Elsewhere {
            host,
            lock: lock.clone(),
        };
        assert_eq!(user(), Some(there));
        let words = Held::named(&folder, &[]).unwrap_err().to_string();
        assert!(
            words.contains("a browser of other-box") && words.contains(lock.to_str().unwrap()),
            "{words}"
        );
    }

    #[test]
    fn the_browsers_own_profile_is_refused_with_what_to_do_instead() {
        let below = tempfile::tempdir().unwrap();
        let own = below.path().join("google-chrome");
        fs::create_dir(&own).unwrap();
        let same = below.path().join("link");
        symlink(&own, &same).unwrap();
        for folder in [&own, &same] {
            let error = Held::named(folder, std::slice::from_ref(&own)).unwrap_err();
            assert!(matches!(error, ProfileError::BrowsersOwn { .. }), "{error}");
            assert!(
                error
                    .to_string()
                    .contains("chrome://inspect/#remote-debugging")
            );
        }
        assert!(!own.join(LOCK).exists(), "nothing is left in it");
    }
}
