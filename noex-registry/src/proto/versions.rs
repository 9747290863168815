//! Pure: versions of nodes' entries, and the sum that shows whether two nodes know the same.

use noex_core::Creation;

/// A sum over the versions that a node knows, in any order. Two nodes with different knowledge
/// have the same sum once in 2⁶⁴ times, and then not after the next change.
///
/// A node without entries, version 0, adds nothing: whether it is known makes no difference.
pub(crate) fn sum_of(versions: impl Iterator<Item = (Creation, u64)>) -> u64 {
    versions
        .filter(|(_, version)| *version > 0)
        .map(|(origin, version)| mix(mix(origin.bits()).wrapping_add(version)))
        .fold(0, u64::wrapping_add)
}

/// The finishing steps of SplitMix64, which spread every bit over all others.
const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(versions: &[(u64, u64)]) -> u64 {
        let versions = versions.iter();
        sum_of(versions.map(|(origin, version)| (Creation::from_bits(*origin), *version)))
    }

    #[test]
    fn the_sum_tells_knowledge_apart_and_no_order() {
        assert_eq!(sum(&[(1, 2), (3, 4)]), sum(&[(3, 4), (1, 2)]));
        assert_eq!(sum(&[(1, 2), (3, 0)]), sum(&[(1, 2)]));
        assert_ne!(sum(&[(1, 2), (3, 4)]), sum(&[(1, 4), (3, 2)]));
        assert_ne!(sum(&[(1, 2), (3, 4)]), sum(&[(1, 3), (3, 3)]));
        assert_ne!(sum(&[(1, 2)]), sum(&[(2, 1)]));
    }
}
