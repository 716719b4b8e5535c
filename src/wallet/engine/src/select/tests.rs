//! What the algorithms are known to choose, and what they must never do.

mod bnb;
mod grinder;
mod helpers;
mod knapsack;
mod ladder;
mod properties;
mod waste;
