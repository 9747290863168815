//! Pure: `Channel`, the encrypted stream after the handshake, cut into records.
//!
//! A record is its length in two bytes and at most 65,535 bytes of ciphertext. Its number is not
//! sent: both ends count, so a record that is lost, repeated, moved or changed does not open.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use snow::{HandshakeState, StatelessTransportState};
use thiserror::Error;

use super::error::HandshakeError;

/// The bytes of a record's proof that it is genuine.
const TAG_SIZE: usize = 16;
/// The most plaintext in one record; Noise allows 65,535 bytes with the tag.
const PLAIN_SIZE_MAX: usize = 65_535 - TAG_SIZE;
/// The bytes of a record's length.
const LENGTH_SIZE: usize = 2;

/// Both directions of an encrypted stream. They share no state that changes, so reader and writer
/// take one each.
#[derive(Debug)]
pub(crate) struct Channel {
    /// What this node sends.
    pub(crate) sealer: Sealer,
    /// What this node receives.
    pub(crate) opener: Opener,
}

/// Encrypts what this node sends.
#[derive(Debug)]
pub(crate) struct Sealer {
    state: Arc<StatelessTransportState>,
    nonce: u64,
}

/// Decrypts what this node receives.
#[derive(Debug)]
pub(crate) struct Opener {
    state: Arc<StatelessTransportState>,
    nonce: u64,
}

/// Why a record can't be opened. The connection must be closed: nothing behind it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum RecordError {
    /// It is too short to be genuine.
    #[error("record of {0} bytes is too short")]
    Short(usize),
    /// It was changed, repeated, moved, or made by somebody else.
    #[error("record is not genuine")]
    Forged,
}

impl Channel {
    pub(super) fn new(state: HandshakeState) -> Result<Self, HandshakeError> {
        let state = state
            .into_stateless_transport_mode()
            .map_err(|_not_finished| HandshakeError::BadMessage)?;
        let state = Arc::new(state);
        Ok(Self {
            sealer: Sealer {
                state: Arc::clone(&state),
                nonce: 0,
            },
            opener: Opener { state, nonce: 0 },
        })
    }
}

impl Sealer {
    /// Appends `plain` to `out`, as as many records as it takes.
    ///
    /// # Panics
    /// After 2^64 − 1 records.
    pub(crate) fn seal(&mut self, plain: &[u8], out: &mut BytesMut) {
        let records = plain.len().div_ceil(PLAIN_SIZE_MAX);
        out.reserve(plain.len() + records * (LENGTH_SIZE + TAG_SIZE));
        for chunk in plain.chunks(PLAIN_SIZE_MAX) {
            let size = chunk.len() + TAG_SIZE;
            out.put_u16(u16::try_from(size).expect("chunks leave room for the tag"));
            let start = out.len();
            out.resize(start + size, 0);
            let (_before, record) = out.split_at_mut(start);
            let written = self
                .state
                .write_message(self.nonce, chunk, record)
                .expect("a chunk of a record's size can be sealed");
            debug_assert_eq!(written, size, "a record is its chunk and a tag");
            self.nonce += 1;
        }
    }
}

impl Opener {
    /// Opens every whole record at the start of `wire`, takes it off, and appends what it held to
    /// `plain`. `true` if there was any.
    ///
    /// # Errors
    /// [`RecordError`] at the first record that is not genuine; the connection must be closed.
    pub(crate) fn open(
        &mut self,
        wire: &mut BytesMut,
        plain: &mut BytesMut,
    ) -> Result<bool, RecordError> {
        let mut progress = false;
        while let Some(length) = wire.first_chunk::<LENGTH_SIZE>() {
            let size = usize::from(u16::from_be_bytes(*length));
            if size < TAG_SIZE {
                return Err(RecordError::Short(size));
            }
            if wire.len() < LENGTH_SIZE + size {
                break;
            }
            let mut record = wire.split_to(LENGTH_SIZE + size);
            self.open_record(&record.split_off(LENGTH_SIZE), plain)?;
            progress = true;
        }
        Ok(progress)
    }

    fn open_record(&mut self, record: &[u8], plain: &mut BytesMut) -> Result<(), RecordError> {
        let start = plain.len();
        // With room for the tag as well, ring opens the record in place instead of in a new buffer.
        plain.resize(start + record.len(), 0);
        let (_before, room) = plain.split_at_mut(start);
        let opened = self.state.read_message(self.nonce, record, room);
        plain.truncate(start + opened.as_ref().copied().unwrap_or(0));
        opened.map_err(|_one_cause_only| RecordError::Forged)?;
        self.nonce += 1;
        Ok(())
    }
}
