//! Which cases are run: every scenario with every coin in every shape, less what was not asked for.

use coin::Coin;

use crate::programs::Shape;
use crate::scenarios::Scenario;

/// One scenario with one coin in one shape.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The story.
    pub scenario: &'static Scenario,
    /// The coin.
    pub coin: &'static Coin,
    /// The shape.
    pub shape: Shape,
}

impl Case {
    /// The name by which it is reported and filtered: `reorg/bitcoin/mono`.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.scenario.name, self.coin.id, self.shape.name())
    }
}

/// A share of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which share, from one.
    pub part: usize,
    /// How many shares there are.
    pub of: usize,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Shard = Shard { part: 1, of: 1 };

    /// The items of this share. Every item is in exactly one share, and neighbours are in different ones.
    pub fn take<T>(self, items: Vec<T>) -> Vec<T> {
        items.into_iter().skip(self.part.saturating_sub(1)).step_by(self.of.max(1)).collect()
    }
}

/// Whether `name` is asked for: no filter at all, or one that it contains.
pub fn is_wanted(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
}

/// Every case in a fixed order. Components are attached only in scenarios that have a use for them.
pub fn cases(scenarios: &'static [Scenario], coins: &[&'static Coin], shapes: &[Shape], slow: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| slow || !scenario.slow) {
        for &coin in coins {
            let shapes = shapes.iter().filter(|shape| **shape != Shape::Attached || scenario.attached);
            cases.extend(shapes.map(|&shape| Case { scenario, coin, shape }));
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::ALL;

    #[test]
    fn every_case_is_in_exactly_one_share() {
        let all: Vec<String> = cases(ALL, coin::all(), &Shape::ALL, true).iter().map(Case::name).collect();
        let attached = ALL.iter().filter(|scenario| scenario.attached).count();
        assert!(attached > 0);
        assert_eq!(all.len(), (ALL.len() * 2 + attached) * coin::all().len());
        for of in 1..9 {
            let mut covered: Vec<String> = (1..=of).flat_map(|part| Shard { part, of }.take(all.clone())).collect();
            covered.sort();
            let mut expected = all.clone();
            expected.sort();
            assert_eq!(covered, expected, "{of} shares");
        }
    }

    #[test]
    fn filters_are_parts_of_names() {
        let filter = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert!(is_wanted("reorg/bitcoin/mono", &[]));
        assert!(is_wanted("reorg/bitcoin/mono", &filter(&["start", "coin/mono"])));
        assert!(!is_wanted("reorg/bitcoin/mono", &filter(&["start"])));
    }
}
