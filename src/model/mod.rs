//! Nouns: what is known, decided and done, as data. No rules, and no text for people.

pub mod account;
pub mod action;
pub mod arn;
pub mod blocker;
pub mod commands;
pub mod delivery;
pub mod enrollment;
pub mod facts;
pub mod failure;
pub mod hash;
pub mod known;
pub mod language;
pub mod message;
pub mod outcome;
pub mod recipient;
pub mod record;
pub mod rule;
pub mod seed;
pub mod settings;
pub mod subscription;
pub mod text;
pub mod trail;
pub mod user;
pub mod verdict;
pub mod warning;
