//! `pagewire publish TOPIC JSON`.

use crate::cli::PublishArguments;
use crate::client::{Client, json_or_text};
use crate::exit::Failed;
use crate::terminal::print_json;

pub(crate) async fn run(arguments: &PublishArguments) -> Result<(), Failed> {
    let client = Client::new(&arguments.hub)?;
    let path = format!("/v1/topics/{}", Client::encode_path(&arguments.topic));
    let answer = client
        .post_json(&path, json_or_text(&arguments.value))
        .await?;
    print_json(&answer.text().await?)
}
