//! `pagewire call group/function [json…]`.

use std::path::Path;

use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use crate::cli::CallArguments;
use crate::client::{Answer, Client, Query, json_or_text};
use crate::exit::{self, FAILED, Failed, USAGE};
use crate::terminal::{print_json, print_text, stdout_is_terminal, write_bytes};

pub(crate) async fn run(arguments: &CallArguments) -> Result<(), Failed> {
    tokio::select! {
        // First, so that Ctrl-C is ours before the hub hears of the call.
        biased;
        // Leaving closes the connection, which takes the call back.
        _ = tokio::signal::ctrl_c() => Err(Failed::silent(exit::CANCELLED)),
        result = call(arguments) => result,
    }
}

async fn call(arguments: &CallArguments) -> Result<(), Failed> {
    let Some((group, function)) = arguments.function.split_once('/') else {
        return Err(Failed::new(
            USAGE,
            format!(
                "{:?} is no function: write group/function",
                arguments.function
            ),
        ));
    };
    let client = Client::new(&arguments.hub)?;
    let mut query = Query::default();
    query.add(
        "timeout",
        arguments
            .timeout
            .map(|timeout| format!("{}ms", timeout.as_millis()))
            .as_deref(),
    );
    query.add("page", arguments.page.as_deref());
    query.add("key", arguments.key.as_deref());
    query.add("idempotent", arguments.idempotent.then_some("true"));
    let path = format!(
        "/v1/call/{}/{}{query}",
        Client::encode(group),
        Client::encode(function)
    );
    let answer = match &arguments.bytes {
        Some(file) => client.post_bytes(&path, read(file).await?).await?,
        None => {
            let values: Vec<_> = arguments
                .arguments
                .iter()
                .map(|text| json_or_text(text))
                .collect();
            client
                .post_json(&path, format!("[{}]", values.join(",")))
                .await?
        }
    };
    match answer.media_type() {
        "application/json" => print_value(&answer.text().await?, arguments.raw),
        "application/x-ndjson" => print_stream(answer, arguments).await,
        _ => print_bytes(answer).await,
    }
}

async fn read(file: &Path) -> Result<Bytes, Failed> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        tokio::io::stdin()
            .read_to_end(&mut bytes)
            .await
            .map(|_| bytes)
    } else {
        tokio::fs::read(file).await
    };
    read.map(Bytes::from)
        .map_err(|error| Failed::new(FAILED, format!("{}: {error}", file.display())))
}

pub(crate) fn print_value(json: &str, raw: bool) -> Result<(), Failed> {
    match serde_json::from_str::<String>(json) {
        Ok(text) if raw => print_text(&text),
        Ok(_) | Err(_) => print_json(json),
    }
}

async fn print_stream(answer: Answer, arguments: &CallArguments) -> Result<(), Failed> {
    let mut lines = answer.lines();
    let mut values = Vec::new();
    while let Some(line) = lines.next_of_call().await? {
        if arguments.stream {
            print_value(&line, arguments.raw)?
        } else {
            values.push(line)
        }
    }
    if arguments.stream {
        Ok(())
    } else {
        print_json(&format!("[{}]", values.join(",")))
    }
}

pub(crate) async fn print_bytes(answer: Answer) -> Result<(), Failed> {
    let media_type = answer.media_type().to_owned();
    let bytes = answer.bytes().await?;
    if stdout_is_terminal() {
        return print_text(&format!(
            "{} bytes of {media_type} (redirect standard output to keep them)",
            bytes.len()
        ));
    }
    write_bytes(&bytes)
}
