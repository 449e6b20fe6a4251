//! ecphory on a server and on the command line.
