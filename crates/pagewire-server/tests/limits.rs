//! Limits that need a whole hub to be reached; the others are tested beside their code (`docs/limits.md` says where).

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_hub::{Hub, HubOptions, TopicOptions};
use pagewire_server::{Server, ServerOptions};
use pagewire_testkit::{FakePage, Http, Message, TestHub, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn one_connection_over_the_limit_waits_until_another_ends() {
    let listen = vec!["127.0.0.1:0".parse().expect("an address")];
    let options = ServerOptions {
        listen,
        connections_max: 2,
        ..ServerOptions::default()
    };
    let server = Server::bind(Hub::new(HubOptions::default()), options)
        .await
        .expect("a free port");
    let address = server.addresses()[0];
    let running = tokio::spawn(server.run(std::future::pending(), Duration::ZERO));
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut byte = [0];
        soon("an answer", stream.read_exact(&mut byte))
            .await
            .expect("answered");
        open.push(stream);
    }
    let mut third = TcpStream::connect(address)
        .await
        .expect("the backlog takes it");
    third.write_all(request.as_bytes()).await.expect("sent");
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(100), third.read_exact(&mut byte)).await;
    assert!(early.is_err(), "the third connection must wait");
    open.pop();
    soon("an answer", third.read_exact(&mut byte))
        .await
        .expect("answered");
    running.abort();
}

#[tokio::test]
async fn a_time_over_the_limit_is_cut_to_it() {
    let options = HubOptions {
        timeout_max: Duration::from_millis(50),
        ..HubOptions::default()
    };
    let hub = TestHub::with_options(options).await;
    let mut page = FakePage::attach(&hub, "g", &["f"]).await;
    let client = hub.client();
    let (response, message) = tokio::join!(client.post("/v1/call/g/f?timeout=1h", ""), page.next());
    assert_eq!(response.status.as_u16(), 504);
    assert!(
        message["deadline_ms"].as_u64().is_some_and(|ms| ms <= 50),
        "{message}"
    );
}

#[tokio::test]
async fn a_page_that_follows_a_topic_and_does_not_read_gets_a_gap_and_no_memory() {
    let topics = TopicOptions {
        values_max: 4,
        ..TopicOptions::default()
    };
    let options = HubOptions {
        topics,
        outbox_bytes_max: 1 << 20,
        ..HubOptions::default()
    };
    let hub = TestHub::with_options(options).await;
    let mut page = FakePage::attach(&hub, "g", &[]).await;
    page.send(r#"{"jsonrpc":"2.0","id":1,"method":"$/subscribe","params":{"topic":"programs/t"}}"#)
        .await;
    assert_eq!(page.next().await["result"]["subscription"], 1);
    let client: Http = hub.client();
    let value = format!("\"{}\"", "x".repeat(500_000));
    // 100 MB: far more than the sockets, the outbox and the messages made ready (64 of them) can hold.
    for _ in 0..200 {
        client.post("/v1/topics/programs/t", value.clone()).await;
    }
    let (mut seen, mut lost) = (0, 0);
    while seen + lost < 200 {
        let message = page.next().await;
        match message["method"].as_str() {
            Some("$/gap") => lost += message["params"]["lost"].as_u64().expect("a number"),
            Some("$/event") => seen += 1,
            _ => panic!("unexpected {message}"),
        }
    }
    assert!(lost > 0, "{seen} seen, {lost} lost");
}

#[tokio::test]
async fn a_topic_socket_ignores_messages_up_to_the_limit_and_ends_one_past_it() {
    let hub = TestHub::start().await;
    let url = format!("{}/v1/topics/programs/t", hub.ws_url());
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("a topic socket");
    socket
        .send(Message::text("x".repeat(4_096)))
        .await
        .expect("sent");
    hub.client().post("/v1/topics/programs/t", "1").await;
    assert!(matches!(
        soon("a value", socket.next()).await,
        Some(Ok(Message::Text(_)))
    ));
    socket
        .send(Message::text("x".repeat(4_097)))
        .await
        .expect("sent");
    assert!(!matches!(
        soon("the end", socket.next()).await,
        Some(Ok(Message::Text(_)))
    ));
}
