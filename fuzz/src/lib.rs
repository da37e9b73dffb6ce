//! What the targets share. A target is one file in `src/bin`: a check of one input, and seeds to begin with, in one [`target!`].

pub mod pack;
pub mod proto;

use std::path::Path;

use pagewire_codec::{DecodeError, Fault};

/// Makes a target out of seeds (`Vec<Vec<u8>>`) and a function `fn(&[u8])` that panics where something does not hold.
#[macro_export]
macro_rules! target {
    ($check:path, seeds: $seeds:expr) => {
        libfuzzer_sys::fuzz_target!(init: $crate::write_seeds(&$seeds), |bytes: &[u8]| $check(bytes));
    };
}

/// Puts the seeds into the folder of the corpus, which is the first folder in the arguments. Without one, as where a single input runs again,
/// nothing is written.
pub fn write_seeds(seeds: &[Vec<u8>]) {
    let folder = std::env::args()
        .skip(1)
        .find(|path| Path::new(path).is_dir());
    let Some(folder) = folder else {
        return;
    };
    for (index, seed) in seeds.iter().enumerate() {
        let path = Path::new(&folder).join(format!("seed-{index:02}"));
        std::fs::write(path, seed).expect("the folder of the corpus can be written");
    }
}

/// An error is of a place in the input, and does not contradict itself.
pub fn check_error(error: &DecodeError, input_bytes: usize) {
    assert!(
        error.at <= input_bytes,
        "{error}: there are {input_bytes} bytes"
    );
    if let Fault::Truncated { needed, left, .. } = error.fault {
        assert!(needed > left as u64 && left <= input_bytes, "{error}");
    }
    if let Fault::Limit { got, max, .. } = error.fault {
        assert!(got > max, "{error}");
    }
}

/// What is written as JSON is JSON.
pub fn json_of(value: &impl serde::Serialize) -> serde_json::Value {
    let text = serde_json::to_string(value).expect("it has JSON");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
