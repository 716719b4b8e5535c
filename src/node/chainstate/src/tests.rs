//! The engine on a real disk: by hand for what must happen, by chance against a plain model for everything else.

mod faults;
mod lab;
mod model;
mod own_rules;
mod replay;
mod snapshots;
mod stories;
