"""The stage that makes test texts of a source of their own: contract and body."""
