//! The GenServer behaviour: typed calls and casts, local or remote.
