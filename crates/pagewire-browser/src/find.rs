//! Where browsers of the Chromium family live.

use std::env;
use std::path::{Path, PathBuf};

/// Names on the search path, the plainest first.
const NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
];

/// Where installers put them outside the search path.
const PLACES: &[&str] = if cfg!(target_os = "macos") {
    &[
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ]
} else if cfg!(windows) {
    &[
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ]
} else {
    &["/snap/bin/chromium", "/opt/google/chrome/chrome"]
};

/// What to type where no browser was found.
pub const HOW_TO_GET_ONE: &str = if cfg!(target_os = "macos") {
    "brew install --cask chromium"
} else if cfg!(windows) {
    "winget install Google.Chrome"
} else {
    "apt install chromium   (or your system's package of Chromium or Chrome)"
};

/// The first Chromium, Chrome or Edge on the search path or in a usual place.
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path)
        .flat_map(|folder| NAMES.iter().map(move |name| folder.join(executable(name))));
    on_path
        .chain(PLACES.iter().map(PathBuf::from))
        .find(|file| is_file(file))
}

fn executable(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}
