//! How an item stands as a memory.

use super::Refused;
use super::retention::{TRACE_BYTES, Trace};
use super::scoring::Confidence;

/// Bytes of a standing: the confidence, the number 1, the trace; little-endian. So the first eight are
/// never all zero.
pub const STANDING_BYTES: usize = 8 + TRACE_BYTES;

/// How sure an item is, and what is kept of its past.
///
/// The default is that of an item of which nobody has said anything: certain, and not fading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// How sure it is.
    pub confidence: Confidence,
    /// When it was used.
    pub trace: Trace,
}

impl Standing {
    /// The bytes to keep.
    pub fn to_bytes(&self) -> [u8; STANDING_BYTES] {
        let mut bytes = [0; STANDING_BYTES];
        let (confidence, rest) = bytes.split_at_mut(4);
        confidence.copy_from_slice(&self.confidence.get().to_le_bytes());
        rest[..4].copy_from_slice(&1_u32.to_le_bytes());
        rest[4..].copy_from_slice(&self.trace.to_bytes());
        bytes
    }

    /// The standing of these bytes.
    ///
    /// # Errors
    /// [`Refused`] if none has them.
    pub fn from_bytes(bytes: &[u8; STANDING_BYTES]) -> Result<Self, Refused> {
        let mut words = bytes.as_chunks::<4>().0.iter().copied();
        let (confidence, one) = (words.next().unwrap_or_default(), words.next());
        let confidence = Confidence::new(f32::from_le_bytes(confidence))?;
        match bytes.last_chunk::<TRACE_BYTES>() {
            Some(trace) if one == Some(1_u32.to_le_bytes()) => {
                Ok(Self { confidence, trace: Trace::from_bytes(trace)? })
            }
            _ => Err(Refused::DamagedTrace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_and_damage_is_refused() {
        let unsure = Confidence::new(0.0).unwrap();
        for standing in [
            Standing::default(),
            Standing { confidence: unsure, ..Standing::default() },
            Standing { confidence: unsure, trace: Trace::new(77).evergreen(true) },
        ] {
            let bytes = standing.to_bytes();
            assert_ne!(bytes[..8], [0; 8]);
            assert_eq!(Standing::from_bytes(&bytes), Ok(standing));
            for (place, byte) in [(STANDING_BYTES - 1, 1), (3, 0x7f), (4, 0), (47, 0xff)] {
                let mut bytes = bytes;
                bytes[place] = byte;
                assert!(Standing::from_bytes(&bytes).is_err(), "{place}");
            }
        }
        assert!(Standing::from_bytes(&[0; STANDING_BYTES]).is_err());
    }
}
