//! `pagewire connect ws(s)://…`: a WebSocket client.
//!
//! [`dial`] opens a connection, [`session`] is what happens on it, [`output`] shows that, [`end`] says what follows from its end.
//! `docs/connect.md` is what users are promised.

mod arguments;
mod backoff;
mod end;
mod input;
mod outbox;
mod outgoing;
mod output;
mod payload;
mod pings;
mod session;
mod topic;

use std::pin::{Pin, pin};
use std::time::Instant;

use pagewire_dial::tls::{self, Connector, Trust};
use pagewire_dial::{DialError, Security, dial};

pub(crate) use self::arguments::ConnectArguments;
use self::arguments::Publishes;
use self::backoff::Backoff;
use self::end::End;
use self::input::Input;
use self::output::{Event, Form, form};
use self::session::{Plan, Progress, Session};
use self::topic::Topic;
use crate::exit::{CANCELLED, FAILED, Failed, USAGE};
use crate::serve::stop_signal;
use crate::terminal::{self, stdout_is_terminal};

pub(crate) async fn run(arguments: &ConnectArguments) -> Result<(), Failed> {
    let form = form(arguments.shape.json, arguments.shape.raw);
    let mut stop = pin!(stop_signal());
    let result = tokio::select! {
        // First, so that Ctrl-C is ours before anything goes out. What comes later is the session's.
        biased;
        () = stop.as_mut() => return Err(Failed::silent(CANCELLED)),
        prepared = prepare(arguments, form) => prepared,
    };
    let result = match result {
        Ok(mut connect) => connect.run(stop).await,
        Err(failed) => Err(failed),
    };
    if let (
        Form::Json,
        Err(Failed {
            message: Some(message),
            ..
        }),
    ) = (form, &result)
    {
        form.print(&Event::Error { message })?;
    }
    result
}

/// All that is checked and read before anything is opened.
async fn prepare(arguments: &ConnectArguments, form: Form) -> Result<Connect<'_>, Failed> {
    if arguments.shape.raw && stdout_is_terminal() {
        return Err(Failed::new(
            USAGE,
            "--raw writes bytes that a terminal may take as commands; send standard output into a file or a pipe",
        ));
    }
    let topic = match &arguments.to_topic {
        None => None,
        Some(topic) => Some(Topic::reach(&arguments.hub, topic).await?),
    };
    let publishes = match topic {
        Some(_) => Publishes::Yes,
        None => Publishes::No,
    };
    let input = match arguments.ends.no_stdin {
        true => Input::Ended,
        false => Input::stdin(arguments.max_size),
    };
    Ok(Connect {
        arguments,
        connector: connector(arguments)?,
        plan: Plan {
            form,
            first: arguments.first.read().await?,
            ping: arguments.ping,
            idle: arguments.ends.idle,
            after_input: arguments.ends.after_input(publishes),
            topic,
        },
        progress: Progress {
            input,
            close_due: None,
            missing: arguments.ends.wanted(),
            not_published: 0,
        },
    })
}

fn connector(arguments: &ConnectArguments) -> Result<Connector, Failed> {
    match (arguments.address.security, arguments.handshake.insecure) {
        (Security::Plain, _) => Ok(tls::plain_connector()),
        (Security::Tls, true) => tls::connector(&Trust::Anybody).map_err(Failed::from),
        (Security::Tls, false) => {
            tls::connector(&Trust::Roots(arguments.hub.ca.as_deref())).map_err(Failed::from)
        }
    }
}

/// The whole command: one connection after the other.
#[derive(Debug)]
struct Connect<'a> {
    arguments: &'a ConnectArguments,
    connector: Connector,
    plan: Plan,
    progress: Progress,
}

/// What came of one attempt.
enum Attempt {
    Ended(End),
    NotOpened(DialError),
}

impl Connect<'_> {
    async fn run(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> Result<(), Failed> {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let attempt = self.attempt(stop.as_mut()).await?;
            let result = attempt.result(self.progress.missing);
            if !(self.arguments.ends.reconnect && attempt.may_retry()) {
                return result.and_then(|()| self.all_published());
            }
            if let Attempt::Ended(_) = attempt {
                backoff.note_open_for(began.elapsed());
            }
            if let Err(Failed {
                message: Some(message),
                ..
            }) = &result
            {
                self.plan.form.print(&Event::Error { message })?;
            }
            self.wait(&mut backoff, stop.as_mut()).await?;
        }
    }

    async fn attempt(
        &mut self,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Attempt, Failed> {
        let ConnectArguments {
            address, handshake, ..
        } = self.arguments;
        if handshake.insecure && address.security == Security::Tls {
            warn_of_insecurity(&address.authority);
        }
        let (offer, limits) = (handshake.offer(), self.arguments.limits());
        let opened = tokio::select! {
            () = stop.as_mut() => return Ok(Attempt::Ended(End::Interrupted)),
            opened = dial(&self.connector, address, &offer, limits) => opened,
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Attempt::NotOpened(error)),
        };
        self.plan.form.print(&Event::Open {
            url: &address.to_string(),
            peer: opened.peer,
            subprotocol: opened.subprotocol.as_deref(),
        })?;
        let session = Session::new(opened.socket, &self.plan, &mut self.progress);
        session.run(stop).await.map(Attempt::Ended)
    }

    async fn wait(
        &self,
        backoff: &mut Backoff,
        stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), Failed> {
        let attempt = backoff.attempt();
        // Without a random number the waits are merely not spread.
        let wait = backoff.next(getrandom::u32().unwrap_or(0));
        self.plan.form.print(&Event::Reconnect {
            attempt,
            wait: Some(wait),
        })?;
        tokio::select! {
            () = stop => Err(Failed::silent(CANCELLED)),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Values that the hub refused were told one by one; the exit code tells them too.
    fn all_published(&self) -> Result<(), Failed> {
        match self.progress.not_published {
            0 => Ok(()),
            count => Err(Failed::new(
                FAILED,
                format!("{count} messages were not published"),
            )),
        }
    }
}

impl Attempt {
    fn may_retry(&self) -> bool {
        match self {
            Self::Ended(end) => end.may_retry(),
            Self::NotOpened(error) => error.is_transient(),
        }
    }

    fn result(&self, missing: Option<u64>) -> Result<(), Failed> {
        match self {
            Self::Ended(end) => end.result(missing),
            Self::NotOpened(error) => Err(Failed::new(FAILED, error.to_string())),
        }
    }
}

fn warn_of_insecurity(authority: &str) {
    terminal::say(&format!(
        "WARNING: --insecure: the certificate of {} is NOT checked. Whoever sits on the way can read and change everything.",
        terminal::harmless(authority)
    ));
    terminal::say("警告：未校验服务器证书，途中任何人都可以读取和篡改内容。");
}
