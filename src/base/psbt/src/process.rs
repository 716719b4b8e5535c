//! All inputs and outputs of a PSBT, with everything that somebody knows.

use crate::Psbt;
use crate::finalize::{Means, Problem, Work};
use crate::spend::Missing;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether every input is finished, and right.
    pub complete: bool,
    /// How many inputs were finished just now.
    pub finished: usize,
    /// How many inputs were worked on: those that were not finished before, and of which it is known what they spend.
    pub touched: usize,
}

impl Psbt {
    /// Adds what is known to all inputs and outputs, and signs and finishes the inputs that can be. Inputs that lack
    /// something are left as far as they came. A problem for which `is_fatal` says so ends the work.
    pub fn process(&mut self, means: &Means<'_>, is_fatal: impl Fn(Problem) -> bool) -> Result<Outcome, Problem> {
        let work = Work::new(self).ok_or(Problem::Contradiction)?;
        let data = work.data();
        let mut outcome = Outcome { complete: false, finished: 0, touched: 0 };
        for index in 0..self.inputs.len() {
            let input = &self.inputs[index];
            if input.is_final() || (input.witness_utxo.is_none() && input.non_witness_utxo.is_none()) {
                continue;
            }
            let done = work.fill(&data, self, index, means, &mut Missing::default());
            if let Some(problem) = done.err().filter(|problem| is_fatal(*problem)) {
                return Err(problem);
            }
            outcome.touched += 1;
            outcome.finished += usize::from(self.inputs[index].is_final());
        }
        for output in &mut self.outputs {
            output.fill(means.known);
        }
        self.drop_needless_transactions();
        outcome.complete = (0..self.inputs.len()).all(|index| work.is_verified(&data, self, index));
        Ok(outcome)
    }
}
