//! What stands between the process and the emulator: it writes down each call, sends it into the test's account, and
//! gives the answers that an emulator never does.

use crate::cloud::moto_endpoint;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How a call is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With an error of this code.
    Error(&'static str),
    /// With an error of this code and these words.
    Words(&'static str, &'static str),
    /// Once not at all, though it was performed.
    Lost,
    /// With this JSON, where the emulator knows no such call.
    Json(&'static str),
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<String>,
    answers: HashMap<&'static str, Answer>,
}

/// The gate to one account; its thread ends with the test process.
#[derive(Debug, Clone)]
pub struct Gate {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Gate {
    pub fn new(account: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Gate { url, state: Arc::default() };
        let (here, account) = (gate.clone(), account.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (here, account) = (here.clone(), account.clone());
                std::thread::spawn(move || here.serve(stream, &account));
            }
        });
        gate
    }

    /// From now on calls of that API are answered so.
    pub fn answer(&self, api: &'static str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(api, answer);
    }

    /// The names of the calls so far.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The calls that change something, or read a seed.
    pub fn beyond_reading(&self) -> Vec<String> {
        let reads = ["List", "Get", "Describe", "GenerateCredentialReport"];
        let is_read =
            |call: &String| reads.iter().any(|read| call.starts_with(read)) && call != "GetSecretValue";
        self.calls().into_iter().filter(|call| !is_read(call)).collect()
    }

    fn serve(&self, mut client: TcpStream, account: &str) {
        let Some((head, body)) = read_request(&client) else { return };
        let api = api_of(&head, &body);
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.calls.push(api.clone());
            let answer = state.answers.get(api.as_str()).cloned();
            state.answers.retain(|of, answer| *of != api || !matches!(answer, Answer::Lost));
            answer
        };
        match answer {
            Some(Answer::Error(code)) => {
                let words = format!("{code}, as AWS would say it");
                client.write_all(error(code, &words, &head).as_bytes()).unwrap();
            }
            Some(Answer::Words(code, words)) => {
                client.write_all(error(code, words, &head).as_bytes()).unwrap();
            }
            Some(Answer::Json(body)) => {
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                client.write_all(answer.as_bytes()).unwrap();
            }
            Some(Answer::Lost) => drop(forward(&head, &body, account)),
            None => client.write_all(&forward(&head, &body, account)).unwrap_or_default(),
        }
    }
}

/// The request's head, a line each, and its body.
fn read_request(stream: &TcpStream) -> Option<(Vec<String>, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    let mut headers = head.iter().filter_map(|line| line.split_once(": "));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn api_of(head: &[String], body: &[u8]) -> String {
    if let Some(target) = header(head, "x-amz-target") {
        return target.rsplit('.').next().unwrap().to_owned();
    }
    if head[0].starts_with("GET /federation/credentials?") {
        return "GetRoleCredentials".to_owned();
    }
    let body = String::from_utf8_lossy(body);
    body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned()
}

fn forward(head: &[String], body: &[u8], account: &str) -> Vec<u8> {
    let mut moto = TcpStream::connect(moto_endpoint().strip_prefix("http://").unwrap()).unwrap();
    let kept = head.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    for line in kept {
        write!(moto, "{line}\r\n").unwrap();
    }
    write!(moto, "Connection: close\r\nx-moto-account-id: {account}\r\n\r\n").unwrap();
    moto.write_all(body).unwrap();
    let mut answer = Vec::new();
    moto.read_to_end(&mut answer).unwrap();
    answer
}

fn error(code: &str, message: &str, head: &[String]) -> String {
    let body = if header(head, "x-amz-target").is_some() {
        format!(r#"{{"__type":"{code}","Message":"{message}"}}"#)
    } else {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>0</RequestId></ErrorResponse>"
        )
    };
    format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
