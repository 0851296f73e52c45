//! Makes the list of languages, and a template for each message in each of them, from the folders in
//! `src/messages/templates`. A new language is a new folder.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

const FOLDER: &str = "src/messages/templates";

/// Each message, with what it may speak of.
const MESSAGES: [(&str, &str); 6] = [
    ("invitation", "Offer"),
    ("reminder", "Offer"),
    ("quarantined", "Offer"),
    ("enrolled", "Enrolled"),
    ("withdrawn", "Withdrawn"),
    ("enroll", "Said<'_>"),
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut languages = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        languages.push(entry?.file_name().into_string().map_err(|_| io::Error::other("an odd folder name"))?);
    }
    languages.sort();
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gives OUT_DIR"))?;
    let listed = format!(
        "/// The languages: the folders of templates.\npub const LANGUAGES: &[&str] = &{languages:?};\n"
    );
    fs::write(Path::new(&out).join("languages.rs"), listed)?;
    fs::write(Path::new(&out).join("templates.rs"), templates(&languages))
}

/// One function for each message, which renders it in a language.
fn templates(languages: &[String]) -> String {
    let mut code = String::new();
    for (message, context) in MESSAGES {
        let of = context.replace("'_", "'a");
        let mut arms = String::new();
        for language in languages {
            let _ = writeln!(
                arms,
                "        {language:?} => {{\n\
                 \x20           #[derive(askama::Template)]\n\
                 \x20           #[template(path = \"{language}/{message}.txt\", config = \"src/messages/askama.toml\")]\n\
                 \x20           struct Text<'a> {{\n\
                 \x20               m: &'a {of},\n\
                 \x20           }}\n\
                 \x20           askama::Template::render(&Text {{ m }})\n\
                 \x20       }}"
            );
        }
        let _ = writeln!(
            code,
            "pub(super) fn {message}(language: &str, m: &{context}) -> Result<String, askama::Error> {{\n\
             \x20   match language {{\n{arms}\
             \x20       _ => Err(askama::Error::Fmt),\n\
             \x20   }}\n\
             }}\n"
        );
    }
    code
}
