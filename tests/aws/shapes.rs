//! Answers in the shape that AWS itself gives them, for every operation that the product calls. They are made from AWS's
//! service models and what is known of AWS. README.md says what each of them shows that no emulator does.

mod cloudtrail;
mod iam;
mod refusals;
mod secrets;
mod sns;
#[cfg(feature = "cli")]
mod warden;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use syn::visit::Visit;
use syn::{Expr, ExprCall, ExprMethodCall, ItemStruct, Local, Member, Pat, Type};

/// The operations that one file calls: those of the SDK's clients.
#[derive(Default)]
struct Calls {
    /// Variables that hold a client, and the client's service.
    clients: BTreeMap<String, String>,
    /// Variables that hold a client in a struct of its own, as `iam` holds `iam.0`. `self` is one in that struct's file.
    wrapped: BTreeMap<String, String>,
    /// `iam:listusers`, one for each place that makes a call.
    found: Vec<String>,
}

impl Calls {
    fn of(source: &str) -> Self {
        let mut calls = Calls::default();
        calls.visit_file(&syn::parse_file(source).unwrap());
        calls
    }

    /// The service whose client an expression is.
    fn client(&self, expr: &Expr) -> Option<&str> {
        match expr {
            Expr::Path(path) => self.clients.get(&path.path.get_ident()?.to_string()).map(String::as_str),
            Expr::Field(field) if matches!(&field.member, Member::Unnamed(index) if index.index == 0) => {
                let Expr::Path(path) = &*field.base else { return None };
                self.wrapped.get(&path.path.get_ident()?.to_string()).map(String::as_str)
            }
            _ => None,
        }
    }
}

/// The service of an expression like `aws_sdk_iam::Client::new(…)`.
fn made(expr: &Expr) -> Option<String> {
    let Expr::Call(ExprCall { func, .. }) = expr else { return None };
    let Expr::Path(path) = &**func else { return None };
    service_of(&path.path)
}

/// The service of a path that begins with `aws_sdk_iam::Client`.
fn service_of(path: &syn::Path) -> Option<String> {
    let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let service = names.first()?.strip_prefix("aws_sdk_")?;
    (names.get(1)? == "Client").then(|| service.to_owned())
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        for field in &item.fields {
            if let (None, Type::Path(path)) = (&field.ident, &field.ty)
                && let Some(service) = service_of(&path.path)
            {
                self.wrapped.insert("self".to_owned(), service);
            }
        }
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) {
            let name = name.ident.to_string();
            if let Some(service) = made(&init.expr) {
                self.clients.insert(name, service);
            } else if let Expr::Call(call) = &*init.expr
                && let Some(service) = call.args.first().and_then(made)
            {
                self.wrapped.insert(name, service);
            }
        }
        syn::visit::visit_local(self, local);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let service = self.client(&call.receiver).map(str::to_owned).or_else(|| made(&call.receiver));
        if let Some(service) = service
            && call.method != "config"
        {
            self.found.push(known_as(&format!("{service}:{}", call.method)));
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}

/// `list_mfa_devices` and `ListMFADevices` are one operation.
fn known_as(operation: &str) -> String {
    operation.replace('_', "").to_ascii_lowercase()
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The operations that the product calls.
fn called() -> BTreeSet<String> {
    let mut sources = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let mut called = BTreeSet::new();
    for path in sources {
        let source = std::fs::read_to_string(&path).unwrap();
        let Calls { found, .. } = Calls::of(&source);
        // Each request that is sent must have been recognized.
        let sent = without_space(&source).matches(".send()").count();
        assert_eq!(found.len(), sent, "{}: {found:?}, of {sent} requests that are sent", path.display());
        called.extend(found);
    }
    called
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The operations that these tests answer by that function: `ok`, `refused`, `denied`.
fn answered(how: &str) -> BTreeSet<String> {
    let sources = [
        include_str!("shapes/cloudtrail.rs"),
        include_str!("shapes/iam.rs"),
        include_str!("shapes/refusals.rs"),
        include_str!("shapes/secrets.rs"),
        include_str!("shapes/sns.rs"),
        include_str!("shapes/warden.rs"),
    ];
    let source = without_space(&sources.concat());
    let call = format!("{how}(\"");
    let named = source.split(&call).skip(1);
    named.filter_map(|rest| rest.split_once('"')).map(|(name, _)| known_as(name)).collect()
}

/// The operations in the table of README.md.
fn documented() -> Vec<String> {
    let rows = include_str!("README.md").lines().filter(|line| line.starts_with("| `"));
    let operation = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
        known_as(cells[0].trim_matches('`'))
    };
    rows.map(operation).collect()
}

#[test]
fn every_operation_that_the_product_calls_is_answered_and_refused_as_aws_does_it() {
    let called = called();
    assert!(called.len() > 30, "{called:?}");
    assert_eq!(answered("ok"), called, "with a success");
    let errors: BTreeSet<String> = answered("refused").union(&answered("denied")).cloned().collect();
    assert_eq!(errors, called, "with an error");
}

#[test]
fn the_table_has_one_row_for_every_operation_that_is_answered() {
    let documented = documented();
    let once: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(documented.len(), once.len(), "{documented:?}");
    assert_eq!(once, answered("ok"));
}

#[test]
fn a_call_is_found_however_its_client_is_held() {
    let source = "
        pub struct Iam(pub aws_sdk_iam::Client);
        impl Iam {
            async fn users(&self) {
                self.0
                    .list_users()
                    .send().await;
                let region = self.0.config().region();
            }
        }
        async fn others(config: &SdkConfig) {
            let secrets = aws_sdk_secretsmanager::Client::new(config);
            secrets.get_secret_value().secret_id(id).send().await;
            let iam = Iam(aws_sdk_iam::Client::new(config));
            iam.users().await;
            iam.0.enable_mfa_device().send().await;
            aws_sdk_sts::Client::from_conf(sts.build()).get_caller_identity().send().await;
        }";
    let found = Calls::of(source).found;
    assert_eq!(
        found,
        ["iam:listusers", "secretsmanager:getsecretvalue", "iam:enablemfadevice", "sts:getcalleridentity"]
    );
}
