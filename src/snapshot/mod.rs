//! snapshot (in progress)

/// How much of a snapshot is verified when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Every block and every link, O(n): for files of unknown origin.
    #[default]
    Full,
    /// Header and section table, time flat in n: for files that the caller wrote and kept. Damage
    /// elsewhere gives wrong answers, never undefined behaviour.
    Header,
}
