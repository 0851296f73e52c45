//! The rule that the tree shows: look down only, and neighbors do not know each other. Every path that the code of `src`
//! names is visited: `use` lines, expressions, types, attributes, and what macros are given.

#![allow(missing_docs, clippy::unwrap_used)]

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// The floors: what each may name of the others. The lowest first.
const FLOORS: [(&str, &[&str]); 9] = [
    ("model", &[]),
    ("rules", &["model"]),
    ("words", &["model", "rules"]),
    ("messages", &["model", "rules", "words"]),
    ("reporting", &["model", "rules", "words"]),
    ("aws", &["model"]),
    ("run", &["model", "rules", "words", "messages", "reporting", "aws"]),
    ("handler", &["model", "rules", "words", "reporting", "aws", "run"]),
    ("logging", &[]),
];

/// What the pure floors name of other crates: nothing that reads a clock, an environment, a network or a log.
const PURE: [&str; 5] = ["model", "rules", "words", "messages", "reporting"];
const IMPURE: [&str; 6] =
    ["tokio", "tracing", "tracing_subscriber", "lambda_runtime", "futures_util", "fastrand"];
const IMPURE_STD: [&str; 9] =
    ["env", "fs", "io", "net::TcpListener", "net::TcpStream", "net::UdpSocket", "process", "thread", "time"];

/// Paths in one file, each as its names. `crate`, `self` and `super` are resolved.
#[derive(Default)]
struct Paths {
    /// The module of the file: `["run", "sweep"]`.
    module: Vec<String>,
    found: BTreeSet<Vec<String>>,
    /// What keeps paths from being seen.
    hidden: BTreeSet<String>,
    /// What names stand for, by `use` and `type`.
    names: BTreeMap<String, Vec<String>>,
    /// The types, traits and modules that the file itself defines.
    own: BTreeSet<String>,
    /// Each implementation of a trait: the trait, and every type that it is made for.
    impls: Vec<(Vec<String>, Vec<Vec<String>>)>,
}

/// The names of a path.
fn names(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// Paths in the head of an `impl`.
#[derive(Default)]
struct Head(Vec<Vec<String>>);

/// A file that `build.rs` made, as code includes it.
fn generated(tokens: &str) -> Option<syn::File> {
    let name = tokens.replace(' ', "");
    let name = name.strip_prefix("concat!(env!(\"OUT_DIR\"),\"/")?.strip_suffix("\")")?;
    syn::parse_file(&std::fs::read_to_string(format!("{}/{name}", env!("OUT_DIR"))).ok()?).ok()
}

impl<'ast> Visit<'ast> for Head {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(names(path));
        syn::visit::visit_path(self, path);
    }
}

impl Paths {
    fn add(&mut self, path: &[String]) {
        let path = self.absolute(path);
        self.found.insert(path);
    }

    /// The path from the crate on.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut path = path.to_vec();
        match path.first().map(String::as_str) {
            Some("crate") => {}
            Some("self") if path.get(1).is_some_and(|name| name == "super") => {
                return self.absolute(&path[1..]);
            }
            Some("self") if path.len() > 1 => {
                path.splice(0..1, std::iter::once("crate".to_owned()).chain(self.module.clone()));
            }
            Some("super") => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                let above = self.module[..kept].to_vec();
                path.splice(0..ups, std::iter::once("crate".to_owned()).chain(above));
            }
            _ => {}
        }
        path
    }

    /// The path behind a name that the file imports.
    fn resolved(&self, path: &[String]) -> Vec<String> {
        match self.names.get(&path[0]) {
            Some(before) if before[0] != path[0] => self.resolved(&[before, &path[1..]].concat()),
            _ => path.to_vec(),
        }
    }

    /// Whether the floor, and no other, defines this.
    fn is_own(&self, path: &[String]) -> bool {
        match self.resolved(path).as_slice() {
            [first, floor, ..] if first == "crate" => *floor == self.module[0],
            [first, ..] => self.own.contains(first),
            [] => false,
        }
    }

    /// Implementations of a trait of another floor or crate for a type of another floor: that floor can use them, and no
    /// path in it shows the dependency. Only `words` may do this: it implements `Display` for types of `model`.
    fn foreign_impls(&self) -> impl Iterator<Item = String> {
        let is_foreign = |(trait_, types): &&(Vec<String>, Vec<Vec<String>>)| {
            let of = self.resolved(&types[0]);
            let in_words = self.module[0] == "words"
                && trait_.last().is_some_and(|name| name == "Display")
                && of.starts_with(&["crate".to_owned(), "model".to_owned()]);
            !in_words && !self.is_own(trait_) && !types.iter().any(|path| self.is_own(path))
        };
        self.impls.iter().filter(is_foreign).map(|(trait_, types)| {
            format!("impl {} for {}", trait_.join("::"), self.resolved(&types[0]).join("::"))
        })
    }

    fn import(&mut self, name: &syn::Ident, path: &[String]) {
        let path = self.absolute(path);
        self.names.insert(name.to_string(), path);
    }

    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => {
                // `self` in braces names what stands before them.
                match before.last() {
                    Some(last) if name.ident == "self" => {
                        self.import(&syn::Ident::new(last, name.ident.span()), before)
                    }
                    _ => self.import(&name.ident, &with(&name.ident)),
                }
                self.add(&with(&name.ident));
            }
            syn::UseTree::Rename(rename) => {
                self.import(&rename.rename, &with(&rename.ident));
                self.refuse_whole(&with(&rename.ident));
                self.add(&with(&rename.ident));
            }
            syn::UseTree::Glob(_) => {
                self.refuse_whole(before);
                self.add(before);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
        }
    }

    /// Under another name, or without any, a whole crate would be seen no more.
    fn refuse_whole(&mut self, path: &[String]) {
        if path.iter().all(|name| ["crate", "std", "core", "self", "super"].contains(&name.as_str())) {
            self.hidden.insert(format!("{} under another name", path.join("::")));
        }
    }

    /// What a macro is given is no syntax yet: names that `::` joins.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_if_path(&path);
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    // `crate::{a, b}`: each of them behind what stands before.
                    if colons == 2 {
                        for token in group.stream() {
                            if let TokenTree::Ident(ident) = token {
                                self.add(&[path.as_slice(), &[ident.to_string()]].concat());
                            }
                        }
                    }
                    self.add_if_path(&path);
                    path.clear();
                    colons = 0;
                    self.add_tokens(group.stream());
                }
                // A path in quotes, as serde takes it.
                TokenTree::Literal(literal) if literal.to_string().starts_with("\"crate::") => {
                    let text = literal.to_string().trim_matches('"').to_owned();
                    self.add(&text.split("::").map(str::to_owned).collect::<Vec<_>>());
                }
                _ => {
                    self.add_if_path(&path);
                    path.clear();
                    colons = 0;
                }
            }
        }
        self.add_if_path(&path);
    }

    fn add_if_path(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.add(path);
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(&names(path));
        syn::visit::visit_path(self, path);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some((_, trait_, _)) = &item.trait_ {
            let mut head = Head::default();
            head.visit_type(&item.self_ty);
            trait_.segments.iter().for_each(|segment| head.visit_path_arguments(&segment.arguments));
            let types: Vec<_> = head.0.iter().map(|path| self.absolute(path)).collect();
            if !types.is_empty() {
                self.impls.push((self.absolute(&names(trait_)), types));
            }
        }
        syn::visit::visit_item_impl(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.own.insert(item.ident.to_string());
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.own.insert(item.ident.to_string());
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.own.insert(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if let syn::Type::Path(of) = &*item.ty {
            self.import(&item.ident, &names(&of.path));
        }
        syn::visit::visit_item_type(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("path") {
            self.hidden.insert("a file by its path".to_owned());
        }
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
        syn::visit::visit_attribute(self, attribute);
    }

    fn visit_macro(&mut self, macro_: &'ast syn::Macro) {
        let name = macro_.path.segments.last().map(|segment| segment.ident.to_string());
        if name.as_deref() == Some("include") {
            match generated(&macro_.tokens.to_string()) {
                // Leaked, because what is visited must live as long as the rest.
                Some(file) => self.visit_file(Box::leak(Box::new(file))),
                None => drop(self.hidden.insert("an included file".to_owned())),
            }
        }
        if name
            .as_deref()
            .is_some_and(|name| ["print", "println", "eprint", "eprintln", "dbg"].contains(&name))
        {
            self.found.insert(vec!["std".to_owned(), "io".to_owned(), name.unwrap_or_default()]);
        }
        if has_impl(macro_.tokens.clone()) {
            self.hidden.insert("an implementation in a macro".to_owned());
        }
        self.add_tokens(macro_.tokens.clone());
        syn::visit::visit_macro(self, macro_);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests may use what they like.
        let is_test = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.meta.require_list().unwrap().tokens.to_string() == "test"
        });
        if !is_test {
            self.own.insert(item.ident.to_string());
            self.module.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }
}

/// Whether a macro is given an `impl … for …`.
fn has_impl(tokens: TokenStream) -> bool {
    let mut in_impl = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            in_impl |= ident == "impl";
            in_impl && ident == "for"
        }
        TokenTree::Group(group) => has_impl(group.stream()),
        _ => false,
    })
}

/// The rules that a module breaks, each with the path that breaks it.
fn breaks(module: &[String], code: &str) -> Vec<String> {
    let mut paths = Paths { module: module.to_vec(), ..Paths::default() };
    paths.visit_file(&syn::parse_file(code).unwrap());
    let floor = module[0].as_str();
    let allowed = FLOORS.iter().find(|(name, _)| *name == floor).map(|(_, allowed)| *allowed);
    let Some(allowed) = allowed else {
        return vec![format!("{}: this floor is in no plan", module.join("::"))];
    };
    let hidden = paths.hidden.iter().map(|what| format!("{}: {what} cannot be seen", module.join("::")));
    let mut broken: Vec<String> = hidden.collect();
    broken.extend(paths.foreign_impls().map(|foreign| {
        format!("{}: `{floor}` has neither this trait nor this type: {foreign}", module.join("::"))
    }));
    for path in &paths.found {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let shown = path.join("::");
        let is_pure = PURE.contains(&floor);
        match names.as_slice() {
            ["crate", other, ..] if *other == floor || allowed.contains(other) => {}
            ["crate", "Settings", ..] if allowed.contains(&"model") => {}
            ["crate", ..] if names.len() == 1 => {}
            ["crate", ..] => broken.push(format!("{}: `{floor}` may not name {shown}", module.join("::"))),
            [first, ..] if is_pure && (IMPURE.contains(first) || first.starts_with("aws_")) => {
                broken.push(format!("{}: `{floor}` is pure, and names {shown}", module.join("::")));
            }
            ["std", rest @ ..] if is_pure => {
                let rest = rest.join("::");
                if IMPURE_STD.iter().any(|one| rest == *one || rest.starts_with(&format!("{one}::"))) {
                    broken.push(format!("{}: `{floor}` is pure, and names {shown}", module.join("::")));
                }
            }
            [.., last] if is_pure && (last.starts_with("now") && names.len() > 1 || *last == "system") => {
                broken.push(format!(
                    "{}: `{floor}` is pure, and reads the clock by {shown}",
                    module.join("::")
                ));
            }
            _ => {}
        }
    }
    broken
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules of the library, with their code.
fn modules() -> BTreeMap<Vec<String>, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let in_library = |path: &PathBuf| {
        let own = path.strip_prefix(&source).unwrap();
        !own.starts_with("bin") && !["lib.rs", "main.rs"].iter().any(|name| own == Path::new(name))
    };
    let module = |path: PathBuf| {
        let own = path.strip_prefix(&source).unwrap().with_extension("");
        let mut names: Vec<String> =
            own.components().map(|part| part.as_os_str().to_str().unwrap().to_owned()).collect();
        if names.last().is_some_and(|last| last == "mod") {
            names.pop();
        }
        (names, std::fs::read_to_string(path).unwrap())
    };
    rust_files(&source).into_iter().filter(in_library).map(module).collect()
}

#[test]
fn every_floor_looks_down_only_and_knows_no_neighbor() {
    let broken: Vec<String> = modules().iter().flat_map(|(module, code)| breaks(module, code)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_plan_names_every_floor_that_there_is() {
    let there: BTreeSet<String> = modules().into_keys().map(|module| module[0].clone()).collect();
    let planned: BTreeSet<String> = FLOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, planned);
}

/// Each way to break the rule is seen.
#[test]
fn a_break_of_the_rule_is_seen_however_it_is_written() {
    let module = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    for (where_, code) in [
        ("model::user", "use crate::rules::plan::next;"),
        ("model::user", "use super::super::rules;"),
        ("model::user", "use super::{settings, super::aws::iam::Iam};"),
        ("model::user", "fn f() { crate::messages::format::date(now) }"),
        ("model::user", "fn f(of: &crate::rules::changes::Snapshot) {}"),
        ("model::user", r#"fn f() { format!("{}", crate::messages::format::date(now)); }"#),
        ("model::user", r#"fn f() { json!({"a": [crate::messages::format::date(now)]}); }"#),
        ("model::user", "mod inner { use super::super::super::run::Run; }"),
        ("rules::plan", "use crate::aws::AwsError;"),
        ("rules::plan", "fn f() -> Timestamp { jiff::Timestamp::now() }"),
        ("rules::plan", "use jiff::Timestamp; fn f() -> Timestamp { Timestamp::now() }"),
        ("rules::plan", "use jiff::Timestamp as Time; fn f() -> Time { Time::now() }"),
        ("rules::plan", "use tokio::time::Instant;"),
        ("rules::plan", "fn f() { tracing::info!(\"x\"); }"),
        ("rules::plan", "fn f() { std::env::var(\"X\"); }"),
        ("rules::plan", "use aws_sdk_iam::types::User;"),
        ("messages::owner", "use crate::reporting::answer::Answer;"),
        ("messages::owner", "use crate::aws::sns::Sns;"),
        ("reporting::answer", "use crate::messages::owner::attributes;"),
        ("aws::sns", "use crate::rules::delivery::Filter;"),
        ("aws::sns", "use crate::messages::owner::attributes;"),
        ("aws::sns", "use crate::reporting::answer::Answer;"),
        ("run::sweep", "use crate::handler::Warden;"),
        ("handler", "use crate::messages::operations;"),
        ("cellar", "use crate::model::user::User;"),
        ("rules::plan", "use crate as c; use c::aws::iam::Iam;"),
        ("rules::plan", "use crate::*; use aws::iam::Iam;"),
        ("rules::plan", "use self::super::super::aws::iam::Iam;"),
        ("rules::plan", "use std as s; fn f() { s::env::var(\"X\"); }"),
        ("rules::plan", "use std::*;"),
        ("rules::plan", "m! { use crate::{aws}; }"),
        ("rules::plan", "#[path = \"../aws/iam.rs\"] mod x;"),
        ("rules::plan", "include!(\"../aws/iam.rs\");"),
        ("rules::plan", "#[serde(with = \"crate::aws::iam\")] struct A;"),
        ("rules::plan", "fn f() { Uuid::now_v7() }"),
        ("rules::plan", "fn f() { jiff::tz::TimeZone::system() }"),
        ("rules::plan", "fn f() { println!(\"x\") }"),
        ("rules::plan", "use std::net::TcpListener;"),
        ("rules::plan", "use aws_types::SdkConfig;"),
        ("reporting::answer", "use crate::model::verdict::Why; impl serde::Serialize for Why {}"),
        ("reporting::answer", "impl std::fmt::Display for crate::model::verdict::Why {}"),
        ("reporting::answer", "use crate::model::verdict as v; impl serde::Serialize for &v::Why {}"),
        ("reporting::answer", "type W = crate::model::verdict::Why; impl serde::Serialize for W {}"),
        ("reporting::answer", "use crate::model::verdict::*; impl serde::Serialize for Why {}"),
        ("reporting::answer", "impl From<crate::model::verdict::Why> for String {}"),
        ("reporting::answer", "m! { impl serde::Serialize for crate::model::verdict::Why {} }"),
        ("reporting::answer", "macro_rules! m { ($a:ty) => { impl serde::Serialize for $a {} } }"),
        ("messages::owner", "use crate::model::known::Known; impl Default for Known<u8> {}"),
        ("words", "impl serde::Serialize for crate::model::verdict::Why {}"),
        ("words", "impl std::fmt::Display for crate::rules::changes::Snapshot {}"),
        ("aws::sns", "use crate::words::duration;"),
        ("rules::plan", "use crate::words::duration;"),
    ] {
        assert!(!breaks(&module(where_), code).is_empty(), "{where_}: {code}");
    }
    for (where_, code) in [
        ("model::user", "use super::text::shown; use std::net::IpAddr; use jiff::Timestamp;"),
        ("rules::plan", "use crate::model::user::User; use super::judge;"),
        ("run::sweep", "use crate::aws::iam::Iam; use crate::rules::plan::next; use tokio::time::Instant;"),
        ("words", "use crate::model::verdict::Why; impl std::fmt::Display for Why {}"),
        ("reporting::answer", "struct A(Why); use crate::model::verdict::Why; impl From<Why> for A {}"),
        ("aws::error", "use crate::model::failure::Failure; impl From<super::AwsError> for Failure {}"),
        ("rules::plan", "trait Due {} impl Due for crate::model::user::User {}"),
        ("model::user", "#[cfg(test)] mod tests { use crate::rules::plan::next; }"),
    ] {
        assert_eq!(breaks(&module(where_), code), [""; 0], "{where_}: {code}");
    }
}
