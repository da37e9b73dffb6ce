//! Direct push sockets, against real servers.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use pagewire_dial::tls::plain_connector;
use pagewire_dial::{Address, DialError, Header};
use pagewire_room::direct::{
    DIRECT_FRAME_BYTES_MAX, DIRECT_QUEUE_BYTES_MAX, DIRECT_QUEUE_MAX, DirectEnd, DirectOptions,
    DirectSocket, Incoming, open,
};
use pagewire_testkit::soon;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, accept_async};

type Server = WebSocketStream<TcpStream>;

async fn listen() -> (TcpListener, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!(
        "ws://{}/push?room=7",
        listener.local_addr().expect("an address")
    );
    (listener, address.parse().expect("an address"))
}

/// Opens a socket while `serve` answers it.
async fn connect<T>(
    headers: &[&str],
    options: DirectOptions,
    serve: impl AsyncFnOnce(TcpStream) -> T,
) -> (Result<DirectSocket, DialError>, T) {
    let (listener, address) = listen().await;
    let headers: Vec<Header> = headers
        .iter()
        .map(|header| header.parse().expect("a header"))
        .collect();
    let connector = plain_connector();
    let serving = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        serve(stream).await
    };
    let both = async { tokio::join!(open(&connector, &address, headers, options), serving) };
    soon("the connection", both).await
}

async fn pair() -> (DirectSocket, Server) {
    pair_with(DirectOptions::default()).await
}

async fn pair_with(options: DirectOptions) -> (DirectSocket, Server) {
    let serve = async |stream| accept_async(stream).await.expect("a handshake");
    let (client, server) = connect(&[], options, serve).await;
    (client.expect("it opens"), server)
}

async fn next(socket: &mut DirectSocket) -> Incoming {
    soon("a message", socket.next()).await
}

/// The head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a byte"));
    }
    String::from_utf8(head).expect("text")
}

#[tokio::test]
async fn the_handshake_has_the_headers_of_the_caller_and_no_cookie_of_its_own() {
    let given = [
        "Cookie: a=b",
        "Origin: https://o.example",
        "User-Agent: Mozilla/5.0 (made up)",
    ];
    let refuse = async |mut stream: TcpStream| {
        let head = head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            .await
            .expect("written");
        head
    };
    let (_, said) = connect(&given, DirectOptions::default(), refuse).await;
    assert!(said.starts_with("GET /push?room=7 HTTP/1.1\r\n"), "{said}");
    let lower = said.to_lowercase();
    for header in given {
        assert_eq!(
            lower
                .matches(&format!("\r\n{}\r\n", header.to_lowercase()))
                .count(),
            1,
            "{said}"
        );
    }
    let (_, said) = connect(&[], DirectOptions::default(), refuse).await;
    let lower = said.to_lowercase();
    assert!(
        !lower.contains("cookie") && !lower.contains("origin"),
        "{said}"
    );
}

#[tokio::test]
async fn a_refused_handshake_gives_its_status_and_its_headers() {
    let refuse = async |mut stream: TcpStream| {
        head(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\nhandshake-msg: DEVICE_BLOCKED\r\nhandshake-status: 415\r\ncontent-length: 4\r\n\r\nbody";
        stream.write_all(answer.as_bytes()).await.expect("written");
    };
    let (opened, ()) = connect(&[], DirectOptions::default(), refuse).await;
    let Err(DialError::Refused(refusal)) = opened else {
        panic!("not refused: {opened:?}");
    };
    assert_eq!((refusal.status().as_u16(), refusal.body()), (200, "body"));
    let value = |name: &str| {
        refusal
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    assert_eq!(
        (value("handshake-msg"), value("handshake-status")),
        (Some("DEVICE_BLOCKED"), Some("415"))
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_handshake_is_given_up() {
    let options = DirectOptions {
        handshake_timeout: Duration::from_millis(200),
        ..DirectOptions::default()
    };
    let (opened, _stream) = connect(&[], options, async |stream: TcpStream| stream).await;
    assert!(
        matches!(opened, Err(DialError::TimedOut { .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn messages_go_both_ways_and_pings_are_answered() {
    let (mut client, mut server) = pair().await;
    client.send(Bytes::from_static(b"hb")).expect("room");
    let serving = async {
        assert_eq!(server.next().await.unwrap().unwrap(), Message::binary("hb"));
        server.send(Message::Ping("p".into())).await.unwrap();
        assert_eq!(
            server.next().await.unwrap().unwrap(),
            Message::Pong("p".into())
        );
        server.send(Message::binary(vec![7; 3])).await.unwrap();
        server.send(Message::text("价")).await.unwrap();
    };
    let receiving = async { (client.next().await, client.next().await) };
    let ((), received) = soon("all messages", async { tokio::join!(serving, receiving) }).await;
    assert_eq!(
        received,
        (
            Incoming::Binary(vec![7; 3].into()),
            Incoming::Text("价".into())
        )
    );
}

#[tokio::test]
async fn a_close_gives_its_code_and_reason_and_stays() {
    for (frame, code, reason) in [
        (Some((4001, "kicked out")), 4001, "kicked out"),
        (None, 1005, ""),
    ] {
        let (mut client, mut server) = pair().await;
        let frame = frame.map(|(code, reason): (u16, &str)| CloseFrame {
            code: code.into(),
            reason: reason.into(),
        });
        server.send(Message::Close(frame)).await.unwrap();
        let end = DirectEnd::Closed {
            code,
            reason: reason.to_owned(),
        };
        assert_eq!(next(&mut client).await, Incoming::End(end.clone()));
        assert_eq!(next(&mut client).await, Incoming::End(end));
        // The goodbye was answered.
        assert!(matches!(
            soon("the answer", server.next()).await,
            Some(Ok(Message::Close(_)))
        ));
        assert!(
            client.send(Bytes::from_static(b"late")).is_ok(),
            "it goes nowhere"
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_without_a_word_is_dropped() {
    let (mut client, server) = pair().await;
    drop(server);
    let Incoming::End(end) = next(&mut client).await else {
        panic!("no end");
    };
    assert!(matches!(end, DirectEnd::Dropped(_)), "{end:?}");
    assert_eq!(end.code(), 1006);
}

#[tokio::test]
async fn a_frame_may_be_as_long_as_the_limit_and_not_longer() {
    let (mut client, mut server) = pair().await;
    let sending = tokio::spawn(async move {
        server
            .send(Message::binary(vec![1; DIRECT_FRAME_BYTES_MAX]))
            .await
            .unwrap();
        // It is refused at its head, so the rest may find nobody.
        let _ = server
            .send(Message::binary(vec![2; DIRECT_FRAME_BYTES_MAX + 1]))
            .await;
        while let Some(Ok(message)) = server.next().await {
            if let Message::Close(Some(frame)) = message {
                return u16::from(frame.code);
            }
        }
        0
    });
    let Incoming::Binary(first) = next(&mut client).await else {
        panic!("no message");
    };
    assert_eq!(first.len(), DIRECT_FRAME_BYTES_MAX);
    let Incoming::End(DirectEnd::Broken { code: 1009, why }) = next(&mut client).await else {
        panic!("no end");
    };
    assert!(why.contains("longer than 16777216 bytes"), "{why}");
    drop(client);
    sending.await.expect("the server ends");
}

#[tokio::test]
async fn a_message_of_many_frames_has_the_same_limit() {
    let options = DirectOptions {
        frame_bytes_max: 1_000,
        ..DirectOptions::default()
    };
    for (last, taken) in [(400, true), (401, false)] {
        let (mut client, mut server) = pair_with(options).await;
        let part = |length: usize, opcode, is_final| {
            Message::Frame(Frame::message(
                vec![3; length],
                OpCode::Data(opcode),
                is_final,
            ))
        };
        server.feed(part(600, Data::Binary, false)).await.unwrap();
        server.feed(part(last, Data::Continue, true)).await.unwrap();
        server.flush().await.unwrap();
        match next(&mut client).await {
            Incoming::Binary(bytes) => assert!(taken && bytes.len() == 1_000),
            Incoming::End(DirectEnd::Broken { code: 1009, .. }) => assert!(!taken),
            Incoming::Text(_) | Incoming::End(_) => panic!("neither taken nor refused"),
        }
    }
}

#[tokio::test]
async fn so_many_messages_wait_and_not_one_more() {
    let (mut client, mut server) = pair().await;
    for _ in 0..DIRECT_QUEUE_MAX {
        client.send(Bytes::from_static(b"m")).expect("room");
    }
    let full = client.send(Bytes::from_static(b"m")).expect_err("full");
    assert_eq!(
        (full.messages, full.bytes),
        (DIRECT_QUEUE_MAX, DIRECT_QUEUE_MAX)
    );
    // They go out as soon as the socket is driven, and there is room again.
    let reading = async {
        for _ in 0..DIRECT_QUEUE_MAX {
            server.next().await.unwrap().unwrap();
        }
        server.send(Message::text("all")).await.unwrap();
    };
    let ((), last) = soon("all", async { tokio::join!(reading, client.next()) }).await;
    assert_eq!(last, Incoming::Text("all".into()));
    client
        .send(vec![0; DIRECT_QUEUE_BYTES_MAX].into())
        .expect("room");
    assert!(client.send(Bytes::from_static(b"m")).is_err());
}

#[tokio::test]
async fn a_server_that_stops_reading_costs_bounded_memory_and_its_frames_still_come() {
    let (mut client, server) = pair().await;
    let (stop, stopped) = oneshot::channel::<()>();
    // It reads nothing, and pings without end: each wants an answer.
    let (mut sink, stream) = server.split();
    let pinging = tokio::spawn(async move {
        let pings = async {
            while sink.send(Message::Ping(vec![0; 125].into())).await.is_ok() {
                if sink.feed(Message::binary("frame")).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = pings => {}
            _ = stopped => {}
        }
        drop((sink, stream));
    });
    let mut refused = 0;
    let mut frames = 0;
    while refused < 50 || frames < 50_000 {
        if client.send(vec![0; 64 << 10].into()).is_err() {
            refused += 1;
        }
        match next(&mut client).await {
            Incoming::Binary(_) => frames += 1,
            Incoming::Text(_) | Incoming::End(_) => panic!("no frame after {frames}"),
        }
    }
    drop(stop);
    pinging.await.expect("the server ends");
    // What waited is given up with the connection.
    while !matches!(next(&mut client).await, Incoming::End(_)) {}
}

#[tokio::test]
async fn closing_says_goodbye() {
    let (client, mut server) = pair().await;
    let (message, ()) = soon("goodbye", async {
        tokio::join!(
            async {
                let message = server.next().await.unwrap().unwrap();
                let _ = server.close(None).await;
                message
            },
            client.close()
        )
    })
    .await;
    let Message::Close(Some(frame)) = message else {
        panic!("{message:?}");
    };
    assert_eq!(u16::from(frame.code), 1000);
}
