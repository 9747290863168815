//! Pure: what a word is, and how often each one occurs.
//!
//! A word is a maximal run of Unicode alphanumeric characters, in lower case. Bytes that are not
//! UTF-8 separate words, as the replacement character of a lossy decoding would.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often each word occurs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Counts {
    by_word: BTreeMap<String, u64>,
}

impl Counts {
    /// Adds what another part of the text holds. The order of parts makes no difference.
    pub(crate) fn merge(&mut self, other: Self) {
        for (word, count) in other.by_word {
            *self.by_word.entry(word).or_default() += count;
        }
    }

    /// The number of words, each occurrence counted.
    pub(crate) fn total(&self) -> u64 {
        self.by_word.values().sum()
    }

    /// The number of different words.
    pub(crate) fn distinct(&self) -> usize {
        self.by_word.len()
    }

    /// The `n` most frequent words, most frequent first, equally frequent ones by alphabet.
    pub(crate) fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = self
            .by_word
            .iter()
            .map(|(word, &count)| (word.as_str(), count))
            .collect();
        all.sort_by(|(word_a, count_a), (word_b, count_b)| {
            count_b.cmp(count_a).then_with(|| word_a.cmp(word_b))
        });
        all.truncate(n);
        all
    }

    /// `word` must be in lower case.
    fn add(&mut self, word: &str) {
        // Most words were seen before: look first, so that only new ones are copied.
        match self.by_word.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                self.by_word.insert(word.to_owned(), 1);
            }
        }
    }
}

/// Adds the words of `bytes` to `counts`.
///
/// Counting the parts of a text one by one equals counting the whole if no cut splits a word or a
/// character; `chunks::cut` makes only such cuts.
pub(crate) fn count(bytes: &[u8], counts: &mut Counts) {
    let mut lower = String::new();
    for piece in bytes.utf8_chunks() {
        for word in piece
            .valid()
            .split(is_separator)
            .filter(|word| !word.is_empty())
        {
            if word.is_ascii() {
                lower.clear();
                lower.push_str(word);
                lower.make_ascii_lowercase();
                counts.add(&lower);
            } else {
                counts.add(&word.to_lowercase());
            }
        }
    }
}

/// Whether this character stands between words.
pub(crate) fn is_separator(character: char) -> bool {
    !character.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(bytes: &[u8]) -> Vec<(String, u64)> {
        let mut counts = Counts::default();
        count(bytes, &mut counts);
        counts.by_word.into_iter().collect()
    }

    fn words(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
        expected
            .iter()
            .map(|&(word, count)| (word.to_owned(), count))
            .collect()
    }

    #[test]
    fn no_bytes_hold_no_words() {
        assert_eq!(counted(b""), []);
        assert_eq!(counted(b" \n--_--\t"), []);
    }

    #[test]
    fn case_and_punctuation_make_no_difference() {
        assert_eq!(
            counted(b"To be, or NOT to_be?"),
            words(&[("be", 2), ("not", 1), ("or", 1), ("to", 2)])
        );
    }

    #[test]
    fn letters_and_digits_of_every_script_form_words() {
        let text = "ÄRGER ärger 東京 x²… ΟΔΟΣ";
        assert_eq!(
            counted(text.as_bytes()),
            words(&[("x²", 1), ("ärger", 2), ("οδος", 1), ("東京", 1)])
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_separate_words() {
        assert_eq!(
            counted(b"a\xffb\xc3 c\xe2\x82d"),
            words(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)])
        );
    }

    #[test]
    fn the_count_is_that_of_the_lossy_decoding() {
        let bytes = b"one\xf0\x9f\x98two\xed\xa0\x80three\xc0\xafone\xc3\xa9";
        let decoded = String::from_utf8_lossy(bytes);
        assert_eq!(counted(bytes), counted(decoded.as_bytes()));
        assert_eq!(
            counted(bytes),
            words(&[("one", 1), ("oneé", 1), ("three", 1), ("two", 1)])
        );
    }

    #[test]
    fn merging_adds_and_commutes() {
        let (mut a, mut b) = (Counts::default(), Counts::default());
        count(b"x y", &mut a);
        count(b"y z z", &mut b);
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(b);
        ba.merge(a);
        assert_eq!(ab, ba);
        assert_eq!((ab.total(), ab.distinct()), (5, 3));
    }

    #[test]
    fn the_top_is_by_count_then_by_word() {
        let mut counts = Counts::default();
        count(b"c b a b c d", &mut counts);
        assert_eq!(counts.top(3), [("b", 2), ("c", 2), ("a", 1)]);
        assert_eq!(counts.top(0), []);
        assert_eq!(counts.top(99).len(), 4);
    }
}
