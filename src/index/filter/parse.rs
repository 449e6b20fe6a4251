//! Tag filters from a text.
//!
//! ```text
//!   either = both ('|' both)*
//!   both   = one ('&' one)*
//!   one    = '!' one | '(' either ')' | name | '"' name with anything but quotes '"'
//! ```
//! A name without quotes is anything but blanks, quotes and the five signs.

use std::ops::{BitAnd, BitOr, Not};
use std::str::FromStr;

use super::tags::{DEPTH_MAX, TagFilter};
use crate::error::Error;
use crate::limits::{FILTER_STEPS_MAX, TAG_BYTES_MAX};

/// Bytes of a text, at most: what the longest filter could need.
const TEXT_MAX: usize = FILTER_STEPS_MAX * (TAG_BYTES_MAX + 3);

impl FromStr for TagFilter {
    type Err = Error;

    /// Reads an expression such as `(red | blue) & !"out of stock"`.
    ///
    /// # Errors
    /// [`Error::BadFilter`] says what does not fit, and where.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        if text.len() > TEXT_MAX {
            return Err(parser.refuse("it is too long"));
        }
        let filter = parser.either()?;
        if parser.peek().is_some() {
            return Err(parser.refuse("expected & or |"));
        }
        filter.check()?;
        Ok(filter)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Parentheses and negations that are open.
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<TagFilter, Error> {
        self.list(b'|', Self::both, BitOr::bitor)
    }

    fn both(&mut self) -> Result<TagFilter, Error> {
        self.list(b'&', Self::one, BitAnd::bitand)
    }

    fn list(
        &mut self,
        sign: u8,
        part: fn(&mut Self) -> Result<TagFilter, Error>,
        join: fn(TagFilter, TagFilter) -> TagFilter,
    ) -> Result<TagFilter, Error> {
        let mut all = part(self)?;
        while self.peek() == Some(sign) {
            self.at += 1;
            all = join(all, part(self)?);
            // No more memory is taken for what will be refused.
            all.check()?;
        }
        Ok(all)
    }

    fn one(&mut self) -> Result<TagFilter, Error> {
        if self.depth == DEPTH_MAX {
            return Err(self.refuse("it is nested more than 64 deep"));
        }
        self.depth += 1;
        let filter = match self.peek() {
            Some(b'!') => {
                self.at += 1;
                self.one()?.not()
            }
            Some(b'(') => {
                self.at += 1;
                let inner = self.either()?;
                self.expect(b')', "a parenthesis is not closed")?;
                inner
            }
            Some(b'"') => {
                self.at += 1;
                let name = self.name(|byte| byte != b'"')?;
                self.expect(b'"', "a quote is not closed")?;
                name
            }
            _ => self.name(|byte| !byte.is_ascii_whitespace() && !b"&|!()\"".contains(&byte))?,
        };
        self.depth -= 1;
        Ok(filter)
    }

    /// The tag whose name goes on as long as this holds.
    fn name(&mut self, goes_on: impl Fn(u8) -> bool) -> Result<TagFilter, Error> {
        let rest = &self.text[self.at..];
        let len = rest.bytes().position(|byte| !goes_on(byte)).unwrap_or(rest.len());
        if len == 0 {
            return Err(self.refuse("expected a tag"));
        }
        self.at += len;
        // It ends before an ASCII sign, so between two characters.
        Ok(TagFilter::tag(&rest[..len]))
    }

    fn expect(&mut self, sign: u8, otherwise: &'static str) -> Result<(), Error> {
        if self.peek() != Some(sign) {
            return Err(self.refuse(otherwise));
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn refuse(&self, reason: &'static str) -> Error {
        Error::BadFilter { reason, offset: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        let tag = |name: &str| TagFilter::tag(name);
        let cases = [
            ("red", tag("red")),
            (" a&b|c ", tag("a") & tag("b") | tag("c")),
            ("a & (b | !c)", tag("a") & (tag("b") | !tag("c"))),
            ("!!a", !!tag("a")),
            ("\"out of stock\" | größe:42", tag("out of stock") | tag("größe:42")),
        ];
        for (text, wanted) in cases {
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        let deep = format!("{}a{}", "(".repeat(64), ")".repeat(64));
        let long = "a|".repeat(FILTER_STEPS_MAX) + "a";
        let cases = [
            ("", "expected a tag", 0),
            ("a &", "expected a tag", 3),
            ("a b", "expected & or |", 2),
            ("(a", "a parenthesis is not closed", 2),
            ("a)", "expected & or |", 1),
            ("\"a", "a quote is not closed", 2),
            ("\"\"", "expected a tag", 1),
            (&deep, "it is nested more than 64 deep", 64),
            (&long, "it has more than 4,096 tags and operators", 0),
            (&"!".repeat(10_000_000), "it is too long", 0),
        ];
        for (text, reason, offset) in cases {
            assert_eq!(text.parse::<TagFilter>(), Err(Error::BadFilter { reason, offset }));
        }
    }
}
