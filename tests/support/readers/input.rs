//! An input, taken from its beginning: what is asked beyond its end is zeros, or nothing.

/// What is left of an input.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// One byte.
    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// A number of 2 bytes.
    pub(super) fn pair(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// As many bytes as there are of so many.
    pub(super) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// Bytes behind their number of 2 bytes.
    pub(super) fn piece(&mut self) -> &'a [u8] {
        let len = self.pair();
        self.bytes(len)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// What [`Input::piece`] takes.
pub(super) fn put_piece(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).expect("a piece of an input is short");
    out.extend(len.to_le_bytes());
    out.extend(bytes);
}
