//! What the tests of signers share: one request, and lists of signers.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::panic, reason = "a test helper fails the test by panicking")]

use std::path::PathBuf;
use std::time::Instant;

use pagewire_dial::tls::plain_connector;
use pagewire_hub::{Hub, HubOptions};
use pagewire_live::SignRequest;
use pagewire_room::signers::{AllFailed, Opening, SignError, SignerOptions, Signers};
use tempfile::TempDir;

pub(crate) fn request() -> SignRequest {
    let parameters = [("z", "1"), ("app_name", "made_up"), ("room_id", "7")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    SignRequest {
        site: "made-up".to_owned(),
        room_id: "7".to_owned(),
        address: "wss://push.example/".to_owned(),
        parameters: parameters.to_vec(),
        signed: "live_id=1,room_id=7".to_owned(),
        md5: "68b329da9893e34099c7d8ad5cb9c940".to_owned(),
        user_agent: "Mozilla/5.0 (made up)".to_owned(),
        result: "X-Bogus".to_owned(),
    }
}

pub(crate) fn options() -> SignerOptions {
    SignerOptions::new(Hub::new(HubOptions::default()), plain_connector())
}

/// Signers of these texts.
pub(crate) fn signers(texts: &[&str], options: &SignerOptions) -> Signers {
    let addresses = texts.iter().map(|text| text.parse().expect(text)).collect();
    Signers::new(addresses, options).expect("signers")
}

pub(crate) async fn sign(signers: &Signers) -> Result<Opening, AllFailed> {
    let signed = signers.sign(&request(), Instant::now()).await;
    signed.map(|signed| signed.opening)
}

/// The signature that comes now.
pub(crate) async fn signature(signers: &Signers) -> String {
    match sign(signers).await {
        Ok(Opening::Signature(signature)) => signature.0,
        other => panic!("no signature but {other:?}"),
    }
}

/// Why the one signer gives nothing, asked at a time when it does not rest.
pub(crate) async fn failure(signers: &Signers) -> SignError {
    let rest = signers.states().pop().and_then(|state| state.rest);
    let now = rest.map_or_else(Instant::now, |rest| rest.until);
    let failed = signers.sign(&request(), now).await.expect_err("it fails");
    failed.failures.into_iter().next().expect("a signer").1
}

/// A file in a folder of its own.
pub(crate) fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("the file is written");
    (folder, path)
}

/// The block of code in `docs/signers.md` that begins with this line.
pub(crate) fn documented(first_line: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/signers.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let begin = text.find(first_line).expect(first_line);
    let code = text[begin..].split("```").next().expect("a block");
    code.to_owned()
}
