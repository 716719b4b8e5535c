//! What the node and the wallets tell by themselves.

use interfaces::{BlockRef, Call, NodeNotifications, Txid, WalletNotifications};

use super::Tell;
use crate::action::News;

/// Listens to a node.
pub(super) struct NodeEar(pub(super) Tell);

impl NodeEar {
    #[expect(clippy::unnecessary_wraps, reason = "a notification cannot fail here, but the interface can")]
    fn tell(&self, news: News) -> Call<()> {
        (self.0)(news);
        Ok(())
    }
}

impl NodeNotifications for NodeEar {
    fn init_message(&self, message: &str) -> Call<()> {
        self.tell(News::InitMessage(message.to_owned()))
    }

    fn show_progress(&self, title: &str, progress: i32) -> Call<()> {
        self.tell(News::Progress { title: title.to_owned(), percent: progress })
    }

    fn message_box(&self, message: &str, style: &str) -> Call<()> {
        self.tell(News::Message { text: message.to_owned(), error: style == "error" })
    }

    fn block_tip(&self, _tip: BlockRef, _time: i64, _progress: f64) -> Call<()> {
        self.tell(News::NodeChanged)
    }

    fn header_tip(&self, _tip: BlockRef, _time: i64) -> Call<()> {
        self.tell(News::NodeChanged)
    }

    fn network_changed(&self, _connections: u32, _active: bool) -> Call<()> {
        self.tell(News::NodeChanged)
    }

    fn alerts_changed(&self, _warnings: &str) -> Call<()> {
        self.tell(News::NodeChanged)
    }
}

/// Listens to one wallet.
pub(super) struct WalletEar {
    pub(super) name: String,
    pub(super) tell: Tell,
}

impl WalletEar {
    #[expect(clippy::unnecessary_wraps, reason = "a notification cannot fail here, but the interface can")]
    fn tell(&self, news: News) -> Call<()> {
        (self.tell)(news);
        Ok(())
    }
}

impl WalletNotifications for WalletEar {
    fn transaction_changed(&self, _txid: Txid, _change: &str) -> Call<()> {
        self.tell(News::WalletChanged(self.name.clone()))
    }

    fn address_book_changed(&self, _address: &str, _label: &str, _purpose: &str, _change: &str) -> Call<()> {
        self.tell(News::AddressesChanged(self.name.clone()))
    }

    fn status_changed(&self) -> Call<()> {
        self.tell(News::WalletChanged(self.name.clone()))
    }

    fn show_progress(&self, title: &str, progress: i32) -> Call<()> {
        self.tell(News::Progress { title: title.to_owned(), percent: progress })
    }

    fn unload(&self) -> Call<()> {
        self.tell(News::WalletClosed)
    }
}
