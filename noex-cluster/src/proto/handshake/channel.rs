//! Pure: `Channel`, the encrypted stream after the handshake, cut into records.
//!
//! A record is its length in two bytes and at most 65,535 bytes of ciphertext. Its number is not
//! sent: both ends count, so a record that is lost, repeated, moved or changed does not open.
//!
//! A record of nothing announces that all behind it is sealed with the next key, which follows
//! from the current one by Noise's `REKEY` (section 4.2) and counts its records from nought. Who
//! seals decides when; who opens refuses a key that was used for far too long. So no number is
//! ever used twice with a key, and a key that leaks opens neither what was sealed before it nor
//! what the other end seals.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use snow::HandshakeState;
use snow::params::CipherChoice;
use snow::resolvers::{CryptoResolver, RingResolver};
use snow::types::Cipher;
use thiserror::Error;
use zeroize::Zeroizing;

use super::noise::Side;

/// The bytes of a record's proof that it is genuine.
const TAG_SIZE: usize = 16;
/// The most plaintext in one record; Noise allows 65,535 bytes with the tag.
const PLAIN_SIZE_MAX: usize = 65_535 - TAG_SIZE;
/// The bytes of a record's length.
const LENGTH_SIZE: usize = 2;

/// For how long a key is used: for so many bytes on the wire, and for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyLife {
    pub(super) size: u64,
    pub(super) time: Duration,
}

/// SSH's limits (RFC 4253, section 9). With records of 18 bytes and more, a key seals less than
/// 2^26 of them, and AES-GCM bears 2^32.
pub(super) const KEY_LIFE: KeyLife = KeyLife {
    size: 1 << 30,
    time: Duration::from_hours(1),
};

/// How many times the size of a key's life is borne from the peer, which counts its own bytes.
const PATIENCE: u64 = 2;

/// Both directions of an encrypted stream. They share nothing, so reader and writer take one each.
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
    key: Key,
    life: KeyLife,
    /// When the key was first used.
    used_since: Option<Instant>,
}

/// Decrypts what this node receives.
#[derive(Debug)]
pub(crate) struct Opener {
    key: Key,
    life: KeyLife,
}

/// A key, and how much it was used.
struct Key {
    cipher: Box<dyn Cipher>,
    records: u64,
    size: u64,
}

/// Why a record can't be opened. The connection must be closed: nothing behind it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum RecordError {
    /// It is too short to be genuine.
    #[error("record of {0} bytes is too short")]
    Short(usize),
    /// It was changed, repeated, moved, or made by somebody else.
    #[error("record is not genuine: it was changed, repeated, moved or made up on the way")]
    Forged,
    /// The peer should have changed its key long ago.
    #[error("the peer does not change its key")]
    Overused,
}

impl Channel {
    /// The channel that a finished handshake of this side ends in.
    pub(super) fn new(mut state: HandshakeState, side: Side) -> Self {
        let (dialler, acceptor) = state.dangerously_get_raw_split();
        let (dialler, acceptor) = (Zeroizing::new(dialler), Zeroizing::new(acceptor));
        let (own, peer) = match side {
            Side::Dialler => (dialler, acceptor),
            Side::Acceptor => (acceptor, dialler),
        };
        Self {
            sealer: Sealer {
                key: Key::new(&own),
                life: KEY_LIFE,
                used_since: None,
            },
            opener: Opener {
                key: Key::new(&peer),
                life: KEY_LIFE,
            },
        }
    }

    /// With keys that live for so long.
    #[cfg(test)]
    pub(super) fn with_life(mut self, life: KeyLife) -> Self {
        (self.sealer.life, self.opener.life) = (life, life);
        self
    }
}

impl Sealer {
    /// Appends `plain` to `out`, as as many records as it takes, and changes the key when it is
    /// due.
    pub(crate) fn seal(&mut self, plain: &[u8], now: Instant, out: &mut BytesMut) {
        let records = plain.len().div_ceil(PLAIN_SIZE_MAX);
        out.reserve(plain.len() + records * (LENGTH_SIZE + TAG_SIZE));
        for chunk in plain.chunks(PLAIN_SIZE_MAX) {
            if self.is_key_due(now) {
                self.put_record(&[], out);
                self.key.change();
                self.used_since = Some(now);
            }
            self.put_record(chunk, out);
        }
    }

    fn is_key_due(&mut self, now: Instant) -> bool {
        let since = *self.used_since.get_or_insert(now);
        self.key.size >= self.life.size || now.saturating_duration_since(since) >= self.life.time
    }

    fn put_record(&mut self, chunk: &[u8], out: &mut BytesMut) {
        let size = chunk.len() + TAG_SIZE;
        out.put_u16(u16::try_from(size).expect("chunks leave room for the tag"));
        let start = out.len();
        out.resize(start + size, 0);
        let (_before, record) = out.split_at_mut(start);
        let written = self
            .key
            .cipher
            .encrypt(self.key.records, &[], chunk, record);
        debug_assert_eq!(written, size, "a record is its chunk and a tag");
        self.key.count(size);
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
        if self.key.size > self.life.size.saturating_mul(PATIENCE) {
            return Err(RecordError::Overused);
        }
        let start = plain.len();
        // With room for the tag as well, ring opens the record in place instead of in a new buffer.
        plain.resize(start + record.len(), 0);
        let (_before, room) = plain.split_at_mut(start);
        let opened = self.key.cipher.decrypt(self.key.records, &[], record, room);
        plain.truncate(start + opened.as_ref().copied().unwrap_or(0));
        match opened.map_err(|_one_cause_only| RecordError::Forged)? {
            0 => self.key.change(),
            _ => self.key.count(record.len()),
        }
        Ok(())
    }
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Self {
        let cipher = RingResolver.resolve_cipher(&CipherChoice::AESGCM);
        let mut cipher = cipher.expect("ring has the cipher of the pattern");
        cipher.set(bytes);
        Self {
            cipher,
            records: 0,
            size: 0,
        }
    }

    /// A record of this size was sealed or opened.
    fn count(&mut self, size: usize) {
        self.records += 1;
        self.size += u64::try_from(LENGTH_SIZE + size).expect("records are short");
    }

    /// The next key takes the place of this one.
    fn change(&mut self) {
        self.cipher.rekey();
        (self.records, self.size) = (0, 0);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}
