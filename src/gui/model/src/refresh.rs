//! Asking for the same thing again, one question at a time.

/// Whether a question is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Refresh {
    /// No question is open.
    #[default]
    Idle,
    /// One is.
    Asked,
    /// One is, and what it asks for has changed since.
    Stale,
}

impl Refresh {
    /// Something changed. Answers whether to ask now.
    pub(crate) fn want(&mut self) -> bool {
        let ask = *self == Self::Idle;
        *self = if ask { Self::Asked } else { Self::Stale };
        ask
    }

    /// The answer came. Answers whether to ask again, if anybody can be asked.
    pub(crate) fn came(&mut self, able: bool) -> bool {
        let again = *self == Self::Stale && able;
        *self = if again { Self::Asked } else { Self::Idle };
        again
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Refresh;

    proptest! {
        /// However often something changes, one question is open at most, and the last change is asked about.
        #[test]
        fn one_question_at_a_time(changes in prop::collection::vec(any::<bool>(), 0..50)) {
            let (mut refresh, mut open, mut unseen) = (Refresh::default(), 0_u32, false);
            let answers = std::iter::repeat_n(false, 3);
            for change in changes.into_iter().chain(answers) {
                let asks = if change {
                    unseen = true;
                    refresh.want()
                } else if open > 0 {
                    open -= 1;
                    refresh.came(true)
                } else {
                    false
                };
                if asks {
                    (open, unseen) = (open + 1, false);
                }
                prop_assert!(open <= 1);
            }
            prop_assert!(!unseen && open == 0);
        }
    }
}
