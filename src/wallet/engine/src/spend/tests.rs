//! Transactions built on a fake chain.

mod build;
mod bump;
mod errors;
mod fees;
mod fixture;
mod fund;
mod properties;
mod sweep;
