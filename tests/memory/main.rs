//! What memories add to vectors, on real words: that it helps, and that it costs what it says.

mod parts;
mod recollect;
mod weighed;
