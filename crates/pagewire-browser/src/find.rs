//! Where browsers of the Chromium family live, and where they keep what they know.

use std::cmp::Reverse;
use std::env;
use std::path::{Path, PathBuf};

/// One browser of the family, on all systems. Paths are written with `/`.
#[derive(Debug)]
struct Kind {
    /// Names on the search path.
    programs: &'static [&'static str],
    /// Below the folders of applications of macOS; empty where there is none.
    app: &'static str,
    /// Below the folders of programs of Windows; empty where there is none.
    exe: &'static str,
    /// Folder of its default user data, below the user's folder for settings, on Linux.
    linux_data: &'static str,
    /// The same on macOS.
    mac_data: &'static str,
    /// The same on Windows.
    windows_data: &'static str,
}

/// The plainest first.
const KINDS: &[Kind] = &[
    Kind {
        programs: &["chromium", "chromium-browser"],
        app: "Chromium.app/Contents/MacOS/Chromium",
        exe: "Chromium/Application/chrome.exe",
        linux_data: "chromium",
        mac_data: "Chromium",
        windows_data: "Chromium/User Data",
    },
    Kind {
        programs: &["google-chrome", "google-chrome-stable", "chrome"],
        app: "Google Chrome.app/Contents/MacOS/Google Chrome",
        exe: "Google/Chrome/Application/chrome.exe",
        linux_data: "google-chrome",
        mac_data: "Google/Chrome",
        windows_data: "Google/Chrome/User Data",
    },
    Kind {
        programs: &["microsoft-edge", "microsoft-edge-stable", "msedge"],
        app: "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        exe: "Microsoft/Edge/Application/msedge.exe",
        linux_data: "microsoft-edge",
        mac_data: "Microsoft Edge",
        windows_data: "Microsoft/Edge/User Data",
    },
    Kind {
        programs: &["brave-browser", "brave"],
        app: "Brave Browser.app/Contents/MacOS/Brave Browser",
        exe: "BraveSoftware/Brave-Browser/Application/brave.exe",
        linux_data: "BraveSoftware/Brave-Browser",
        mac_data: "BraveSoftware/Brave-Browser",
        windows_data: "BraveSoftware/Brave-Browser/User Data",
    },
    Kind {
        programs: &["google-chrome-beta"],
        app: "Google Chrome Beta.app/Contents/MacOS/Google Chrome Beta",
        exe: "Google/Chrome Beta/Application/chrome.exe",
        linux_data: "google-chrome-beta",
        mac_data: "Google/Chrome Beta",
        windows_data: "Google/Chrome Beta/User Data",
    },
    Kind {
        programs: &["google-chrome-unstable"],
        app: "Google Chrome Dev.app/Contents/MacOS/Google Chrome Dev",
        exe: "Google/Chrome Dev/Application/chrome.exe",
        linux_data: "google-chrome-unstable",
        mac_data: "Google/Chrome Dev",
        windows_data: "Google/Chrome Dev/User Data",
    },
    Kind {
        programs: &["google-chrome-canary"],
        app: "Google Chrome Canary.app/Contents/MacOS/Google Chrome Canary",
        exe: "Google/Chrome SxS/Application/chrome.exe",
        linux_data: "google-chrome-canary",
        mac_data: "Google/Chrome Canary",
        windows_data: "Google/Chrome SxS/User Data",
    },
];

/// Programs that Linux packages put outside the search path.
const LINUX_PLACES: &[&str] = &[
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/opt/microsoft/msedge/msedge",
    "/opt/brave.com/brave/brave",
];
/// User data of browsers in boxes of Linux, below the home folder.
const LINUX_BOXES: &[&str] = &[
    "snap/chromium/common/chromium",
    ".var/app/org.chromium.Chromium/config/chromium",
    ".var/app/com.google.Chrome/config/google-chrome",
    ".var/app/com.microsoft.Edge/config/microsoft-edge",
    ".var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser",
];

/// What to type where no browser was found.
pub const HOW_TO_GET_ONE: &str = if cfg!(target_os = "macos") {
    "brew install --cask chromium"
} else if cfg!(windows) {
    "winget install Google.Chrome"
} else {
    "apt install chromium   (or your system's package of Chromium or Chrome)"
};

/// The file in a folder of user data in which a browser says where its debugging port is.
pub(crate) const ACTIVE_PORT: &str = "DevToolsActivePort";

/// The first Chromium, Chrome, Edge or Brave on the search path or in a usual place of the system or of this user.
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).flat_map(|folder| {
        let names = KINDS.iter().flat_map(|kind| kind.programs);
        names.map(move |name| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
    });
    on_path
        .chain(System::HERE.places(&Folders::of_this_user()))
        .find(|file| is_program(file))
}

/// Folders of user data in the usual places of this user in which a browser said where its debugging port is, the latest first. A browser that ended leaves
/// the file behind, so only [`connect`](crate::connect()) shows which is alive.
pub fn find_active_port() -> Vec<PathBuf> {
    let said_at = |folder: &PathBuf| folder.join(ACTIVE_PORT).metadata()?.modified();
    let mut found: Vec<_> = data_folders()
        .into_iter()
        .filter_map(|folder| Some((said_at(&folder).ok()?, folder)))
        .collect();
    found.sort_by_key(|(said_at, _)| Reverse(*said_at));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// Where the browsers of this user keep their own user data, whether they are installed or not.
pub(crate) fn data_folders() -> Vec<PathBuf> {
    System::HERE.data_folders(&Folders::of_this_user())
}

/// The folder of this user that programs keep their data in.
pub(crate) fn data_home() -> Option<PathBuf> {
    System::HERE.data_home(&Folders::of_this_user())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Linux,
    MacOs,
    Windows,
}

impl System {
    const HERE: Self = if cfg!(target_os = "macos") {
        Self::MacOs
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Linux
    };

    fn places(self, folders: &Folders) -> Vec<PathBuf> {
        let below = |roots: Vec<PathBuf>, file: fn(&Kind) -> &str| {
            let kinds = KINDS.iter().map(file).filter(|file| !file.is_empty());
            kinds
                .flat_map(|file| roots.iter().map(move |root| root.join(file)))
                .collect()
        };
        match self {
            Self::Linux => LINUX_PLACES.iter().map(PathBuf::from).collect(),
            Self::MacOs => {
                let of_user = folders.home.as_ref().map(|home| home.join("Applications"));
                let roots = [Some(PathBuf::from("/Applications")), of_user];
                below(roots.into_iter().flatten().collect(), |kind| kind.app)
            }
            Self::Windows => below(folders.programs.clone(), |kind| kind.exe),
        }
    }

    fn data_folders(self, folders: &Folders) -> Vec<PathBuf> {
        let below = |root: Option<&PathBuf>, folder: fn(&Kind) -> &str| -> Vec<PathBuf> {
            let root = root.into_iter();
            root.flat_map(|root| KINDS.iter().map(|kind| root.join(folder(kind))))
                .collect()
        };
        match self {
            Self::Linux => {
                let mut found = below(folders.settings.as_ref(), |kind| kind.linux_data);
                let boxes = folders.home.iter();
                found.extend(boxes.flat_map(|home| LINUX_BOXES.iter().map(|at| home.join(at))));
                found
            }
            Self::MacOs => below(self.data_home(folders).as_ref(), |kind| kind.mac_data),
            Self::Windows => below(self.data_home(folders).as_ref(), |kind| kind.windows_data),
        }
    }

    fn data_home(self, folders: &Folders) -> Option<PathBuf> {
        match self {
            Self::Linux => folders.data.clone(),
            Self::MacOs => Some(folders.home.as_ref()?.join("Library/Application Support")),
            Self::Windows => folders.data.clone(),
        }
    }
}

/// What the environment says of this user's folders.
#[derive(Debug, Default)]
struct Folders {
    home: Option<PathBuf>,
    /// Linux: where browsers keep their user data.
    settings: Option<PathBuf>,
    /// Linux: where programs keep data; Windows: the same, of this machine only.
    data: Option<PathBuf>,
    /// Windows: where programs are installed, for all and for this user.
    programs: Vec<PathBuf>,
}

impl Folders {
    fn of_this_user() -> Self {
        // The XDG specification: what is not absolute is to be ignored.
        let named = |name: &str| {
            let path = env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let home = env::home_dir().filter(|home| home.is_absolute());
        if cfg!(windows) {
            let data = named("LOCALAPPDATA");
            let programs = ["ProgramFiles", "ProgramFiles(x86)"].map(named);
            return Self {
                home,
                settings: None,
                programs: programs.into_iter().flatten().chain(data.clone()).collect(),
                data,
            };
        }
        let below_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
        Self {
            settings: ["CHROME_CONFIG_HOME", "XDG_CONFIG_HOME"]
                .into_iter()
                .find_map(named)
                .or_else(|| below_home(".config")),
            data: named("XDG_DATA_HOME").or_else(|| below_home(".local/share")),
            home,
            programs: Vec::new(),
        }
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let may_run = |metadata: std::fs::Metadata| {
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    };
    path.metadata().is_ok_and(may_run)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(system: System, folders: &Folders, expected_program: &str, expected_data: &str) {
        let programs = system.places(folders);
        assert!(
            programs.contains(&expected_program.into()),
            "{system:?}: {programs:?}"
        );
        let data = system.data_folders(folders);
        assert!(data.len() >= KINDS.len(), "{system:?}: {data:?}");
        assert!(data.contains(&expected_data.into()), "{system:?}: {data:?}");
    }

    #[test]
    fn each_system_has_its_places() {
        let linux = Folders {
            home: Some("/home/u".into()),
            settings: Some("/home/u/.config".into()),
            ..Folders::default()
        };
        check(
            System::Linux,
            &linux,
            "/opt/google/chrome/chrome",
            "/home/u/.config/google-chrome",
        );
        check(
            System::Linux,
            &linux,
            "/snap/bin/chromium",
            "/home/u/snap/chromium/common/chromium",
        );
        let mac = Folders {
            home: Some("/Users/u".into()),
            ..Folders::default()
        };
        for program in [
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Users/u/Applications/Chromium.app/Contents/MacOS/Chromium",
        ] {
            let data = "/Users/u/Library/Application Support/Google/Chrome";
            check(System::MacOs, &mac, program, data);
        }
        let windows = Folders {
            data: Some("C:/Users/u/AppData/Local".into()),
            programs: vec!["C:/Program Files".into(), "C:/Users/u/AppData/Local".into()],
            ..Folders::default()
        };
        for program in [
            "C:/Program Files/Microsoft/Edge/Application/msedge.exe",
            "C:/Users/u/AppData/Local/Google/Chrome/Application/chrome.exe",
        ] {
            let data = "C:/Users/u/AppData/Local/Google/Chrome/User Data";
            check(System::Windows, &windows, program, data);
        }
    }

    #[test]
    fn without_a_home_there_are_no_folders_and_no_panic() {
        for system in [System::Linux, System::MacOs, System::Windows] {
            let nowhere = Folders::default();
            assert!(system.data_folders(&nowhere).is_empty());
            assert_eq!(system.data_home(&nowhere), None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_may_not_run_is_no_program() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chromium");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(!is_program(&file));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_program(&file));
        assert!(!is_program(folder.path()), "a folder");
    }
}
