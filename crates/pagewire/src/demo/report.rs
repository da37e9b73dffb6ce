//! What the demo prints: for people in their language, or one JSON object a line.

use std::time::Duration;

use pagewire_live::Event;
use serde_json::{Value, json};

use super::next::Next;
use super::room::Gifts;
use crate::commands::live::{Language, line, number};
use crate::exit::Failed;
use crate::terminal::{Paint, print_json, print_text, write_bytes};

#[derive(Debug)]
pub(crate) struct Report {
    form: Form,
    paint: Paint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    People(Language),
}

/// A text in English and in Chinese.
type Words<'a> = [&'a str; 2];

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        let form = if json {
            Form::Json
        } else {
            Form::People(Language::of_user(None))
        };
        Self {
            form,
            paint: Paint::of_stdout(),
        }
    }

    fn say(&self, event: &str, value: Value, [en, zh]: Words<'_>) -> Result<(), Failed> {
        match self.form {
            Form::Json => print_json(&super::step(event, &value).to_string()),
            Form::People(language) => print_text(language.of(en, zh)),
        }
    }

    pub(crate) fn started(&self, hub: &str, site: &str) -> Result<(), Failed> {
        let en = format!(
            "Pagewire demo\n\n  hub          {hub}\n  sample page  {site}   (of another origin, with a strict Content-Security-Policy; it knows nothing of Pagewire)"
        );
        let zh = format!(
            "Pagewire 演示\n\n  hub       {hub}\n  示例网页  {site}   （不同来源，带严格的 Content-Security-Policy；它并不知道 Pagewire）"
        );
        self.say("started", json!({ "hub": hub, "site": site }), [&en, &zh])
    }

    pub(crate) fn attached(&self, page: &Value, headless: bool) -> Result<(), Failed> {
        let how = if headless {
            [
                "in Chromium, headless: this machine has no display",
                "在无界面的 Chromium 中：本机没有显示器",
            ]
        } else {
            ["in the browser", "在浏览器中"]
        };
        let functions = page["functions"].as_array().map_or(0, Vec::len);
        let text = |name: &str| page[name].as_str().unwrap_or_default().to_owned();
        let (id, group) = (text("id"), text("group"));
        let en = format!(
            "  attached     {id} to group {group}, with {functions} functions   ({})\n\nA program calls the page's own JavaScript functions:\n",
            how[0],
        );
        let zh = format!(
            "  已接入    {id}，组 {group}，{functions} 个函数   （{}）\n\n程序调用网页自己的 JavaScript 函数：\n",
            how[1],
        );
        self.say("attached", page.clone(), [&en, &zh])
    }

    pub(crate) fn call(
        &self,
        function: &str,
        arguments: &str,
        answer: &str,
        took: Duration,
        what: Words<'_>,
    ) -> Result<(), Failed> {
        let took_ms = took.as_secs_f64() * 1_000.0;
        let arguments_shown = arguments.trim_start_matches('[').trim_end_matches(']');
        let call = format!("{function}({arguments_shown})");
        let [en, zh] = what;
        let what = match self.form {
            Form::Json => en,
            Form::People(language) => language.of(en, zh),
        };
        let text = format!(
            "  {call:<20} → {answer}\n  {:<20}   {what}, {took_ms:.1} ms\n",
            ""
        );
        let value = json!({ "function": function, "arguments": arguments, "answer": answer, "ms": took_ms });
        self.say("call", value, [&text, &text])
    }

    pub(crate) fn tap(&self, topic: &str) -> Result<(), Failed> {
        let en = format!("And it listens to the page's own WebSocket, topic {topic}:\n");
        let zh = format!("并且接收网页自己的 WebSocket 数据，主题 {topic}：\n");
        self.say("topic", json!({ "topic": topic }), [&en, &zh])
    }

    pub(crate) fn decoded(&self, topic: &str) -> Result<(), Failed> {
        let en = format!(
            "\nThe page's own decoder, taken out of a closure, reads the same bytes, topic {topic}:\n"
        );
        let zh = format!("\n从闭包中取出的网页自己的解码器读取同样的字节，主题 {topic}：\n");
        self.say("topic", json!({ "topic": topic }), [&en, &zh])
    }

    pub(crate) fn record(&self, line: &str) -> Result<(), Failed> {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        let text = format!("  {line}");
        self.say("record", record, [&text, &text])
    }

    /// The live room is going to be opened.
    pub(crate) fn room(&self, page: &str, topic: &str) -> Result<(), Failed> {
        let en = format!(
            "\nThe page opens a simulated live room in the next tab, {page}\n\
             Its own socket is tapped and decoded, topic {topic}. Some of what happens there:\n"
        );
        let zh = format!(
            "\n网页在新标签页中打开一个模拟直播间 {page}\n\
             接收并解码它自己的 WebSocket，主题 {topic}。其中的一些事件：\n"
        );
        self.say("room", json!({ "url": page, "topic": topic }), [&en, &zh])
    }

    /// Something happened in the room.
    pub(crate) fn event(&self, event: &Event<'_>) -> Result<(), Failed> {
        match self.form {
            Form::Json => {
                let mut json = br#"{"event":"event","value":"#.to_vec();
                event.write_json(&mut json);
                json.push(b'}');
                print_json(&String::from_utf8_lossy(&json))
            }
            Form::People(language) => {
                // Nothing in it can change the terminal but its colours.
                let line = line(event, language, self.paint);
                write_bytes(format!("  {line}\n").as_bytes())
            }
        }
    }

    pub(crate) fn signing(&self) -> Result<(), Failed> {
        let [en, zh] = [
            "\nThe room's page signs the address of its socket, with a key in a closure. A program has it sign too:\n",
            "\n直播间网页用闭包中的密钥为它的 WebSocket 地址签名。程序也可以让它签名：\n",
        ];
        match self.form {
            Form::Json => Ok(()),
            Form::People(language) => print_text(language.of(en, zh)),
        }
    }

    pub(crate) fn gifts(&self, read: Gifts, sent: Gifts, connections: u64) -> Result<(), Failed> {
        let cuts = connections.saturating_sub(1);
        let row = |name: &str, gifts: Gifts| {
            let (count, value) = (number(gifts.count), number(gifts.value));
            format!("  {name}  {count:>7}  {value:>8}")
        };
        let en = format!(
            "The broadcast has ended. Its site sent each gift twice and cut the connection {cuts} times; each gift is counted once:\n\n{}\n{}\n{}",
            "                        gifts  diamonds",
            row("the decoded events", read),
            row("what the site sent", sent),
        );
        let zh = format!(
            "直播已结束。网站把每个礼物发送了两次，并断开了 {cuts} 次连接；每个礼物只计一次：\n\n{}\n{}\n{}",
            "                   礼物      钻石",
            row("解码出的事件", read),
            row("网站发送的  ", sent),
        );
        let value = json!({ "read": read, "sent": sent, "connections": connections });
        self.say("gifts", value, [&en, &zh])
    }

    pub(crate) fn no_browser(&self, site: &str, how: &str) -> Result<(), Failed> {
        let en = format!(
            "\nNo Chromium, Chrome or Edge was found on this machine. To get one:\n  {how}\n\n\
             Or open the sample page, with the page script in it, in the browser that you have:\n  {site}\n"
        );
        let zh = format!(
            "\n本机没有找到 Chromium、Chrome 或 Edge（No Chromium）。安装方法：\n  {how}\n\n\
             或者用已有的浏览器打开带有页面脚本的示例网页：\n  {site}\n"
        );
        self.say(
            "no_browser",
            json!({ "open": site, "get": how }),
            [&en, &zh],
        )
    }

    /// What a person may do next.
    pub(crate) fn stays(&self, site: &str, next: Next) -> Result<(), Failed> {
        let calls = next.calls.join("\n  ");
        let mut en = format!(
            "\nNow you. The hub and the pages stay until Ctrl-C:\n\n  {calls}\n\n  The page itself: {site}\n"
        );
        let mut zh = format!(
            "\n现在轮到你。hub 和网页保持运行，直到按下 Ctrl-C：\n\n  {calls}\n\n  网页本身：{site}\n"
        );
        if !next.room.is_empty() {
            let room = next.room.join("\n  ");
            en += &format!(
                "\nThe live room: have it sign, see what was read of it, and what it has sent:\n\n  {room}\n"
            );
            zh += &format!("\n直播间：让它签名，查看读到的内容，以及它发送的内容：\n\n  {room}\n");
        }
        let mut value = next.addresses;
        value["type"] = json!([next.calls, next.room].concat());
        self.say("stays", value, [&en, &zh])
    }

    pub(crate) fn ended(&self, well: bool) -> Result<(), Failed> {
        let words = if well {
            ["\nAll of it worked.", "\n全部成功。"]
        } else {
            ["\nNot all of it worked:", "\n未能全部成功："]
        };
        self.say("ended", json!({ "ok": well }), words)
    }
}
