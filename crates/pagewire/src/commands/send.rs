//! `pagewire send PAGE TEXT`: to pages of the plain pattern.

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use crate::cli::SendArguments;
use crate::client::{Client, Query};
use crate::commands::call::{print_bytes, print_value};
use crate::exit::{self, FAILED, Failed};

pub(crate) async fn run(arguments: &SendArguments) -> Result<(), Failed> {
    tokio::select! {
        // First, so that Ctrl-C is ours before the hub hears of the message.
        biased;
        _ = tokio::signal::ctrl_c() => Err(Failed::silent(exit::CANCELLED)),
        result = send(arguments) => result,
    }
}

async fn send(arguments: &SendArguments) -> Result<(), Failed> {
    let client = Client::new(&arguments.hub)?;
    let page = find_page(&client, &arguments.page).await?;
    let mut query = Query::default();
    let wait = arguments.wait.map(|wait| format!("{}ms", wait.as_millis()));
    query.add("wait", wait.as_deref());
    let path = format!("/v1/pages/{}/send{query}", Client::encode(&page));
    let answer = client
        .post_text(&path, text(&arguments.text).await?)
        .await?;
    match answer.media_type() {
        "application/json" => print_value(&answer.text().await?, arguments.raw),
        _ if arguments.wait.is_some() => print_bytes(answer).await,
        _ => Ok(()),
    }
}

async fn text(argument: &str) -> Result<String, Failed> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    let read = tokio::io::stdin().read_to_string(&mut text).await;
    read.map(|_| text)
        .map_err(|error| Failed::new(FAILED, format!("standard input: {error}")))
}

#[derive(Deserialize)]
struct Listing {
    pages: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    id: String,
    group: String,
}

/// The id of the page that is meant by an id, or by a group that has one page.
async fn find_page(client: &Client, name: &str) -> Result<String, Failed> {
    let text = client.get("/v1/pages").await?.text().await?;
    let Listing { pages } = serde_json::from_str(&text).map_err(|error| {
        Failed::new(
            FAILED,
            format!("the hub's answer is not understood: {error}"),
        )
    })?;
    if pages.iter().any(|page| page.id == name) {
        return Ok(name.to_owned());
    }
    let of_group: Vec<_> = pages.iter().filter(|page| page.group == name).collect();
    match of_group[..] {
        [page] => Ok(page.id.clone()),
        [] => Err(Failed::new(
            exit::of_problem("not_found"),
            format!("no page or group {name} is attached; `pagewire pages` lists those that are"),
        )),
        [first, ..] => Err(Failed::new(
            exit::USAGE,
            format!(
                "group {name} has {} pages: name one by its id, such as {} (`pagewire pages` lists them)",
                of_group.len(),
                first.id
            ),
        )),
    }
}
