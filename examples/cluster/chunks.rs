//! Pure: where to cut a file, so that no cut splits a word or a character.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;

use crate::words::is_separator;

/// The size to cut at: small enough to share the work evenly, large enough to be worth a message.
pub(crate) const CHUNK_SIZE: NonZeroUsize = NonZeroUsize::new(64 * 1024).expect("it is not zero");

/// No chunk is larger. Its words and its counts fit in a message of 16 MiB: lower case takes at
/// most half as many bytes again.
pub(crate) const CHUNK_SIZE_MAX: usize = 8 * 1024 * 1024;

/// A word is too long for any chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WordTooLong {
    /// Where in the file the chunk begins that can't be ended.
    pub(crate) offset: usize,
}

impl fmt::Display for WordTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset } = self;
        write!(
            f,
            "the word at byte {offset} is longer than the limit of {CHUNK_SIZE_MAX} bytes"
        )
    }
}

/// Cuts `bytes` into chunks that follow each other without gaps, none of them empty.
///
/// A chunk ends after the last separator that lies within `size`. Where one word fills all of
/// `size`, the chunk grows until it holds a separator.
///
/// # Errors
/// [`WordTooLong`] if a chunk of [`CHUNK_SIZE_MAX`] holds nothing but one word that goes on.
pub(crate) fn cut(bytes: &[u8], size: NonZeroUsize) -> Result<Vec<Range<usize>>, WordTooLong> {
    let mut chunks = Vec::with_capacity(bytes.len() / size);
    let mut start = 0;
    while start < bytes.len() {
        let length = first_chunk(&bytes[start..], size).ok_or(WordTooLong { offset: start })?;
        chunks.push(start..start + length);
        start += length;
    }
    Ok(chunks)
}

/// The length of the chunk that `rest` begins with.
fn first_chunk(rest: &[u8], size: NonZeroUsize) -> Option<usize> {
    let mut window = size.get().min(CHUNK_SIZE_MAX);
    loop {
        if rest.len() <= window {
            return Some(rest.len());
        }
        if let Some(end) = last_separator_end(&rest[..window]) {
            return Some(end);
        }
        if window == CHUNK_SIZE_MAX {
            return None;
        }
        window = (window * 2).min(CHUNK_SIZE_MAX);
    }
}

/// Where the last separator of `window` ends, in a text that goes on after it.
fn last_separator_end(window: &[u8]) -> Option<usize> {
    let mut position = 0;
    let mut last = None;
    for piece in window.utf8_chunks() {
        let valid = piece.valid();
        if let Some((at, separator)) = valid.char_indices().rfind(|&(_, c)| is_separator(c)) {
            last = Some(position + at + separator.len_utf8());
        }
        position += valid.len() + piece.invalid().len();
        // What looks invalid at the very end may be a character that the window cuts off.
        if !piece.invalid().is_empty() && position < window.len() {
            last = Some(position);
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Counts, count};

    fn size(size: usize) -> NonZeroUsize {
        NonZeroUsize::new(size).unwrap()
    }

    fn pieces(bytes: &[u8], chunk_size: usize) -> Vec<&[u8]> {
        cut(bytes, size(chunk_size))
            .unwrap()
            .into_iter()
            .map(|chunk| &bytes[chunk])
            .collect()
    }

    /// The chunks follow each other, and counting them equals counting the whole.
    fn assert_cuts_are_harmless(bytes: &[u8], chunk_size: usize, case: &str) {
        let pieces = pieces(bytes, chunk_size);
        assert!(
            pieces.iter().all(|piece| !piece.is_empty()),
            "{case}, size {chunk_size}"
        );
        assert_eq!(pieces.concat(), bytes, "{case}, size {chunk_size}");

        let (mut whole, mut merged) = (Counts::default(), Counts::default());
        count(bytes, &mut whole);
        for piece in pieces {
            let mut counts = Counts::default();
            count(piece, &mut counts);
            merged.merge(counts);
        }
        assert_eq!(merged, whole, "{case}, size {chunk_size}");
    }

    /// Bytes from `alphabet`, the same for the same seed (SplitMix64).
    fn random_bytes(seed: u64, length: usize, alphabet: &[&[u8]]) -> Vec<u8> {
        let mut state = seed;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            if alphabet.is_empty() {
                bytes.extend(z.to_le_bytes());
            } else {
                bytes.extend(alphabet[usize::try_from(z >> 33).unwrap() % alphabet.len()]);
            }
        }
        bytes
    }

    #[test]
    fn an_empty_file_has_no_chunks() {
        assert_eq!(cut(b"", CHUNK_SIZE), Ok(vec![]));
    }

    #[test]
    fn a_small_file_is_one_chunk() {
        assert_eq!(pieces(b"to be", 5), [b"to be"]);
    }

    #[test]
    fn a_chunk_ends_after_the_last_separator_within_the_size() {
        assert_eq!(pieces(b"to be or not", 8), [&b"to be "[..], b"or not"]);
    }

    #[test]
    fn a_chunk_grows_to_hold_a_word_longer_than_the_size() {
        let expected = [&b"a "[..], b"longish ", b"word ", b"here"];
        assert_eq!(pieces(b"a longish word here", 3), expected);
    }

    #[test]
    fn a_separator_need_not_be_ascii() {
        let text = "東京。大阪。".as_bytes();
        assert_eq!(pieces(text, 10), ["東京。".as_bytes(), "大阪。".as_bytes()]);
    }

    #[test]
    fn a_character_is_not_taken_for_invalid_bytes_where_the_size_ends() {
        let text = "aé".repeat(8);
        for chunk_size in 1..=text.len() {
            assert_eq!(pieces(text.as_bytes(), chunk_size), [text.as_bytes()]);
        }
    }

    #[test]
    fn invalid_bytes_are_cut_like_separators() {
        assert_eq!(
            pieces(b"ab\xffcd\xffef", 4),
            [&b"ab\xff"[..], b"cd\xff", b"ef"]
        );
        assert_cuts_are_harmless(&[0xff; 1000], 7, "only invalid bytes");
        assert_cuts_are_harmless(&[0x80; 1000], 1, "only continuation bytes");
    }

    #[test]
    fn no_chunk_is_larger_than_the_size_where_words_are_short() {
        let text = "word ".repeat(100_000);
        let chunks = cut(text.as_bytes(), CHUNK_SIZE).unwrap();
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_SIZE.get()));
        assert_eq!(chunks.len(), 8);
    }

    #[test]
    fn cuts_in_random_bytes_are_harmless() {
        for seed in 0..60 {
            let bytes = random_bytes(seed, 2_000, &[]);
            for chunk_size in [1, 2, 3, 5, 64, 1_999] {
                assert_cuts_are_harmless(&bytes, chunk_size, &format!("seed {seed}"));
            }
        }
    }

    #[test]
    fn cuts_in_text_of_many_scripts_and_broken_characters_are_harmless() {
        let alphabet: Vec<&[u8]> = [
            "a", "B", "é", "Σ", "İ", "東", "𝔘", "。", "…", "😀", " ", "\n",
        ]
        .iter()
        .map(|text| text.as_bytes())
        .chain([
            &b"\xff"[..],
            b"\xc3",
            b"\xe2\x82",
            b"\xf0\x9f\x98",
            b"\xed\xa0\x80",
            b"\x80",
        ])
        .collect();
        for seed in 0..60 {
            let bytes = random_bytes(seed, 1_000, &alphabet);
            for chunk_size in [1, 2, 3, 4, 7, 50, 999] {
                assert_cuts_are_harmless(&bytes, chunk_size, &format!("seed {seed}"));
            }
        }
    }

    #[test]
    fn a_word_of_megabytes_stays_whole() {
        let text = format!("a {} z", "Wört".repeat(600_000));
        let chunks = cut(text.as_bytes(), CHUNK_SIZE).unwrap();
        assert_eq!(
            chunks.len(),
            2,
            "one chunk before the word, then the word and what follows"
        );
        assert_cuts_are_harmless(text.as_bytes(), CHUNK_SIZE.get(), "a word of megabytes");
    }

    #[test]
    fn a_word_that_fits_in_no_chunk_is_an_error_that_says_where() {
        let mut bytes = vec![b'x'; CHUNK_SIZE_MAX + 1];
        assert_eq!(cut(&bytes, CHUNK_SIZE), Err(WordTooLong { offset: 0 }));
        bytes[2] = b' ';
        assert_eq!(cut(&bytes, CHUNK_SIZE).map(|chunks| chunks.len()), Ok(2));
        bytes.extend([b'x'; 3]);
        assert_eq!(cut(&bytes, CHUNK_SIZE), Err(WordTooLong { offset: 3 }));
    }
}
