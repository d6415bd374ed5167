//! The child processes of the test suite, mounted here so that tests and tools start a server in the same way.

#[path = "../../tests/support/process.rs"]
pub mod process;

#[path = "../../tests/synapse/homeserver.rs"]
pub mod homeserver;

#[path = "../../tests/parties/venv.rs"]
pub mod parties;
