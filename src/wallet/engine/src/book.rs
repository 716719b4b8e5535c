//! The address book: labels, what addresses are for, and which were spent from.

use std::collections::{BTreeMap, BTreeSet};

use primitives::{Addresses, Destination};
use walletdb::{Key, Record, Text};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// To receive.
    Receive,
    /// To pay somebody.
    Send,
    /// To give money back, in wallets of old.
    Refund,
}

impl Purpose {
    /// The word in the file and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Send => "send",
            Self::Refund => "refund",
        }
    }

    /// The purpose of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Receive, Self::Send, Self::Refund].into_iter().find(|purpose| purpose.name() == name)
    }
}

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookEntry {
    /// Its label. An address without one is change.
    pub label: Option<Text>,
    /// What it is for, if anybody said so.
    pub purpose: Option<Purpose>,
    /// Whether coins on it were spent.
    pub used: bool,
    /// Payment requests, by number.
    pub requests: BTreeMap<String, Text>,
}

impl BookEntry {
    /// The label as text; empty for change.
    pub fn label_text(&self) -> String {
        self.label.as_ref().map_or_else(String::new, |label| label.to_lossy().into_owned())
    }

    /// Whether the address was never given to anybody.
    pub fn is_change(&self) -> bool {
        self.label.is_none()
    }
}

/// All addresses of which something is known.
#[derive(Debug)]
pub struct Book {
    addresses: Addresses,
    entries: BTreeMap<Destination, BookEntry>,
}

impl Book {
    /// An empty one.
    pub fn new(addresses: Addresses) -> Self {
        Self { addresses, entries: BTreeMap::new() }
    }

    /// What is known of an address, change left out.
    pub fn find(&self, destination: &Destination) -> Option<&BookEntry> {
        self.entries.get(destination).filter(|entry| !entry.is_change())
    }

    /// Whether an address was given to somebody.
    pub fn is_known(&self, destination: &Destination) -> bool {
        self.find(destination).is_some()
    }

    /// Whether coins on an address were spent.
    pub fn is_used(&self, destination: &Destination) -> bool {
        self.entries.get(destination).is_some_and(|entry| entry.used)
    }

    /// All addresses with a label.
    pub fn entries(&self) -> impl Iterator<Item = (&Destination, &BookEntry)> {
        self.entries.iter().filter(|(_, entry)| !entry.is_change())
    }

    /// The labels in use, for addresses of a purpose or all.
    pub fn labels(&self, purpose: Option<Purpose>) -> BTreeSet<String> {
        let fits = |entry: &BookEntry| purpose.is_none() || entry.purpose == purpose;
        self.entries().filter(|(_, entry)| fits(entry)).map(|(_, entry)| entry.label_text()).collect()
    }

    fn text(&self, destination: &Destination) -> Option<Text> {
        self.addresses.encode(destination).map(Text::from)
    }

    /// Labels an address, and perhaps says what it is for. Says whether it had a label before.
    pub fn set(
        &mut self,
        destination: Destination,
        label: &str,
        purpose: Option<Purpose>,
        out: &mut Vec<Record>,
    ) -> bool {
        if let Some(address) = self.text(&destination) {
            if let Some(purpose) = purpose {
                out.push(Record::Purpose { address: address.clone(), purpose: Text::from(purpose.name()) });
            }
            out.push(Record::Name { address, label: Text::from(label) });
        }
        let entry = self.entries.entry(destination).or_default();
        let known = !entry.is_change();
        entry.label = Some(Text::from(label));
        if purpose.is_some() {
            entry.purpose = purpose;
        }
        known
    }

    /// Notes that coins on an address were spent. Says whether that is new.
    pub fn mark_used(&mut self, destination: Destination, out: &mut Vec<Record>) -> bool {
        if matches!(destination, Destination::None(_)) || self.is_used(&destination) {
            return false;
        }
        if let Some(address) = self.text(&destination) {
            out.push(Record::used(address));
        }
        self.entries.entry(destination).or_default().used = true;
        true
    }

    /// Everything as records.
    pub fn copy_to(&self, out: &mut Vec<Record>) {
        for (destination, entry) in &self.entries {
            let Some(address) = self.text(destination) else { continue };
            if let Some(purpose) = entry.purpose {
                out.push(Record::Purpose { address: address.clone(), purpose: Text::from(purpose.name()) });
            }
            if let Some(label) = &entry.label {
                out.push(Record::Name { address: address.clone(), label: label.clone() });
            }
            for (id, request) in &entry.requests {
                out.push(Record::receive_request(address.clone(), id, request.clone()));
            }
            if entry.used {
                out.push(Record::used(address));
            }
        }
    }

    /// Forgets an address.
    pub fn remove(&mut self, destination: &Destination, erase: &mut Vec<Key>) {
        if let (Some(entry), Some(address)) = (self.entries.remove(destination), self.text(destination)) {
            let names = entry.requests.keys().map(|id| format!("rr{id}")).chain(entry.used.then(|| "used".to_owned()));
            erase.extend(names.map(|name| Key::DestData { address: address.clone(), name: Text::from(name) }));
            erase.push(Key::Purpose(address.clone()));
            erase.push(Key::Name(address));
        }
    }

    // From the file. What is no address of this chain stays in the file and is not shown.

    fn of_text(&mut self, address: &Text) -> Option<&mut BookEntry> {
        let destination = self.addresses.decode(address.as_str()?).ok()?;
        Some(self.entries.entry(destination).or_default())
    }

    /// A label.
    pub fn restore_label(&mut self, address: &Text, label: Text) {
        if let Some(entry) = self.of_text(address) {
            entry.label = Some(label);
        }
    }

    /// A purpose.
    pub fn restore_purpose(&mut self, address: &Text, purpose: &Text) {
        let purpose = purpose.as_str().and_then(Purpose::from_name);
        if let Some(entry) = self.of_text(address) {
            entry.purpose = purpose;
        }
    }

    /// More about an address.
    pub fn restore_data(&mut self, address: &Text, name: &Text, value: Text) {
        let Some(name) = name.as_str().map(str::to_owned) else { return };
        let Some(entry) = self.of_text(address) else { return };
        if name == "used" {
            // "1" was written for spent; "p" by versions that meant the same.
            entry.used = !value.is_empty();
        } else if let Some(id) = name.strip_prefix("rr") {
            entry.requests.insert(id.to_owned(), value);
        }
    }
}
