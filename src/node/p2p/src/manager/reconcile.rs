//! Agreeing on the reconciliation of transaction sets (BIP330). Both sides say during the handshake that they can; sets are
//! not reconciled yet.

use super::PeerManager;
use crate::PeerId;
use crate::message::Message;
use crate::peer::{ConnectionKind, Reconciliation};
use crate::view::{ChainAccess, TxAccess};

/// The version of the protocol.
const VERSION: u32 = 1;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Tells a peer that wants transactions that we can reconcile.
    pub(super) fn offer_reconciliation(&mut self, id: PeerId) {
        let salt = self.chance.u64();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let wanted = peer.relay.as_ref().is_some_and(|relay| relay.wanted);
        if self.options.reconcile && wanted && peer.kind != ConnectionKind::AddrFetch && !self.options.blocks_only {
            tracing::debug!(target: "txreconciliation", "Pre-register peer={id}");
            peer.reconciliation = Some(Reconciliation::Offered);
            self.send(id, Message::SendTxRcncl { version: VERSION, salt });
        }
    }

    /// A peer says that it can reconcile.
    pub(super) fn on_sendtxrcncl(&mut self, id: PeerId, version: u32) {
        let Some(peer) = self.peers.get(&id) else { return };
        if !self.options.reconcile {
            tracing::debug!(
                target: "net",
                "sendtxrcncl from peer={id} ignored, as our node does not have txreconciliation enabled"
            );
            return;
        }
        let problem = if peer.established {
            "sendtxrcncl received after verack"
        } else if self.refuses_txs(peer) {
            "sendtxrcncl received to which we indicated no tx relay"
        } else if peer.relay.as_ref().is_none_or(|relay| !relay.wanted) {
            "sendtxrcncl received which indicated no tx relay to us"
        } else {
            match peer.reconciliation {
                None => {
                    tracing::debug!(target: "net", "Ignore unexpected txreconciliation signal from peer={id}");
                    return;
                }
                Some(Reconciliation::Agreed) => {
                    "txreconciliation protocol violation (sendtxrcncl received from already registered peer)"
                }
                Some(Reconciliation::Offered) if version < VERSION => "txreconciliation protocol violation",
                Some(Reconciliation::Offered) => {
                    let inbound = u8::from(peer.is_inbound());
                    tracing::debug!(target: "txreconciliation", "Register peer={id} (inbound={inbound})");
                    self.set_reconciliation(id, Some(Reconciliation::Agreed));
                    return;
                }
            }
        };
        tracing::debug!(target: "net", "{problem}, disconnecting peer={id}");
        self.disconnect(id);
    }

    /// The handshake is over: without agreement, or without wtxids to reconcile by, there is nothing to remember.
    pub(super) fn settle_reconciliation(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        if !peer.wtxid_relay || peer.reconciliation == Some(Reconciliation::Offered) {
            self.forget_reconciliation(id);
        }
    }

    pub(super) fn forget_reconciliation(&mut self, id: PeerId) {
        if self.peers.get(&id).is_some_and(|peer| peer.reconciliation.is_some()) {
            tracing::debug!(target: "txreconciliation", "Forget txreconciliation state of peer={id}");
            self.set_reconciliation(id, None);
        }
    }

    fn set_reconciliation(&mut self, id: PeerId, state: Option<Reconciliation>) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.reconciliation = state;
        }
    }
}
