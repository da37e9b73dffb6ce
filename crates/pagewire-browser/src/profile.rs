//! Folders for what a browser keeps: a throw-away one for each start, or a named one that stays.

#[cfg(unix)]
pub(crate) mod held;

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::find::data_home;

/// Longest name of a profile, in characters.
pub const PROFILE_NAME_CHARS_MAX: usize = 64;

/// Where a browser keeps cookies, log-ins and its cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Profile {
    /// A new folder of this user alone (0700) below the system's temporary folder. It is deleted with the browser, or by the next launch where
    /// Pagewire was killed.
    #[default]
    ThrowAway,
    /// A folder that stays, so that a user logs in once. It is made where it is not there, and given to this user alone (0700).
    Named(PathBuf),
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The operating system refused.
    #[error("cannot use {folder} for the browser's profile: {error}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Two browsers cannot share a profile: the second would hand its page to the first and end.
    #[error(
        "the profile {folder} is in use by {user}; close that one first, or take another profile"
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Who has it.
        user: ProfileUser,
    },
    /// Chromium refuses DevTools on the profile that it starts with by default.
    #[error(
        "{folder} is the browser's own profile, and Chrome 136 and newer allow no debugging there; name another folder and log in there once, \
         or attach to the running browser: switch on chrome://inspect/#remote-debugging in it (Chrome 144 and newer)"
    )]
    BrowsersOwn {
        /// The folder.
        folder: PathBuf,
    },
    /// The name is none that a folder may have.
    #[error(
        "{name:?} is no name for a profile: 1 to {PROFILE_NAME_CHARS_MAX} letters, digits, '_', '-' and '.', and no '.' at its beginning"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// There is nowhere to keep it.
    #[error("there is no home folder to keep profiles in; set HOME, or give the profile as a path")]
    NoHome,
}

/// Who uses a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileUser {
    /// Another Pagewire of this machine.
    Pagewire,
    /// A browser of this machine.
    Browser,
    /// A browser of another machine or container, or one that crashed there. If none runs there any more, deleting the file makes the profile usable.
    Elsewhere {
        /// The machine's name.
        host: String,
        /// Chromium's lock.
        lock: PathBuf,
    },
}

impl fmt::Display for ProfileUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pagewire => f.write_str("another Pagewire"),
            Self::Browser => f.write_str("a browser"),
            Self::Elsewhere { host, lock } => write!(
                f,
                "a browser of {host} (if none runs there any more, delete {})",
                lock.display()
            ),
        }
    }
}

impl ProfileError {
    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Folder { folder, error } => {
                format!("无法使用浏览器配置目录 {}：{error}", folder.display())
            }
            Self::InUse { folder, user } => {
                let user = match user {
                    ProfileUser::Pagewire => "另一个 Pagewire".to_owned(),
                    ProfileUser::Browser => "一个浏览器".to_owned(),
                    ProfileUser::Elsewhere { host, lock } => {
                        format!(
                            "{host} 上的浏览器（若那里已没有浏览器在运行，请删除 {}）",
                            lock.display()
                        )
                    }
                };
                format!(
                    "配置目录 {} 正被{user}使用：请先关闭它，或换一个配置",
                    folder.display()
                )
            }
            Self::BrowsersOwn { folder } => format!(
                "{} 是浏览器自己的默认配置，Chrome 136 起不允许对它调试：请换一个目录并在其中登录一次；或连接正在运行的浏览器：在其中打开 chrome://inspect/#remote-debugging（Chrome 144 起）",
                folder.display()
            ),
            Self::Name { name } => format!(
                "{name:?} 不能作为配置名：只能用 1 到 {PROFILE_NAME_CHARS_MAX} 个字母、数字、“_”、“-”、“.”，且不以“.”开头"
            ),
            Self::NoHome => "没有可存放配置的主目录：请设置 HOME，或直接给出目录".to_owned(),
        }
    }
}

/// Where named profiles live: `pagewire/profiles` below `$XDG_DATA_HOME` (or `~/.local/share`), `~/Library/Application Support` or `%LOCALAPPDATA%`.
pub fn profiles_folder() -> Option<PathBuf> {
    Some(data_home()?.join("pagewire").join("profiles"))
}

/// The profile of this name below [`profiles_folder`].
///
/// # Errors
///
/// When the name is none for a folder, or there is nowhere to keep it.
pub fn named_profile(name: &str) -> Result<Profile, ProfileError> {
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let chars = name.chars().count();
    if chars == 0
        || chars > PROFILE_NAME_CHARS_MAX
        || name.starts_with('.')
        || !name.chars().all(is_fine)
    {
        return Err(ProfileError::Name {
            name: name.to_owned(),
        });
    }
    let folder = profiles_folder().ok_or(ProfileError::NoHome)?;
    Ok(Profile::Named(folder.join(name)))
}
