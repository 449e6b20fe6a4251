//! Fixtures and oracles shared by the test programs.
