//! Which wallets there are, and which one is looked at.

use interfaces::{Secret, WalletCreate};

use crate::refresh::Refresh;

/// A wallet that signs by descriptors, as every new one does.
const FLAG_DESCRIPTORS: u64 = 1 << 34;

/// The wallets of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalletsFound {
    /// Those that are open.
    pub open: Vec<String>,
    /// Those on disk that are not.
    pub closed: Vec<String>,
    /// Whether this node has wallets at all.
    pub enabled: bool,
}

/// What a new wallet is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateForm {
    /// Its name.
    pub name: String,
    /// Its passphrase; empty for none.
    pub passphrase: Secret,
    /// The passphrase again.
    pub repeat: Secret,
    /// What is wrong with the name.
    pub name_error: Option<String>,
    /// What is wrong with the passphrase.
    pub passphrase_error: Option<String>,
}

impl CreateForm {
    /// What to create, unless something is wrong, which is then written beside its field.
    pub(crate) fn check(&mut self) -> Option<WalletCreate> {
        let name = self.name.trim();
        self.name_error = name.is_empty().then(|| "Enter a name for the wallet.".to_owned());
        let differs = self.passphrase != self.repeat;
        self.passphrase_error = differs.then(|| "The passphrases are not the same.".to_owned());
        if self.name_error.is_some() || differs {
            return None;
        }
        let passphrase = std::mem::take(&mut self.passphrase);
        self.repeat = Secret::default();
        Some(WalletCreate { name: name.to_owned(), passphrase, flags: FLAG_DESCRIPTORS, load_on_startup: Some(true) })
    }
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wallets {
    /// What there is.
    pub found: WalletsFound,
    /// Which one is looked at: always one that is open.
    pub chosen: Option<String>,
    /// A new one.
    pub form: CreateForm,
    /// A wallet is being created or opened.
    pub busy: bool,
    /// Why that failed.
    pub error: Option<String>,
    /// What the user should know of the last one.
    pub warnings: Vec<String>,
    pub(crate) refresh: Refresh,
    /// The one that the user wants to look at, open or not.
    preferred: Option<String>,
}

impl Wallets {
    /// Takes the list over. The wallet that is looked at stays, if it is still open. Answers whether another one is
    /// looked at now.
    pub(crate) fn found(&mut self, found: WalletsFound) -> bool {
        let before = self.chosen.take();
        let open = |name: &&String| found.open.contains(name);
        let kept = self.preferred.as_ref().filter(open).or(before.as_ref().filter(open));
        self.chosen = kept.or(found.open.first()).cloned();
        self.found = found;
        self.chosen != before
    }

    /// Looks at another wallet. Answers whether that is a change.
    pub(crate) fn choose(&mut self, name: String) -> bool {
        let change = self.found.open.contains(&name) && self.chosen.as_ref() != Some(&name);
        if change {
            self.preferred = Some(name.clone());
            self.chosen = Some(name);
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(open: &[&str]) -> WalletsFound {
        let open = open.iter().map(|&name| name.to_owned()).collect();
        WalletsFound { open, enabled: true, ..WalletsFound::default() }
    }

    #[test]
    fn the_chosen_wallet_is_an_open_one() {
        let mut wallets = Wallets::default();
        assert!(wallets.found(found(&["a", "b"])));
        assert_eq!(wallets.chosen.as_deref(), Some("a"));
        assert!(wallets.choose("b".into()) && !wallets.choose("b".into()) && !wallets.choose("c".into()));
        assert!(!wallets.found(found(&["a", "b", "c"])));
        assert!(wallets.found(found(&["c"])));
        assert_eq!(wallets.chosen.as_deref(), Some("c"));
        assert!(wallets.found(found(&[])));
        assert_eq!(wallets.chosen, None);
        // It is back, and so is what the user chose.
        assert!(wallets.found(found(&["a", "b"])));
        assert_eq!(wallets.chosen.as_deref(), Some("b"));
    }

    #[test]
    fn a_new_wallet_needs_a_name_and_one_passphrase() {
        let mut form = CreateForm { passphrase: Secret::new("a"), ..CreateForm::default() };
        assert_eq!(form.check(), None);
        assert!(form.name_error.is_some() && form.passphrase_error.is_some());
        form.name = " w ".into();
        form.repeat = Secret::new("a");
        let create = form.check().unwrap();
        assert_eq!((create.name.as_str(), create.passphrase.expose()), ("w", "a"));
        assert_eq!((&form.passphrase, &form.repeat), (&Secret::default(), &Secret::default()));
    }
}
