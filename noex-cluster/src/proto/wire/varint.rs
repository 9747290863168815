//! Pure: numbers in LEB128, seven bits a byte, the lowest first, in their shortest form.

use bytes::BufMut;

use super::error::WireError;

/// Appends `value`.
pub(super) fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.put_u8(low_bits(value));
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).expect("seven bits fit a byte")
}

/// Reads a number from what `next_byte` gives.
pub(super) fn read_varint(
    mut next_byte: impl FnMut() -> Result<u8, WireError>,
) -> Result<u64, WireError> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = next_byte()?;
        let bits = u64::from(byte & 0x7f);
        let is_last = byte & 0x80 == 0;
        // The tenth byte has room for one bit; a zero at the end could have been left out.
        if (shift == 63 && byte > 1) || (is_last && byte == 0 && shift > 0) {
            return Err(WireError::Number);
        }
        value |= bits << shift;
        if is_last {
            return Ok(value);
        }
    }
    Err(WireError::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<u64, WireError> {
        let mut bytes = bytes.iter().copied();
        read_varint(|| bytes.next().ok_or(WireError::Truncated))
    }

    #[test]
    fn every_bit_survives_in_the_fewest_bytes() {
        for bit in 0..u64::BITS {
            for value in [1 << bit, (1 << bit) - 1, u64::MAX >> bit] {
                let mut bytes = Vec::new();
                put_varint(&mut bytes, value);
                assert_eq!(read(&bytes), Ok(value));
                let bits = usize::try_from(u64::BITS - value.leading_zeros()).unwrap();
                assert_eq!(bytes.len(), bits.div_ceil(7).max(1));
            }
        }
    }

    #[test]
    fn long_forms_and_large_numbers_are_refused() {
        assert_eq!(read(&[0x80, 0]), Err(WireError::Number));
        assert_eq!(read(&[0xff; 11]), Err(WireError::Number));
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(read(&over), Err(WireError::Number));
        assert_eq!(read(&[0x80]), Err(WireError::Truncated));
    }
}
