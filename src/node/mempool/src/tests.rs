//! The pool on a real chain.

mod accept;
mod bench;
mod chain;
mod dump;
mod model;
mod packages;
