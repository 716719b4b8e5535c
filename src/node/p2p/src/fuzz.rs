//! What must hold for any bytes that come from a peer or a file. The fuzz targets call these with bytes of their own.

mod conversation;

use primitives::Codec;

pub use conversation::conversation;

use crate::{AddrMan, Chance, Groups, MESSAGE_NAMES, Message, Received, Transport};

const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// A payload of the message that the first byte chooses: what can be read can be written, and reads the same again.
pub fn message(bytes: &[u8]) {
    let Some((choice, payload)) = bytes.split_first() else { return };
    let name = MESSAGE_NAMES[usize::from(*choice) % MESSAGE_NAMES.len()];
    let Ok(message) = Message::decode(name, payload, &Codec::BITCOIN) else { return };
    let again = Message::decode(name, &message.payload(), &Codec::BITCOIN);
    assert_eq!(again.as_ref(), Ok(&message));
}

/// Bytes on a connection, in pieces: the pieces make no difference, and nothing is made up.
pub fn transport(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let open = || match choice % 3 {
        0 => Transport::v1(MAGIC),
        kind => Transport::v2(MAGIC, kind == 1, &mut Chance::new([*choice; 32])),
    };
    let (mut whole, mut pieces) = (Vec::new(), Vec::new());
    let whole_ended = open().receive(bytes, &mut whole).is_err();
    let mut cut = open();
    let cut_ended = bytes.chunks(usize::from(choice / 3) + 1).any(|part| cut.receive(part, &mut pieces).is_err());
    assert_eq!((whole_ended, &whole), (cut_ended, &pieces));
    let counted = |it: &Received| match it {
        Received::Message { raw_size, .. } | Received::Rejected { raw_size, .. } => *raw_size,
    };
    assert!(whole.iter().map(counted).sum::<usize>() <= bytes.len());
}

/// The content of a `peers.dat` without its hash: what can be read is written in a form that reads the same.
pub fn peers_file(bytes: &[u8]) {
    use bitcoin::hashes::{Hash, sha256d};
    let mut file = bytes.to_vec();
    file.extend(sha256d::Hash::hash(bytes).to_byte_array());
    let Ok(read) = AddrMan::from_file(&file, MAGIC, Chance::new([1; 32]), Groups::default()) else { return };
    let written = read.to_file(MAGIC);
    let again = AddrMan::from_file(&written, MAGIC, Chance::new([1; 32]), Groups::default())
        .expect("what was written can be read");
    assert_eq!(again.to_file(MAGIC), written);
}

/// A map of autonomous systems, and an address behind it: whatever the map, there is an answer.
pub fn as_map(bytes: &[u8]) {
    crate::asmap::fuzz(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes(bytes in vec(any::<u8>(), 0..400)) {
            super::message(&bytes);
            super::conversation(&bytes);
            super::transport(&bytes);
            super::peers_file(&bytes);
            super::as_map(&bytes);
        }

        #[test]
        fn frames_with_a_right_start(choice: u8, bytes in vec(any::<u8>(), 0..400)) {
            let mut frame = vec![choice];
            frame.extend(super::MAGIC);
            frame.extend(b"version\0\0\0\0\0");
            frame.extend(bytes);
            super::transport(&frame);
        }
    }
}
