//! A proxy between the function's process and moto: it keeps every request, and disturbs the calls that a test names.

use crate::cloud::moto_endpoint;
use crate::process::Request;
use data_encoding::BASE64;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to a call that the proxy disturbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// AWS says no.
    Denied,
    /// AWS says no in these words.
    Refused(&'static str),
    /// AWS performs it, and the connection breaks before the answer.
    Lost,
    /// The answer is no answer of AWS.
    Garbled,
    /// AWS performs it, and answers with an error that repeats the request and the answer.
    Echoed,
    /// A proxy in the way answers with a page that shows both.
    Paged,
    /// The answer breaks off in the middle.
    CutOff,
    /// The answer has other types than AWS's, with all that it held.
    Mistyped,
}

impl Fate {
    pub const ALL: [Fate; 7] =
        [Fate::Denied, Fate::Lost, Fate::Garbled, Fate::Echoed, Fate::Paged, Fate::CutOff, Fate::Mistyped];
}

/// What the proxy saw, and what it does next.
#[derive(Debug, Default)]
pub struct Seen {
    pub requests: Vec<Request>,
    /// Seeds as `CreateVirtualMFADevice` handed them out.
    pub seeds: BTreeSet<String>,
    fate: Option<Doom>,
}

/// The calls that are disturbed, and how.
#[derive(Debug)]
struct Doom {
    /// The API; empty: every one.
    api: String,
    /// A part of the request's body.
    part: String,
    fate: Fate,
}

impl Doom {
    fn is_for(&self, request: &Request) -> bool {
        let is_named = self.api.is_empty() || self.api == request.api();
        let body = percent_encoding::percent_decode_str(&request.body).decode_utf8_lossy();
        is_named && body.contains(&self.part)
    }
}

/// Between the function and moto.
pub struct Proxy {
    pub endpoint: String,
    seen: Arc<Mutex<Seen>>,
}

impl Proxy {
    pub fn start(account: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = seen.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (account, seen) = (account.clone(), shared.clone());
                std::thread::spawn(move || pass_on(connection.unwrap(), &account, &seen));
            }
        });
        Proxy { endpoint, seen }
    }

    /// From now on this happens to the calls of the API.
    pub fn doom(&self, api: &str, fate: Fate) {
        self.doom_for(api, "", fate);
    }

    /// From now on this happens to the API's calls whose body holds `part`.
    pub fn doom_for(&self, api: &str, part: &str, fate: Fate) {
        self.seen().fate = Some(Doom { api: api.to_owned(), part: part.to_owned(), fate });
    }

    /// From now on this happens to every call.
    pub fn doom_all(&self, fate: Fate) {
        self.doom("", fate);
    }

    /// From now on calls are passed on as they are.
    pub fn pardon(&self) {
        self.seen().fate = None;
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

/// One request: on to moto, and its answer back.
fn pass_on(mut function: TcpStream, account: &str, seen: &Mutex<Seen>) {
    let Some(request) = Request::read(&mut BufReader::new(&function)) else { return };
    let fate = {
        let doom = &mut seen.lock().unwrap().fate;
        let fate = doom.as_ref().filter(|doom| doom.is_for(&request)).map(|doom| doom.fate);
        // Once, so that the SDK's next attempt meets what the first has left.
        if fate == Some(Fate::Lost) {
            *doom = None;
        }
        fate
    };
    seen.lock().unwrap().requests.push(request.clone());
    let refusal = match fate {
        Some(Fate::Denied) => Some("no"),
        Some(Fate::Refused(words)) => Some(words),
        _ => None,
    };
    if let Some(words) = refusal {
        let body = if request.is_json() {
            json!({"__type": "AccessDeniedException", "message": words}).to_string()
        } else {
            format!(
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>{words}</Message></Error></ErrorResponse>"
            )
        };
        let _ = answer(&mut function, 403, &body);
        return;
    }
    let (first, rest) = request.head.split_once("\r\n").unwrap();
    let mut moto = TcpStream::connect(moto_endpoint().trim_start_matches("http://")).unwrap();
    let head = format!("{first}\r\nConnection: close\r\nx-moto-account-id: {account}\r\n{rest}");
    moto.write_all(head.as_bytes()).unwrap();
    moto.write_all(request.body.as_bytes()).unwrap();
    let mut response = Vec::new();
    moto.read_to_end(&mut response).unwrap();
    let text = String::from_utf8_lossy(&response);
    if let Some((_, rest)) = text.split_once("<Base32StringSeed>") {
        let blob = rest.split_once('<').unwrap().0;
        let seed = String::from_utf8(BASE64.decode(blob.as_bytes()).unwrap()).unwrap();
        seen.lock().unwrap().seeds.insert(seed);
    }
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let both = format!("1 validation error detected: {} {body}", request.body);
    let is_json = request.is_json();
    let escaped = both.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match fate {
        Some(Fate::Lost) => {}
        Some(Fate::Echoed) => {
            let echo = if is_json {
                json!({"__type": "ValidationException", "message": both}).to_string()
            } else {
                format!(
                    "<ErrorResponse><Error><Code>ValidationError</Code><Message>{escaped}</Message></Error></ErrorResponse>"
                )
            };
            let _ = answer(&mut function, 400, &echo);
        }
        Some(Fate::Paged) => {
            let _ = answer(&mut function, 403, &format!("<html><body><pre>{escaped}</pre></body></html>"));
        }
        Some(Fate::CutOff) => {
            let _ = function.write_all(&response[..response.len() - body.len() / 3]);
        }
        Some(Fate::Mistyped) => {
            let mistyped = if is_json {
                let all = [both.as_str()];
                json!({"VersionId": all, "ARN": {"x": both}, "VersionStages": both, "CreatedDate": both})
                    .to_string()
            } else {
                body.replace("Seed>", "Seed><member>").replace("SerialNumber>", "SerialNumber><member>")
            };
            let _ = answer(&mut function, 200, &mistyped);
        }
        Some(Fate::Garbled) => {
            // All of the answer, and so its seed, where the SDK expects something else.
            let garbled = text.split_once("\r\n\r\n").unwrap().1.replace("Response>", "Rseponse>");
            let _ = answer(&mut function, 200, &garbled);
        }
        _ => {
            let _ = function.write_all(&response);
        }
    }
}

fn answer(to: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(to, "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}
