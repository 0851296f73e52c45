//! Answers as AWS sends them, and the product's own clients, which get them from no network.

use aws_config::Region;
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::Response;
use mfa_warden::aws::{AwsError, Clients, loader};
use std::collections::VecDeque;
use std::fmt::Display;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// The id of every request. AWS sends it in a header, and in XML in the body too.
pub const REQUEST: &str = "7b0d2c4e-5f61-4a83-9c05-e1d2f3a4b5c6";

/// The region of the clients. Clients of one region share a budget of retries and slow down together, other tests' too:
/// those that are throttled take another.
pub const HERE: &str = "us-west-2";

/// An answer to one call.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `iam:ListUsers`.
    pub operation: &'static str,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    fn new(operation: &'static str, status: u16, body: String) -> Self {
        let kind = if is_json(operation) { "application/x-amz-json-1.1" } else { "text/xml" };
        let headers = vec![("x-amzn-RequestId", REQUEST.to_owned()), ("Content-Type", kind.to_owned())];
        Answer { operation, status, headers, body }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn times(self, times: usize) -> Vec<Self> {
        vec![self; times]
    }
}

fn is_json(operation: &str) -> bool {
    operation.starts_with("secretsmanager:") || operation.starts_with("cloudtrail:")
}

/// The namespace of a Query API's XML.
fn namespace(operation: &str) -> &'static str {
    match operation.split(':').next().unwrap() {
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "sns" => "http://sns.amazonaws.com/doc/2010-03-31/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        service => panic!("{service} has no Query API"),
    }
}

/// A success. `content` is all of the JSON, or what the result element of the XML holds. An operation without output has
/// no such element.
pub fn ok(operation: &'static str, content: &str) -> Answer {
    if is_json(operation) {
        return Answer::new(operation, 200, content.to_owned());
    }
    let api = operation.split(':').nth(1).unwrap();
    let result = match content {
        "" => String::new(),
        content => format!("  <{api}Result>\n{content}\n  </{api}Result>\n"),
    };
    let body = format!(
        "<{api}Response xmlns=\"{}\">\n{result}  <ResponseMetadata>\n    <RequestId>{REQUEST}</RequestId>\n  \
         </ResponseMetadata>\n</{api}Response>\n",
        namespace(operation)
    );
    Answer::new(operation, 200, body)
}

/// A map in XML, the content of an [`ok`]: an `<entry>` with `<key>` and `<value>` for each pair, in `element`.
pub fn map<'a>(element: &str, pairs: impl IntoIterator<Item = (&'a str, impl Display)>) -> String {
    let entries = pairs.into_iter().map(|(key, value)| {
        format!(
            "
      <entry>
        <key>{key}</key>
        <value>{value}</value>
      </entry>"
        )
    });
    let entries: String = entries.collect();
    format!("    <{element}>{entries}\n    </{element}>")
}

/// An error that AWS answers with.
pub fn refused(operation: &'static str, status: u16, code: &str, message: &str) -> Answer {
    if is_json(operation) {
        return Answer::new(operation, status, json_error(code, message));
    }
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<ErrorResponse xmlns=\"{}\">\n  <Error>\n    <Type>{fault}</Type>\n    <Code>{code}</Code>\n    \
         <Message>{message}</Message>\n  </Error>\n  <RequestId>{REQUEST}</RequestId>\n</ErrorResponse>\n",
        namespace(operation)
    );
    Answer::new(operation, status, body)
}

/// The service model of Secrets Manager gives its errors a `Message`. Emulators write `message`.
pub fn json_error(code: &str, message: &str) -> String {
    serde_json::json!({"__type": code, "Message": message}).to_string()
}

/// What is still to be answered.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<Mutex<VecDeque<Answer>>>);

impl Line {
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Line(Arc::new(Mutex::new(answers.into_iter().collect())))
    }

    /// The next answer, which must be that of the operation that is asked for.
    pub fn next(&self, target: Option<&str>, form: &str) -> Answer {
        let asked = operation(target, form);
        let answer = self.0.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| panic!("{asked} is asked for, and no answer is left"));
        assert_eq!(asked, answer.operation, "this is asked for, and another answer is next");
        answer
    }

    #[track_caller]
    pub fn assert_used_up(&self) {
        let left = self.0.lock().unwrap();
        assert!(left.is_empty(), "never asked for: {left:?}");
    }
}

/// The operation of a request, from the header or the form that names it.
fn operation(target: Option<&str>, form: &str) -> String {
    if let Some(target) = target {
        // `secretsmanager.ListSecrets`; of CloudTrail all of its model's name stands before the operation's.
        let (service, operation) = target.rsplit_once('.').unwrap();
        let service = if service.contains("CloudTrail") { "cloudtrail" } else { service };
        return format!("{service}:{operation}");
    }
    let field = |name: &str| {
        form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let service = match field("Version") {
        "2010-05-08" => "iam",
        "2010-03-31" => "sns",
        "2011-06-15" => "sts",
        version => panic!("no API has the version `{version}`"),
    };
    format!("{service}:{}", field("Action"))
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let answer = self.next(request.headers().get("x-amz-target"), &form);
        let mut response = Response::new(answer.status.try_into().unwrap(), answer.body.into());
        for (name, value) in answer.headers {
            response.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// The clients of the function, which get these answers and no others, in this order.
pub struct Aws {
    clients: Clients,
    line: Line,
}

impl Aws {
    pub async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::in_region(HERE, answers).await
    }

    pub async fn in_region(region: &'static str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let line = Line::new(answers);
        let connector = SharedHttpConnector::new(line.clone());
        let http_client = http_client_fn(move |_, _| connector.clone());
        let config = loader(http_client).test_credentials().region(Region::new(region));
        let config = config.time_source(StaticTimeSource::from_secs(1_781_524_800)).load().await;
        Aws { clients: Clients::new(&config), line }
    }
}

impl Deref for Aws {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.clients
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.line.assert_used_up();
        }
    }
}

/// What the error says that comes of these answers.
pub async fn error<T>(
    answers: impl IntoIterator<Item = Answer>,
    ask: impl AsyncFnOnce(&Clients) -> Result<T, AwsError>,
) -> AwsError {
    let aws = Aws::answering(answers).await;
    match ask(&aws).await {
        Ok(_) => panic!("no error"),
        Err(error) => error,
    }
}
