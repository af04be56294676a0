"""A CM home in, the Collective Knowledge Playground over it out, with what the installed one needs repaired."""
