//! Pure: what two nodes said to each other in each version that was ever spoken, byte by byte.
//!
//! A version that others may still speak is kept as it was: `vN.txt` holds a conversation with
//! fixed keys, and its tests demand that this code reads it, and that it says the same again for
//! as long as it speaks that version. A change that fails them needs a version of its own.

#[cfg(test)]
mod tests;
