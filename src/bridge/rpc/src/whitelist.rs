//! Which methods a user may call (`-rpcwhitelist`, `-rpcwhitelistdefault`).

use std::collections::{BTreeMap, BTreeSet};

/// The methods that users may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whitelist {
    users: BTreeMap<String, BTreeSet<String>>,
    /// Whether users without a list may call nothing.
    deny_unlisted: bool,
}

/// What a user may do.
#[derive(Debug, Clone, Copy)]
pub enum Permission<'a> {
    /// Call anything.
    All,
    /// Call nothing.
    Nothing,
    /// Call these.
    Some(&'a BTreeSet<String>),
}

impl Permission<'_> {
    /// Whether he may call `method`.
    pub fn allows(&self, method: &str) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Some(methods) => methods.contains(method),
        }
    }
}

impl Whitelist {
    /// From the values of `-rpcwhitelist`, each `user:method,method`, and of `-rpcwhitelistdefault` if it was given. A
    /// user with several lists may call what all of them have.
    pub fn new<'a>(lists: impl IntoIterator<Item = &'a str>, default: Option<bool>) -> Self {
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for list in lists {
            let Some((user, methods)) = list.split_once(':') else {
                // A user without a colon gets an empty list, but keeps one that he has.
                users.entry(list.to_owned()).or_default();
                continue;
            };
            let methods: BTreeSet<String> = methods.split([',', ' ']).map(str::to_owned).collect();
            let both = users.get(user).map(|earlier| earlier.intersection(&methods).cloned().collect());
            users.insert(user.to_owned(), both.unwrap_or(methods));
        }
        let deny_unlisted = default.unwrap_or(!users.is_empty());
        Self { users, deny_unlisted }
    }

    /// What `user` may do.
    pub fn permission(&self, user: &str) -> Permission<'_> {
        match self.users.get(user) {
            Some(methods) => Permission::Some(methods),
            None if self.deny_unlisted => Permission::Nothing,
            None => Permission::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_as_users_write_them() {
        let lists = ["a:getblockcount,getblockhash,", "b:stop, help", "b:stop", "c:", "d", "e:stop,stop"];
        let whitelist = Whitelist::new(lists, None);
        let allows = |user: &str, method: &str| whitelist.permission(user).allows(method);
        assert!(allows("a", "getblockcount") && allows("a", "getblockhash") && !allows("a", "stop"));
        assert!(allows("b", "stop") && !allows("b", "help"));
        assert!(!allows("c", "stop") && !allows("d", "stop"));
        assert!(allows("e", "stop"));
        assert!(!allows("nobody", "stop"));
    }

    #[test]
    fn the_default_is_to_deny_once_there_is_a_list() {
        assert!(Whitelist::new([], None).permission("x").allows("stop"));
        assert!(!Whitelist::new([], Some(true)).permission("x").allows("stop"));
        assert!(Whitelist::new(["a:stop"], Some(false)).permission("x").allows("help"));
        assert!(!Whitelist::new(["a:stop"], Some(false)).permission("a").allows("help"));
    }
}
