//! The list of wallets to open at the next start, in the node's settings.

use ::rpc::Json;
use ::rpc::json;
use interfaces::Chain;

use super::Wallets;
use crate::wallet::WalletError;

const SETTING: &str = "wallet";

impl Wallets {
    /// Adds a wallet to the list, or takes it off. Returns warnings.
    pub(super) fn update_setting(&self, name: &str, load: Option<bool>) -> Result<Vec<String>, WalletError> {
        let Some(load) = load else { return Ok(Vec::new()) };
        let chain = &*self.shared.chain;
        let written = change(chain, |list| if load { add(list, name) } else { remove(list, name) })?;
        let may = if load { "may not be" } else { "may still be" };
        let warning =
            format!("Wallet load on startup setting could not be updated, so wallet {may} loaded next node startup.");
        Ok(if written { Vec::new() } else { vec![warning] })
    }

    /// Lets the wallet without a name be opened by this start, without writing that down.
    pub(super) fn use_unnamed(&self) -> Result<(), WalletError> {
        let list = interfaces::Json::new(Json::Arr(vec![Json::from("")]).write());
        let answer = self.shared.chain.update_rw_setting(SETTING, &interfaces::Json::default(), &list, false)?;
        if let Err(failure) = answer {
            tracing::warn!("{failure}");
        }
        Ok(())
    }

    /// The names of the wallets to open. Something that is no name is none.
    pub(super) fn configured(&self) -> Result<Vec<Option<String>>, WalletError> {
        let list = self.shared.chain.get_settings_list(SETTING)?;
        let name = |value: &interfaces::Json| match json::parse(value.as_str().as_bytes()) {
            Some(Json::Str(name)) => Some(name),
            _ => None,
        };
        Ok(list.iter().map(name).collect())
    }
}

/// Changes the list until nobody else has changed it meanwhile. `None` means that nothing has to be written.
fn change(chain: &dyn Chain, change: impl Fn(&Json) -> Option<Json>) -> Result<bool, WalletError> {
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        let old = chain.get_rw_setting(SETTING)?;
        let Some(new) = change(&json::parse(old.as_str().as_bytes()).unwrap_or_default()) else { return Ok(true) };
        let new = interfaces::Json::new(new.write());
        if chain.update_rw_setting(SETTING, &old, &new, true)?.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn add(list: &Json, name: &str) -> Option<Json> {
    let mut names = list.as_arr().unwrap_or_default().to_vec();
    if names.iter().any(|other| other.as_str() == Ok(name)) {
        return None;
    }
    names.push(Json::from(name));
    Some(Json::Arr(names))
}

fn remove(list: &Json, name: &str) -> Option<Json> {
    let Ok(names) = list.as_arr() else {
        // An empty list keeps the wallet without a name from being opened by itself.
        return (name.is_empty() && list.is_null()).then(|| Json::Arr(Vec::new()));
    };
    let left: Vec<Json> = names.iter().filter(|other| other.as_str() != Ok(name)).cloned().collect();
    (left.len() != names.len()).then_some(Json::Arr(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::rpc::arr;

    #[test]
    fn names_are_added_once_and_removed() {
        assert_eq!(add(&Json::Null, "a"), Some(arr!["a"]));
        assert_eq!(add(&arr!["a"], "b"), Some(arr!["a", "b"]));
        assert_eq!(add(&arr!["a", "b"], "a"), None);
        assert_eq!(remove(&arr!["a", "b"], "a"), Some(arr!["b"]));
        assert_eq!(remove(&arr!["b"], "a"), None);
        assert_eq!(remove(&Json::Null, "a"), None);
        assert_eq!(remove(&Json::Null, ""), Some(arr![]));
    }
}
